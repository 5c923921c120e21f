"""Recognises, at a start, that the database is not the one that was last seen, and begins another incarnation then.

A restored database re-uses positions. Streams, indexes and read models that know the old events behind them would take
new events for old ones; so they are named after the incarnation, and begin anew with it.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import structlog
from msgspec import Struct

from infra.integrity.archive import Archive
from infra.integrity.chain import GENESIS
from infra.integrity.exporter import LOCK
from infra.integrity.keys import SigningKey
from infra.integrity.records import Checkpoint, Restored, sign

Connection = psycopg.Connection[tuple[Any, ...]]

_INCARNATION: LiteralString = "SELECT incarnation FROM ops.installation"
_HEADS: LiteralString = "SELECT tenant_id, head FROM store.tenants()"
_TENANT: LiteralString = "SELECT set_config('app.tenant', %s, true)"
_HASH: LiteralString = "SELECT hash FROM store.tenant_head WHERE tenant_id = %s"
_BEGIN: LiteralString = "SELECT ops.begin_incarnation(%s, %s)"

_log = structlog.get_logger()


class Settled(Struct, frozen=True):
    """The current incarnation, whether it has only now begun, and the tenants whose logs have lost events."""

    incarnation: UUID
    begun: bool
    restored: tuple[Restored, ...]


def settle(dsn: str, archive: Archive, key: SigningKey, now: datetime, *, restored: bool = False) -> Settled:
    """Compare the database with what lies outside it; `dsn` is of the auditor's role.

    Another incarnation begins when a log ends before its last signed checkpoint, or when the database says to be of an
    incarnation that is over; and always when it is known to be `restored`: to a point after the last checkpoint,
    nothing shows it. A database that says a name nobody knows is taken for what it says.

    Raises:
        UntrustedRecordError: what lies outside is damaged or not this installation's.
        psycopg.Error, OSError: the database or the archive can't be read or written.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        if not restored and (settled := _as_it_was(connection, archive)):
            return settled
        # The archive is of one writer at a time, and an exporter may be at it for long.
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        try:
            return _settle(connection, archive, key, now, restored=restored)
        finally:
            # Not left to the connection's end, which the server sees only later than who comes next.
            connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def _as_it_was(connection: Connection, archive: Archive) -> Settled | None:
    """The incarnation where it is the last one known and no log has lost anything; else None."""
    said = _one(connection, _INCARNATION)
    if archive.incarnations()[-1:] == [said] and not _lost(connection, archive):
        return Settled(said, begun=False, restored=())
    return None


def _lost(connection: Connection, archive: Archive) -> list[tuple[Checkpoint, int]]:
    """The last checkpoints of tenants whose logs end before them, with the ends."""
    heads: dict[UUID, int] = dict(connection.execute(_HEADS).fetchall())
    ends = ((last, heads.get(last.tenant, 0)) for last in archive.latest().values())
    return [(last, head) for last, head in ends if head < last.last]


def _settle(connection: Connection, archive: Archive, key: SigningKey, now: datetime, *, restored: bool) -> Settled:
    if not restored and (settled := _as_it_was(connection, archive)):  # somebody else may have been here
        return settled
    said = _one(connection, _INCARNATION)
    known = archive.incarnations()
    lost = _lost(connection, archive)
    fresh = uuid4() if restored or said in known else said
    records = tuple(_restored(connection, last, head, fresh, key, now) for last, head in lost)
    # In this order: a crash in between leaves a name that nobody knows, and the next start does the rest.
    if known or restored:
        connection.execute(_BEGIN, (fresh, [*known, *({said} - {*known, fresh})]))
        _log.error("incarnation.begun", incarnation=str(fresh), was=str(said), tenants_restored=len(records))
    if records:
        archive.add(records, now)
    archive.begin(fresh, now)
    return Settled(fresh, begun=bool(known) or restored, restored=records)


def _restored(
    connection: Connection, last: Checkpoint, head: int, incarnation: UUID, key: SigningKey, now: datetime
) -> Restored:
    link = GENESIS
    if head:
        with connection.transaction():
            connection.execute(_TENANT, (str(last.tenant),))
            link = _one(connection, _HASH, last.tenant)
    record = Restored(
        incarnation=incarnation,
        tenant=last.tenant,
        position=head,
        lost=last.last,
        chain=link.hex(),
        time=now,
        kid=key.public.kid,
    )
    return sign(record, key)


def _one(connection: Connection, query: LiteralString, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise LookupError(query)
    return row[0]
