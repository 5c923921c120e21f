"""Fills the tables that are being built with one tenant's rows; what is interrupted goes on after the last page."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from uuid import UUID

from msgspec import Struct, structs

from projections import fill, poison
from projections.aside import Aside
from projections.parked import locked
from projections.poison import LeftOut
from projections.ports import Behind, CheckpointMovedError, Connection, Log
from projections.projection import Projection

_SIDE_BY_SIDE = 3

_STATE = """
SELECT (SELECT position FROM read.checkpoint WHERE tenant_id = %(tenant)s AND projection = %(name)s), f.until, f.after
  FROM (VALUES (1)) one LEFT JOIN read.filling f ON f.tenant_id = %(tenant)s AND f.projection = %(name)s
"""
_FOLLOWED = """
SELECT CASE WHEN count(*) = %s THEN min(position) ELSE 0 END FROM read.checkpoint
 WHERE tenant_id = %s AND projection = ANY(%s)
"""
_SKIPPED = """
INSERT INTO read.parked
SELECT tenant_id, %s, stream_id, position, reason, since, attempts, skipped_at, skipped_by, skipped_why
  FROM read.parked WHERE tenant_id = %s AND projection = %s AND skipped_at IS NOT NULL
ON CONFLICT DO NOTHING
"""
_START = "INSERT INTO read.filling VALUES (%s, %s, %s, %s)"
_NOTE = "UPDATE read.filling SET after = %s WHERE tenant_id = %s AND projection = %s AND after = %s RETURNING 1"
_NO_NOTE = "DELETE FROM read.filling WHERE tenant_id = %s AND projection = %s"
_COMPLETE = "INSERT INTO read.checkpoint VALUES (%s, %s, %s)"


def next_of(projection: Projection) -> Projection:
    """What is being built, as a projection of its own: its checkpoint has another name."""
    return structs.replace(projection, suffix="/next")


class _Place(Struct):
    """A tenant's rows have all streams up to `after`, with their events until a position."""

    until: int
    after: UUID
    leaves_out: LeftOut


class Building:
    """The rows aside of a projection; `on_events` is told how many events are done."""

    def __init__(self, live: Projection, *, log: Log, aside: Aside, on_events: Callable[[int], None]) -> None:
        self._live = live
        self._copy = next_of(live)
        self._log = log
        self._aside = aside
        self._on_events = on_events

    async def fill_all(self, tenants: Sequence[Behind]) -> None:
        """Fill the rows of tenants, several of them side by side."""
        limit = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(tenant: Behind) -> None:
            async with limit:
                await self.fill(tenant)

        async with asyncio.TaskGroup() as tasks:
            for tenant in tenants:
                tasks.create_task(one(tenant))

    async def fill(self, tenant: Behind) -> None:
        """Fill a tenant's rows, unless they are complete. What has neither `fold` nor `refill` catches up by itself."""
        done = 0
        place = await self._place(tenant)
        if place:
            done = await (
                self._fold(tenant.tenant_id, place) if self._live.fold else self._refill(tenant.tenant_id, place)
            )
        self._on_events(tenant.head - done)

    async def _place(self, tenant: Behind) -> _Place | None:
        """Where to go on; None when there is nothing left to do."""
        name = self._copy.checkpoint
        async with self._aside.of(tenant.tenant_id) as connection:
            parameters = {"tenant": tenant.tenant_id, "name": name}
            complete, until, after = await (await connection.execute(_STATE, parameters)).fetchone()
            if complete is not None:
                return None
            if until is None:
                until, after = await self._until(connection, tenant), fill.FIRST
                await locked(connection, tenant.tenant_id, self._live.checkpoint)  # a skip may be under way
                await connection.execute(_SKIPPED, (name, tenant.tenant_id, self._live.checkpoint))
                if not (self._live.fold or self._live.refill):
                    return None
                await connection.execute(_START, (tenant.tenant_id, name, until, after))
            leaves_out = (await poison.left_out(connection, tenant.tenant_id, [name]))[name]
        return _Place(until, after, LeftOut({}, leaves_out.skipped))

    async def _until(self, connection: Connection, tenant: Behind) -> int:
        follows = list(self._live.follows)
        if not follows:
            return tenant.head
        found = await (await connection.execute(_FOLLOWED, (len(follows), tenant.tenant_id, follows))).fetchone()
        return int(found[0])

    async def _fold(self, tenant_id: UUID, place: _Place) -> int:
        done = 0
        pages = fill.pages(
            self._live, self._log, tenant_id, after=place.after, until=place.until, leaves_out=place.leaves_out
        )
        async with aclosing(pages):
            async for page in pages:
                async with self._aside.of(tenant_id) as connection:
                    if found := await fill.write(connection, self._live, page, self._aside):
                        await poison.park(connection, tenant_id, self._copy.checkpoint, found)
                    await self._note(connection, tenant_id, place, page.last)
                self._on_events(page.count)
                done += page.count
        await self._complete(tenant_id, place.until)
        return done

    async def _refill(self, tenant_id: UUID, place: _Place) -> int:
        last: UUID | None = place.after
        while last is not None and self._live.refill:
            async with self._aside.of(tenant_id) as connection:
                last = await self._live.refill(connection, tenant_id, place.after)
                if last is not None:
                    await self._note(connection, tenant_id, place, last)
        await self._complete(tenant_id, place.until)
        return 0

    async def _note(self, connection: Connection, tenant_id: UUID, place: _Place, last: UUID) -> None:
        """Rows come with the note of how far they go; what is left of a process that was killed gets no further."""
        parameters = (last, tenant_id, self._copy.checkpoint, place.after)
        if await (await connection.execute(_NOTE, parameters)).fetchone() is None:
            raise CheckpointMovedError
        place.after = last

    async def _complete(self, tenant_id: UUID, until: int) -> None:
        name = self._copy.checkpoint
        async with self._aside.of(tenant_id) as connection:
            await connection.execute(_NO_NOTE, (tenant_id, name))
            await connection.execute(_COMPLETE, (tenant_id, name, until))
            await poison.recount(connection, tenant_id, name)
