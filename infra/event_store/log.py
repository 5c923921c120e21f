"""The log as projectors read it."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from commands.ports import UnreadableEventError
from domain.event import SYSTEM, Event, Metadata, Recorded
from infra.event_store import codec, opened
from infra.keys.keyring import Keyring
from infra.postgres import Pool, TenantConnections
from infra.times import NoDatetime
from projections.ports import Behind, Parked, Unreadable

_FEED: LiteralString = f"""SELECT {codec.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND position > %s ORDER BY position LIMIT %s"""
_STREAM: LiteralString = f"""SELECT {codec.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND stream_id = %s AND position > %s AND position <= %s ORDER BY version"""
_STREAMS: LiteralString = f"""SELECT {codec.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND (stream_id, version) > (%s, %s) AND position <= %s
      AND split_part(topic, '.', 1) = ANY(%s) ORDER BY stream_id, version LIMIT %s"""
_UNKNOWN = Metadata(actor=SYSTEM, correlation_id="unreadable")
_NO_TIME = datetime.min.replace(tzinfo=UTC)

_BEHIND: LiteralString = "SELECT tenant_id, head, position FROM read.behind(%s, 1000)"
_TENANTS: LiteralString = "SELECT tenant_id, head FROM store.tenants()"
_MOST_PARKED = 10_000
_PARKED: LiteralString = """
SELECT tenant_id, projection, stream_id, position, reason, since, attempts FROM read.parked_streams(%s, %s)
"""
_AT: LiteralString = "SELECT min(position), count(*) FROM read.checkpoint WHERE tenant_id = %s AND projection = ANY(%s)"


async def feed(
    connections: TenantConnections, keyring: Keyring, tenant_id: UUID, *, after: int, limit: int
) -> Sequence[Recorded[Event]]:
    """A tenant's events in order of position, without gaps."""
    rows = await connections.rows(tenant_id, _FEED, (tenant_id, after, limit))
    return await opened.recorded(rows, keyring)


class PostgresLog:
    """Implements projections.ports.Log."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._connections = TenantConnections(pool)
        self._keyring = keyring

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await self._events(tenant_id, _FEED, (tenant_id, after, limit))

    async def stream(self, tenant_id: UUID, stream_id: UUID, *, after: int, until: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await self._events(tenant_id, _STREAM, (tenant_id, stream_id, after, until))

    async def streams(
        self, tenant_id: UUID, kinds: Collection[str], *, after: tuple[UUID, int], until: int, limit: int
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await self._events(tenant_id, _STREAMS, (tenant_id, *after, until, list(kinds), limit))

    async def _events(
        self, tenant_id: UUID, query: LiteralString, parameters: tuple[object, ...]
    ) -> Sequence[Recorded[Event]]:
        return await _opened(await self._connections.rows(tenant_id, query, parameters), self._keyring)

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

    async def parked(self, projections: Sequence[str]) -> Sequence[Parked]:
        """See the port."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_PARKED, (list(projections), _MOST_PARKED))
            return [Parked(*row) for row in await cursor.fetchall()]


async def _opened(rows: Sequence[opened.Row], keyring: Keyring) -> list[Recorded[Event]]:
    """The events in rows; one that can't be read does not keep projections from the others."""
    try:
        return await opened.recorded(rows, keyring)
    except UnreadableEventError as error:
        if len(rows) == 1:
            return [_unreadable(rows[0], error.reason)]
    return [item for row in rows for item in await _opened([row], keyring)]


def _unreadable(row: opened.Row, reason: str) -> Recorded[Event]:
    tenant_id, position, stream_id, version, topic, _, _, command_id, *times = row
    occurred_at, recorded_at = (_NO_TIME if isinstance(each, NoDatetime) else each for each in times)
    return Recorded(
        tenant_id=tenant_id,
        position=position,
        stream_id=stream_id,
        version=version,
        event=Unreadable(TOPIC=topic, error=reason),
        metadata=_UNKNOWN,
        command_id=command_id,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
    )


async def applied_position(connections: TenantConnections, tenant_id: UUID, projections: Collection[str]) -> int:
    """The position up to which all of the projections have applied a tenant's log."""
    rows = await connections.rows(tenant_id, _AT, (tenant_id, list(projections)))
    lowest, count = rows[0]
    return int(lowest) if count == len(projections) else 0
