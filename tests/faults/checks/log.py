"""The log itself, event by event: dense, in order, chained, and each command in one piece."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.event import FOREIGN, Event, Recorded
from infra.event_store.opened import Find, opened
from infra.integrity import chain
from tests.faults.checks.report import Report

Key = tuple[UUID, UUID]

_MARK = re.compile(rb"mark-[0-9a-f]{32}")


class Trace(Struct):
    """A command as the log has it: its events' positions, its correlation id, what it is about, marks in its data."""

    tenant: UUID
    first: int
    last: int
    correlation_id: str
    streams: list[tuple[str, UUID]]
    marks: set[str]


class Head(Struct):
    """The end of a tenant's log."""

    position: int = 0
    recorded_at: datetime | None = None
    hash: bytes = chain.GENESIS


class _Correlated(Struct):
    correlation_id: str


_correlated = msgspec.json.Decoder(_Correlated)


class Log:
    """Takes every event of some tenants in order; what is wrong goes to the report.

    `traced` are the tenants whose commands are to be compared with a journal.
    """

    def __init__(self, report: Report, find: Find, traced: frozenset[UUID]) -> None:
        self._report = report
        self._find = find
        self._traced = traced
        self.heads: dict[UUID, Head] = defaultdict(Head)
        self.versions: dict[Key, int] = defaultdict(int)
        self.commands: set[Key] = set()
        self.traces: dict[Key, Trace] = {}
        self._current: Key | None = None

    def take(self, row: Sequence[Any]) -> Recorded[Event] | None:
        """The event in a row of the checker's query; None when it can't be opened."""
        tenant, position, stream, version, topic, _, metadata, command, _, recorded_at, kept = row
        head = self.heads[tenant]
        if position != head.position + 1:
            self._wrong(tenant, f"position {position} follows {head.position}")
        if head.recorded_at and recorded_at < head.recorded_at:
            self._wrong(tenant, f"position {position} was recorded before {head.position}")
        # Streams of the eventsourcing library may count from 0.
        from_zero = topic.startswith(FOREIGN) and version == 0 and (tenant, stream) not in self.versions
        if version != self.versions[tenant, stream] + 1 and not from_zero:
            self._report.problems.append(f"stream {stream}: version {version} follows {self.versions[tenant, stream]}")
        if chain.link(head.hash, chain.fields(_stored(row))) != kept:
            self._wrong(tenant, f"position {position} breaks the hash chain")
        self.versions[tenant, stream] = version
        self.heads[tenant] = Head(position, recorded_at, kept)
        try:
            event = opened(row[:-1], self._find)
        except (ValueError, LookupError) as error:
            self._wrong(tenant, f"position {position} can't be opened: {error!r}")
            event = None
        self._command(tenant, command, position, topic)
        if tenant in self._traced:
            self._trace((tenant, command), position, topic, stream, metadata, event)
        return event

    def _command(self, tenant: UUID, command: UUID, position: int, topic: str) -> None:
        """The events of a command stand together: they were appended in one piece."""
        key = (tenant, command)
        if key != self._current and key in self.commands and not topic.startswith(FOREIGN):
            self._wrong(tenant, f"command {command} goes on at position {position}, after others")
        self.commands.add(key)
        self._current = key

    def _trace(
        self, key: Key, position: int, topic: str, stream: UUID, metadata: bytes, event: Recorded[Event] | None
    ) -> None:
        trace = self.traces.get(key)
        if trace is None:
            correlation_id = _correlated.decode(metadata).correlation_id
            trace = self.traces[key] = Trace(key[0], position, position, correlation_id, [], set())
        trace.last = position
        trace.streams.append((topic, stream))
        if event:
            trace.marks |= {mark.decode() for mark in _MARK.findall(msgspec.json.encode(event.event))}

    def _wrong(self, tenant: UUID, what: str) -> None:
        self._report.problems.append(f"tenant {tenant}: {what}")


def _stored(row: Sequence[Any]) -> chain.StoredEvent:
    tenant, position, stream, version, topic, data, metadata, command, occurred_at, recorded_at, _ = row
    return chain.StoredEvent(
        tenant, position, stream, version, topic, occurred_at, recorded_at, data, metadata, command
    )
