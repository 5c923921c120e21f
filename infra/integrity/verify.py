"""Verifies every tenant's chain against itself and against what was signed, in several processes. It only reads."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from multiprocessing import get_context
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from msgspec import Struct

from infra.integrity.audit import Auditor
from infra.integrity.chain import GENESIS
from infra.integrity.findings import Finding, Kind, Report, Segment
from infra.integrity.keys import PublicKey
from infra.integrity.plan import segments, tasks
from infra.integrity.records import Checkpoint, Record, Restored, is_signed_by

# Times are only compared: as text, since Python has not all that Postgres has.
_LOGS: LiteralString = """SELECT tenant_id, head_position, head_hash, head_recorded_at::text,
    last_position, last_hash, last_recorded_at::text
    FROM store.logs() WHERE %s::uuid[] IS NULL OR tenant_id = ANY(%s)"""
_TENANT: LiteralString = "SELECT set_config('app.tenant', %s, true)"
_HASH: LiteralString = "SELECT hash FROM store.event WHERE tenant_id = %s AND position = %s"
_EVENTS_OF_TASK = 40_000
_EVENTS_OF_PROCESS = 150_000  # for fewer, a process takes longer to start than to finish

Portion = list[Segment]


class UnknownTenantError(Exception):
    """Nothing was ever heard of the tenant."""


class _Signed(Struct):
    """What was signed of one tenant."""

    checkpoints: list[Checkpoint] = []
    restores: list[Restored] = []


def verify(
    dsn: str,
    key: PublicKey,
    records: Sequence[Record],
    *,
    tenants: Sequence[UUID] | None,
    jobs: int,
    on_start: Callable[[int], None],
    on_progress: Callable[[int], None],
) -> Report:
    """Look at all tenants or some; `on_start` is told how many events there are, `on_progress` of each portion done.

    `dsn` is of the auditor's role. The records were read before: what is signed meanwhile is of no concern.

    Raises:
        psycopg.Error: the database can't be read.
        UnknownTenantError: one of `tenants` has neither a log nor a checkpoint.
    """
    started = time.monotonic()
    report = Report(findings=[])
    with psycopg.connect(dsn, options="-c default_transaction_read_only=on") as connection:
        every = list(_plan(connection, key, records, tenants, report))
    on_start(sum(segment.events for segment in every))
    # What takes long without being counted goes first.
    portions = list(tasks(sorted(every, key=lambda segment: segment.events > 0), _EVENTS_OF_TASK))
    for events, findings in _looked(dsn, key, portions, jobs, on_progress):
        report.events += events
        report.findings += findings
    report.findings.sort()
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _plan(
    connection: psycopg.Connection[Any],
    key: PublicKey,
    records: Sequence[Record],
    tenants: Sequence[UUID] | None,
    report: Report,
) -> Iterator[Segment]:
    signed = _by_tenant(records, tenants)
    wanted = None if tenants is None else list(tenants)
    logs = {row[0]: row[1:] for row in connection.execute(_LOGS, (wanted, wanted)).fetchall()}
    if unknown := set(wanted or ()) - logs.keys() - signed.keys():
        raise UnknownTenantError(str(min(unknown)))
    for tenant in sorted(logs.keys() | signed.keys()):
        *head, position, link, recorded_at = logs.get(tenant, (None,) * 6)
        last = position or 0
        if head != [position, link, recorded_at]:
            said = (
                f"the log ends at {last}, its head says {head[0]}"
                if head[0] != position
                else "the head is not the last event"
            )
            report.findings.append(Finding(tenant, last, Kind.HEAD, said))
        mine = signed.get(tenant, _Signed([], []))
        trusted, findings = _trusted(connection, key, mine.restores)
        valid = [each for each in mine.checkpoints if not any(restore.explains(each) for restore in trusted)]
        for checkpoint in (each for each in valid if each.last > last):
            said = f"a signed checkpoint reaches to {checkpoint.last}, the log ends at {last}"
            findings.append(Finding(tenant, last + 1, Kind.CHECKPOINT, said))
        within = [each for each in valid if each.last <= last]
        report.tenants += 1
        report.checkpoints += len(within)
        report.restores += len(trusted)
        report.findings += findings
        yield from segments(tenant, last, within, _EVENTS_OF_TASK)


def _by_tenant(records: Sequence[Record], tenants: Sequence[UUID] | None) -> dict[UUID, _Signed]:
    found: dict[UUID, _Signed] = defaultdict(lambda: _Signed([], []))
    for record in records:
        if tenants is None or record.tenant in tenants:
            if isinstance(record, Restored):
                found[record.tenant].restores.append(record)
            else:
                found[record.tenant].checkpoints.append(record)
    return dict(found)


def _trusted(
    connection: psycopg.Connection[Any], key: PublicKey, restores: Sequence[Restored]
) -> tuple[list[Restored], list[Finding]]:
    """The restores that are signed and agree with the log; one that a later restore went behind agrees with nothing."""
    trusted, findings = [], list[Finding]()
    for restore in restores:
        behind = any(each.time >= restore.time and each.position < restore.position for each in restores)
        if not is_signed_by(restore, key):
            said = (
                f"the record of a restore to {restore.position} is not signed by this installation (key {restore.kid})"
            )
        elif not behind and _hash(connection, restore) != bytes.fromhex(restore.chain):
            said = f"the log up to {restore.position} is not the one that was restored at {restore.time.isoformat()}"
        else:
            trusted.append(restore)
            continue
        findings.append(Finding(restore.tenant, restore.position, Kind.CHECKPOINT, said))
    return trusted, findings


def _hash(connection: psycopg.Connection[Any], restore: Restored) -> bytes | None:
    if restore.position == 0:
        return GENESIS
    with connection.transaction():
        connection.execute(_TENANT, (str(restore.tenant),))
        found = connection.execute(_HASH, (restore.tenant, restore.position)).fetchone()
    return found[0] if found else None


def _looked(
    dsn: str, key: PublicKey, portions: Sequence[Portion], jobs: int, on_progress: Callable[[int], None]
) -> Iterator[tuple[int, list[Finding]]]:
    events = sum(segment.events for portion in portions for segment in portion)
    jobs = min(jobs, len(portions), 1 + events // _EVENTS_OF_PROCESS)
    if jobs <= 1:
        with closing(Auditor(dsn, key.raw)) as auditor:
            for portion in portions:
                events, findings = auditor.look(portion)
                on_progress(events)
                yield events, findings
        return
    # Not forked: this process may have threads, and connections that are not to be shared.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (dsn, key.raw)) as pool:
        try:
            for done in as_completed([pool.submit(_look, portion) for portion in portions]):
                events, findings = done.result()
                on_progress(events)
                yield events, findings
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_of_this_worker: list[Auditor] = []


def _begin(dsn: str, raw_key: bytes) -> None:
    _of_this_worker.append(Auditor(dsn, raw_key))


def _look(portion: Portion) -> tuple[int, list[Finding]]:
    return _of_this_worker[0].look(portion)
