"""Builds a read model anew beside the one that is read, from the log, and puts it in its place in one transaction.

Every step is kept: what is killed goes on from where it was when it is started again. Nothing but rows is written, and
nobody is told of events that happened long ago.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded
from projections import poison
from projections.aside import Aside, Gap, Sum, Swap, SwapBusyError
from projections.building import next_of
from projections.parked import locked, set_back
from projections.ports import Behind, Log
from projections.projection import Projection
from projections.turns import BATCH, Turns

OnProgress = Callable[[str, int, int], None]
"""Told the stage (fill, index, compare, swap) and how much of how much is done; in `fill` those are events."""

Fill = Callable[[Projection, Sequence[Behind], Callable[[int], None]], Awaitable[None]]
"""Fills the rows aside of tenants, and tells how many events are done: see projections.building."""

_SIDE_BY_SIDE = 2
_MOST_IN_SWAP = 2000
_SWAP_TRIES = 60
_PAUSE_SECONDS = 0.2
_PATIENCE = (0.3, 0.3, 0.6, 1.2, 2.0)

_POSITION = "SELECT position FROM read.checkpoint WHERE tenant_id = %s AND projection = %s"
_MOVE = """
INSERT INTO read.checkpoint VALUES (%s, %s, %s)
ON CONFLICT (tenant_id, projection) DO UPDATE SET position = excluded.position
"""


class SwapBlockedError(Exception):
    """What is read was in use for so long that the tables could not change places. What was built stays."""


class Compared(Struct, frozen=True):
    """A tenant's tables before and after. `is_level`: both include the same events, so that they should be the same."""

    tenant_id: UUID
    is_level: bool
    sums: Sequence[tuple[Sum, Sum]]

    @property
    def is_equal(self) -> bool:
        """Whether the rows are the same."""
        return all(old == new for old, new in self.sums)


class Rebuilt(Struct, frozen=True):
    """What came of it: how many events there were, and how the tables compare, tenant by tenant."""

    events: int
    was_resumed: bool
    compared: Sequence[Compared]


class Rebuild:
    """A rebuild of one projection. `followers` are the checkpoints of what mirrors its rows."""

    def __init__(
        self,
        projection: Projection,
        *,
        log: Log,
        aside: Aside,
        fill: Fill,
        followers: Sequence[str],
        on_progress: OnProgress,
    ) -> None:
        self._live = projection
        self._next = next_of(projection)
        self._fill = fill
        self._log = log
        self._aside = aside
        self._followers = followers
        self._on_progress = on_progress
        self._turns = Turns(
            [self._next], log=log, sessions=aside, on_applied=_tell_nobody, careful=asyncio.Semaphore(_SIDE_BY_SIDE)
        )

    async def run(self, *, fresh: bool = False) -> Rebuilt:
        """Build, compare and swap. `fresh` begins anew instead of going on with what was interrupted.

        Raises:
            RebuildRunsError: another rebuild is going on.
            SwapBlockedError: the tables could not change places; started again it goes on there.
        """
        async with self._aside.claimed():
            if fresh:
                await self._aside.forget(self._live)
            resumed = await self._aside.begin(self._live)
            tenants = await self._log.tenants()
            await self._build(tenants)
            # Beside each other: to compare is to read, and the statistics are only needed by those who read afterwards.
            compared, _ = await asyncio.gather(self._compare_all(tenants), self._aside.analyze(self._live))
            await self._swap([each.tenant_id for each in compared if not (each.is_level and each.is_equal)])
        return Rebuilt(sum(tenant.head for tenant in tenants), resumed, compared)

    async def _build(self, tenants: Sequence[Behind]) -> None:
        done, total = 0, sum(tenant.head for tenant in tenants)

        def on_events(count: int) -> None:
            nonlocal done
            done += count
            self._on_progress("fill", done, total)

        # Copied rows are indexed when all are there; what is written in other ways needs the indexes.
        if not self._live.fold:
            await self._index()
        await self._fill(self._live, tenants, on_events)
        if self._live.fold:
            await self._index()
        await self._catch_up()

    async def _index(self) -> None:
        self._on_progress("index", 0, 1)
        await self._aside.index(self._live)
        self._on_progress("index", 1, 1)

    async def _catch_up(self) -> None:
        """Go on to the ends of the logs, as they are when a tenant's turn comes."""
        seen: set[UUID] = set()
        while behind := [
            each for each in await self._log.behind([self._next.checkpoint]) if each.tenant_id not in seen
        ]:
            for tenant in behind:
                seen.add(tenant.tenant_id)
                await self._take(tenant.tenant_id)

    async def _take(self, tenant_id: UUID, until: int | None = None) -> None:
        while await self._turns.take(tenant_id, until=until):
            pass

    async def _compare_all(self, tenants: Sequence[Behind]) -> list[Compared]:
        limit, done = asyncio.Semaphore(_SIDE_BY_SIDE), 0

        async def one(tenant: Behind) -> Compared:
            nonlocal done
            async with limit:
                compared = await self._compare(tenant.tenant_id)
            done += 1
            self._on_progress("compare", done, len(tenants))
            return compared

        return list(await asyncio.gather(*map(one, tenants)))

    async def _compare(self, tenant_id: UUID) -> Compared:
        """Compare a tenant's rows at the same position; its projector waits meanwhile."""
        async with self._aside.of(tenant_id) as connection:
            live = await locked(connection, tenant_id, self._live.checkpoint)
            await self._take(tenant_id, live)
            found = await (await connection.execute(_POSITION, (tenant_id, self._next.checkpoint))).fetchone()
            sums = [await self._aside.sums(connection, table, tenant_id) for table in self._live.tables]
        return Compared(tenant_id, (found[0] if found else 0) == live, sums)

    async def _swap(self, different: Sequence[UUID]) -> None:
        self._on_progress("swap", 0, 1)
        for attempt in range(_SWAP_TRIES):
            for gap in await self._aside.gaps(self._live):
                await self._take(gap.tenant_id, gap.live)
            try:
                await self._try_swap(different, _PATIENCE[attempt % len(_PATIENCE)])
            except SwapBusyError:
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._on_progress("swap", 1, 1)
                return
        raise SwapBlockedError

    async def _try_swap(self, different: Sequence[UUID], patience: float) -> None:
        async with self._aside.swapping(self._live, patience=patience) as swap:
            gaps = await swap.gaps()
            if sum(gap.live - gap.next for gap in gaps) > _MOST_IN_SWAP:
                raise SwapBusyError
            for gap in gaps:
                await self._close(swap, gap)
            for tenant_id in different if self._followers else ():
                # In the same transaction: what mirrors rows that were others has to look at all of them again.
                await set_back(await swap.of(tenant_id), tenant_id, self._followers, 0)

    async def _close(self, swap: Swap, gap: Gap) -> None:
        """Apply what a tenant's rows aside still lack."""
        name, position = self._next.checkpoint, gap.next
        connection = await swap.of(gap.tenant_id)
        while position < gap.live:
            events = await self._log.read(gap.tenant_id, after=position, limit=min(BATCH, gap.live - position))
            if not events:
                return  # read further than the log goes; the swap will refuse
            leaves_out = (await poison.left_out(connection, gap.tenant_id, [name]))[name]
            found = await poison.apply(connection, self._next, events, leaves_out, self._aside.passing)
            position = events[-1].position
            await connection.execute(_MOVE, (gap.tenant_id, name, position))
            if found:
                await poison.park(connection, gap.tenant_id, name, found)


async def _tell_nobody(tenant_id: UUID, checkpoints: Sequence[str], events: Sequence[Recorded[Event]]) -> None:
    """What is built aside is nobody's news."""
    del tenant_id, checkpoints, events
