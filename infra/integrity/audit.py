"""Computes stretches of tenants' chains again, from what Postgres has; runs in worker processes."""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from infra.integrity.chain import GENESIS, link
from infra.integrity.findings import Finding, Kind, Segment
from infra.integrity.keys import PublicKey, public_key
from infra.integrity.merkle import Tree
from infra.integrity.records import Checkpoint, is_signed_by

Connection = psycopg.Connection[tuple[Any, ...]]

_MOST_FINDINGS = 20

_TENANT: LiteralString = "SELECT set_config('app.tenant', %s, true)"
_HASH: LiteralString = "SELECT hash FROM store.event WHERE tenant_id = %s AND position = %s"
# COPY's binary rows have every column after its length: with times as whole microseconds, that is what is hashed. No
# event was ever hashed with an infinite time; one that has it now is found by its hash, as whatever was altered.
_ROWS: LiteralString = """
COPY (SELECT tenant_id, position, stream_id, version, topic,
             (extract(epoch FROM nullif(nullif(occurred_at, 'infinity'), '-infinity')) * 1000000)::bigint,
             (extract(epoch FROM nullif(nullif(recorded_at, 'infinity'), '-infinity')) * 1000000)::bigint,
             data, metadata, command_id, hash
        FROM store.event WHERE tenant_id = {tenant} AND position BETWEEN {first} AND {last} ORDER BY position)
  TO STDOUT (FORMAT BINARY)
"""
_VERSIONS: LiteralString = """
SELECT s.position, s.stream_id, s.version, s.before FROM (
       SELECT position, stream_id, version, lag(version) OVER (PARTITION BY stream_id ORDER BY position) AS before
         FROM store.event WHERE tenant_id = %s) s
 -- A stream counts from 1; one of the eventsourcing library may count from 0.
 WHERE s.version <> coalesce(s.before + 1, CASE s.version WHEN 0 THEN 0 ELSE 1 END)
 ORDER BY s.position LIMIT %s
"""
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_POSITION = slice(26, 34)  # after the number of columns, the tenant and two lengths
_HASH_LENGTH = b"\0\0\0\x20"


class Auditor:
    """Looks at segments, over a connection that may read and no more."""

    def __init__(self, dsn: str, raw_key: bytes) -> None:
        self._key: PublicKey = public_key(raw_key)
        self._connection: Connection = psycopg.connect(
            dsn, application_name="rapport-verify", options="-c default_transaction_read_only=on -c jit=off"
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def look(self, segments: Sequence[Segment]) -> tuple[int, list[Finding]]:
        """The number of events that were there, and what is wrong with them; of each segment the first findings.

        Raises:
            psycopg.Error: the database can't be read.
        """
        events, findings = 0, list[Finding]()
        for segment in segments:
            with self._connection.transaction():
                self._connection.execute(_TENANT, (str(segment.tenant),))
                if segment.streams:
                    findings += self._versions(segment)
                chain = _Chain(segment, self._before(segment))
                for row in self._rows(segment):
                    chain.take(row)
                    events += 1
            found = [*chain.end(), *self._signatures(segment.checkpoints)]
            findings += sorted(found)[:_MOST_FINDINGS]
        return events, findings

    def _before(self, segment: Segment) -> bytes | None:
        if segment.first == 1:
            return GENESIS
        found = self._connection.execute(_HASH, (segment.tenant, segment.first - 1)).fetchone()
        return found[0] if found else None

    def _rows(self, segment: Segment) -> Iterator[bytes]:
        if segment.events <= 0:
            return
        bounds = (segment.tenant, segment.first, segment.last)
        tenant, first, last = (sql.Literal(value) for value in bounds)
        with self._connection.cursor().copy(sql.SQL(_ROWS).format(tenant=tenant, first=first, last=last)) as copy:
            for message in copy:
                row = bytes(message).removeprefix(_COPY_HEADER)
                if row and row != _COPY_END:
                    yield row

    def _versions(self, segment: Segment) -> Iterator[Finding]:
        for position, stream, version, before in self._connection.execute(_VERSIONS, (segment.tenant, _MOST_FINDINGS)):
            said = f"version {version} of stream {stream} " + ("comes first" if before is None else f"follows {before}")
            yield Finding(segment.tenant, position, Kind.VERSION, said)

    def _signatures(self, checkpoints: Sequence[Checkpoint]) -> Iterator[Finding]:
        for each in checkpoints:
            if not is_signed_by(each, self._key):
                said = f"the checkpoint {each.first} to {each.last} is not signed by this installation (key {each.kid})"
                yield Finding(each.tenant, each.first, Kind.CHECKPOINT, said)


class _Chain:
    """Follows one segment row by row."""

    def __init__(self, segment: Segment, before: bytes | None) -> None:
        self._segment = segment
        self._expected = segment.first
        self._previous = before
        self._findings: list[Finding] = []
        self._waiting = sorted(segment.checkpoints, key=lambda each: each.first, reverse=True)
        self._open: list[tuple[Checkpoint, Tree]] = []

    def take(self, row: bytes) -> None:
        position = int.from_bytes(row[_POSITION], "big", signed=True)
        if position != self._expected:
            self._missing(position - 1)
        kept, hashed = row[-32:], row[2:-36]
        if row[-36:-32] != _HASH_LENGTH:
            self._found(position, Kind.HASH, "its hash is not 32 bytes long")
            self._previous = None
        else:
            if self._previous is not None and link(self._previous, hashed) != kept:
                self._found(position, Kind.HASH, "the event is not the one that its hash was computed from")
            # From what is stored: so that one altered event is one finding, and not all that follow it.
            self._previous = kept
        self._expected = position + 1
        self._compare(position, kept)

    def end(self) -> list[Finding]:
        if self._expected <= self._segment.last:
            self._missing(self._segment.last)
        for checkpoint in (*self._waiting, *(each for each, _ in self._open)):
            self._found(
                checkpoint.first, Kind.CHECKPOINT, f"not all events up to {checkpoint.last} that were signed are there"
            )
        return self._findings

    def _compare(self, position: int, kept: bytes) -> None:
        """With the checkpoints that the position belongs to."""
        while self._waiting and self._waiting[-1].first <= position:
            self._open.append((self._waiting.pop(), Tree()))
        for checkpoint, tree in self._open:
            tree.add(kept)
            if position == checkpoint.last and (kept.hex(), tree.root().hex()) != (checkpoint.chain, checkpoint.root):
                said = f"the events up to {checkpoint.last} are not those signed at {checkpoint.time:%Y-%m-%d %H:%M}"
                self._found(checkpoint.first, Kind.CHECKPOINT, said)
        if self._open:
            self._open = [each for each in self._open if each[0].last > position]

    def _missing(self, until: int) -> None:
        what = "is missing" if until == self._expected else f"to {until} are missing"
        self._found(self._expected, Kind.POSITION, what)
        self._previous = None

    def _found(self, position: int, kind: Kind, what: str) -> None:
        self._findings.append(Finding(self._segment.tenant, position, kind, what))
