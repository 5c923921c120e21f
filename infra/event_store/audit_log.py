"""The log from its end, filtered, as the audit trail reads it: under the tenant's row level security."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from domain.event import Event, Recorded
from infra.event_store import codec, opened
from infra.keys.keyring import Keyring
from infra.postgres import TenantConnections
from projections.audit import Trail, Wanted

WINDOW = 20_000
"""So many events are looked at for one answer: an index for each filter would cost every append."""

_BOUNDS: LiteralString = """SELECT store.position_at(%s::timestamptz - interval '1 microsecond'),
    store.position_at(%s::timestamptz - interval '1 microsecond')"""
_FILTERED: LiteralString = """
    WHERE (%s::text[] IS NULL OR topic = ANY(%s)) AND
          (%s::text IS NULL OR convert_from(metadata, 'UTF8')::jsonb #>> '{actor,id}' = %s)
    ORDER BY position DESC LIMIT %s"""
# OFFSET: the window is cut by the primary key first, then looked through.
WITHIN: LiteralString = f"""SELECT {codec.COLUMNS} FROM (
    SELECT * FROM store.event WHERE tenant_id = %s AND position > %s AND position <= %s
     ORDER BY position DESC OFFSET 0) e {_FILTERED}"""
ONE: LiteralString = f"""SELECT {codec.COLUMNS} FROM (
    SELECT * FROM store.event WHERE tenant_id = %s AND position > %s AND position <= %s AND stream_id = %s
     ORDER BY version DESC OFFSET 0) e {_FILTERED}"""
_STREAMS: LiteralString = f"""SELECT {codec.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND stream_id = ANY(%s) AND position <= %s ORDER BY stream_id, version"""


class PostgresAuditLog:
    """Implements projections.audit.AuditLog."""

    def __init__(self, connections: TenantConnections, keyring: Keyring, window: int = WINDOW) -> None:
        self._connections = connections
        self._keyring = keyring
        self._window = window

    async def trail(self, tenant_id: UUID, wanted: Wanted, *, before: int | None, limit: int) -> Trail:
        """See the port. What happened to one target is looked up by its stream, all else by looking through the log."""
        lowest, top = await self._bounds(tenant_id, wanted, before)
        floor = lowest if wanted.target_id else max(lowest, top - self._window)
        actor, topics = str(wanted.actor_id) if wanted.actor_id else None, _list(wanted.topics)
        query = ONE if wanted.target_id else WITHIN
        target = (wanted.target_id,) if wanted.target_id else ()
        values = (tenant_id, floor, top, *target, topics, topics, actor, actor, limit + 1)
        rows = await self._connections.rows(tenant_id, query, values)
        found = await opened.recorded(rows[:limit], self._keyring)
        if len(rows) > limit:
            return Trail(found, found[-1].position)
        return Trail(found, floor + 1 if floor > lowest else None)

    async def streams(self, tenant_id: UUID, stream_ids: Sequence[UUID], up_to: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        if not stream_ids:
            return []
        rows = await self._connections.rows(tenant_id, _STREAMS, (tenant_id, list(stream_ids), up_to))
        return await opened.recorded(rows, self._keyring)

    async def _bounds(self, tenant_id: UUID, wanted: Wanted, before: int | None) -> tuple[int, int]:
        """The position after which, and that up to which, events are looked at."""
        times = (_time(wanted.since, "-infinity"), _time(wanted.until, "infinity"))
        ((lowest, highest),) = await self._connections.rows(tenant_id, _BOUNDS, times)
        return lowest, highest if before is None else min(before - 1, highest)


def _time(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else moment.isoformat()


def _list(topics: tuple[str, ...] | None) -> list[str] | None:
    return None if topics is None else list(topics)
