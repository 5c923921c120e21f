"""The log as projectors read it."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

from domain.event import Event, Recorded
from infra.event_store import codec
from infra.postgres import Pool, TenantConnections
from projections.ports import Behind

_FEED: LiteralString = f"""SELECT {codec.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND position > %s ORDER BY position LIMIT %s"""
_BEHIND: LiteralString = "SELECT tenant_id, head FROM read.behind(%s, 1000)"
_TENANTS: LiteralString = "SELECT tenant_id, head FROM store.tenants()"
_AT: LiteralString = "SELECT min(position), count(*) FROM read.checkpoint WHERE tenant_id = %s AND projection = ANY(%s)"


async def feed(connections: TenantConnections, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
    """A tenant's events in order of position, without gaps."""
    rows = await connections.rows(tenant_id, _FEED, (tenant_id, after, limit))
    return [codec.recorded(row) for row in rows]


class PostgresLog:
    """Implements projections.ports.Log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connections = TenantConnections(pool)

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await feed(self._connections, tenant_id, after=after, limit=limit)

    async def behind(self, projections: Sequence[str]) -> Sequence[Behind]:
        """See the port."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_BEHIND, (list(projections),))
            return [Behind(*row) for row in await cursor.fetchall()]

    async def tenants(self) -> Sequence[Behind]:
        """See the port."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_TENANTS)
            return [Behind(*row) for row in await cursor.fetchall()]


async def applied_position(connections: TenantConnections, tenant_id: UUID, projections: Collection[str]) -> int:
    """The position up to which all of the projections have applied a tenant's log."""
    rows = await connections.rows(tenant_id, _AT, (tenant_id, list(projections)))
    lowest, count = rows[0]
    return int(lowest) if count == len(projections) else 0
