"""What a worker looks for quiet leads with, in Postgres."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from commands.identity.access import Authorization
from commands.leads.inactivity import AT_ONCE, Seen, Sweeping, Swept, Turn
from commands.ports import Clock, EventStore
from commands.trusted_time import TrustedTime
from infra import clock
from infra.postgres import APPEND, SERVICE, Pool, TenantConnections, unavailable_as_such
from infra.wiring import Wiring
from projections.leads import inactivity
from projections.leads.inactivity import Looked

LEASE = timedelta(seconds=60)
"""So long after the death of a worker another one goes on."""
SOON = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=10)

_TAKE: LiteralString = "SELECT tenant_id, written, flags FROM store.take_sweeps(%s, %s, %s, %s, %s, %s)"
_LEAVE: LiteralString = "SELECT store.leave_sweep(%s, %s, %s, %s, %s, %s, %s, %s)"
_FAIL: LiteralString = "SELECT store.fail_sweep(%s, %s, %s, %s)"
_CLOCK: LiteralString = "SELECT here, before FROM store.sweep_clock(%s)"


class PostgresQuietLeads:
    """Implements commands.leads.inactivity.QuietLeads."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def reached(self, tenant_id: UUID) -> int:
        """See the port."""
        async with unavailable_as_such(), self._connections.of(tenant_id) as connection:
            return await inactivity.reached(connection, tenant_id)

    async def some(
        self, tenant_id: UUID, *, flagged: bool, cutoff: datetime, now: datetime, after: tuple[datetime, UUID]
    ) -> Sequence[Seen]:
        """See the port."""
        async with unavailable_as_such(), self._connections.of(tenant_id) as connection:
            found = await inactivity.some(
                connection, tenant_id, flagged=flagged, cutoff=cutoff, now=now, after=after, most=AT_ONCE
            )
        return [Seen(lead.id, lead.version, lead.owner_id, lead.changed_at, lead.active_at) for lead in found]

    async def are_active(self, tenant_id: UUID, leads: Sequence[Seen], cutoff: datetime) -> None:
        """See the port."""
        async with unavailable_as_such(), self._connections.of(tenant_id) as connection:
            found = [Looked(lead.id, lead.version, lead.owner_id, lead.changed_at, lead.active_at) for lead in leads]
            await inactivity.note_active(connection, found, cutoff)

    async def rest(self, tenant_id: UUID, cutoff: datetime) -> tuple[datetime | None, bool]:
        """See the port."""
        async with unavailable_as_such(), self._connections.of(tenant_id) as connection:
            least = await inactivity.least_recent(connection, tenant_id, cutoff)
            return least, await inactivity.any_flagged(connection, tenant_id)


class PostgresSweepTurns:
    """Whose turn it is. The pool is the one that may append: turns are given across tenants.

    Everything raises StoreUnavailableError while Postgres can't be reached.
    """

    def __init__(self, pool: Pool, worker: UUID, every: timedelta, *, lease: timedelta = LEASE) -> None:
        self._pool = pool
        self._worker = worker
        self._every = every
        self._lease = lease

    async def clock(self, believed: datetime | None = None) -> tuple[datetime, datetime | None]:
        """The time as it is in the database, and the last that was believed, which this may be."""
        async with unavailable_as_such(), self._pool.connection() as connection:
            row = await (await connection.execute(_CLOCK, (believed,))).fetchone()
        if row is None:
            raise RuntimeError("the sweep's clock has no row")
        return row[0], row[1]

    async def take(self, at: datetime, most: int) -> list[Turn]:
        """Some tenants, which are nobody else's until they are left or the lease ends."""
        soon = min(SOON, self._every)
        parameters = (self._worker, self._lease, self._every, soon, at, most)
        async with unavailable_as_such(), self._pool.connection() as connection:
            rows = await (await connection.execute(_TAKE, parameters)).fetchall()
        return [Turn(*row) for row in rows]

    async def leave(self, turn: Turn, swept: Swept | None, took: timedelta) -> None:
        """A tenant was looked through; without a result, nothing could be said yet."""
        found = swept or Swept(position=0, due_at=None, written=turn.written, has_flagged=True)
        flags = turn.flags and swept is not None
        parameters = (self._worker, turn.tenant_id, flags, found.position, found.due_at, found.written)
        async with unavailable_as_such(), self._pool.connection() as connection:
            await connection.execute(_LEAVE, (*parameters, found.has_flagged, took))

    async def fail(self, turn: Turn, why: str) -> None:
        """A tenant could not be looked through."""
        async with unavailable_as_such(), self._pool.connection() as connection:
            await connection.execute(_FAIL, (self._worker, turn.tenant_id, why, _LONGEST_PAUSE))


async def sweeping(
    wired: Wiring, store: EventStore, authorization: Authorization
) -> tuple[PostgresSweepTurns, Sweeping, Callable[[UUID], Awaitable[int]], Clock, TrustedTime]:
    """What a worker flags inactive leads with: turns, what one does, the days that a tenant has set, and the time."""
    leads = PostgresQuietLeads(TenantConnections(await wired.pool(SERVICE, size=2)))
    every = timedelta(seconds=wired.settings.sweep_seconds)
    turns = PostgresSweepTurns(await wired.pool(APPEND, size=1), clock.new_id(), every)

    async def days(tenant_id: UUID) -> int:
        return (await authorization.access(tenant_id)).settings.inactivity_days

    return turns, Sweeping(store, leads, clock.now, clock.new_id), days, clock.now, TrustedTime(time.monotonic)
