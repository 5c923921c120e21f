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


def settle(dsn: str, archive: Archive, key: SigningKey, now: datetime) -> Settled:
    """Compare the database with what lies outside it; `dsn` is of the auditor's role.

    Another incarnation begins when a log ends before its last signed checkpoint, or when the database says to be of an
    incarnation that is over. A database that says a name nobody knows is taken for what it says.

    Raises:
        UntrustedRecordError: what lies outside is damaged or not this installation's.
        psycopg.Error, OSError: the database or the archive can't be read or written.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        # The archive is of one writer at a time.
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        try:
            return _settle(connection, archive, key, now)
        finally:
            # Not left to the connection's end, which the server sees only later than who comes next.
            connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def _settle(connection: Connection, archive: Archive, key: SigningKey, now: datetime) -> Settled:
    said = _one(connection, _INCARNATION)
    known = archive.incarnations()
    heads: dict[UUID, int] = dict(connection.execute(_HEADS).fetchall())
    lost = [last for last in archive.latest().values() if heads.get(last.tenant, 0) < last.last]
    if known and said == known[-1] and not lost:
        return Settled(said, begun=False, restored=())
    fresh = uuid4() if said in known else said
    restored = tuple(_restored(connection, last, heads.get(last.tenant, 0), fresh, key, now) for last in lost)
    # In this order: a crash in between leaves a name that nobody knows, and the next start does the rest.
    if known:
        connection.execute(_BEGIN, (fresh, known))
        _log.error("incarnation.begun", incarnation=str(fresh), was=str(said), tenants_restored=len(restored))
    if restored:
        archive.add(restored, now)
    archive.begin(fresh, now)
    return Settled(fresh, begun=bool(known), restored=restored)


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
