"""Drives projections: what the broker delivers when it comes, what it lost from the log.

The checkpoint in the projection's own transaction decides what is applied, so duplicates, reordering and a second
projector on the same tenant do no harm.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

import structlog

from domain.errors import kind_of
from domain.event import Event, Recorded
from projections.lane import Lane
from projections.parked import resume
from projections.ports import Announcements, Behind, Deliveries, Log, Sessions
from projections.projection import Projection
from projections.registry import followers
from projections.turns import BATCH, Turns

_POLL_SECONDS = 1.0
_ON_ITS_WAY_SECONDS = 0.2
_FETCH_SECONDS = 0.5
_RESTS = 3.0
"""How many times as long as a small turn took a lane of followers waits for more to do."""
_MOST_FOLLOWED = 4 * BATCH
_CAREFUL = 4
"""Of the 8 connections that a projector has."""

_log = structlog.get_logger()


class Runner:
    """Keeps the Postgres projections of this process up to date.

    Those that follow no other apply a tenant's events in one transaction. What follows others comes after them, with
    the events that they have just applied.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        *,
        log: Log,
        deliveries: Deliveries,
        sessions: Sessions,
        announcements: Announcements,
    ) -> None:
        self._projections = {projection.checkpoint: projection for projection in projections}
        self._log = log
        self._sessions = sessions
        self._deliveries = deliveries
        self._announcements = announcements
        careful = asyncio.Semaphore(_CAREFUL)
        self._lanes = [
            Lane(
                Turns(
                    group,
                    log=log,
                    sessions=sessions,
                    on_applied=self._applied,
                    careful=careful,
                    **({} if group[0].follows else {"beside": self._beside}),
                ),
                # What follows takes more events in fewer turns when there is much to do, and leaves others the time.
                side_by_side=1 if group[0].follows else 3,
                most=_MOST_FOLLOWED if group[0].follows else BATCH,
                rest=_RESTS if group[0].follows else 0.0,
                **({} if group[0].follows else {"on_full": deliveries.pause, "on_level": deliveries.resume}),
            )
            for group in _groups(projections)
        ]
        self._mirrors = [lane for lane in self._lanes if lane.turns.follows]

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._retry_parked())
            tasks.create_task(self._follow_deliveries())
            tasks.create_task(self._follow_heads())
            for lane in self._lanes:
                tasks.create_task(lane.run())

    async def catch_up(self, tenant_id: UUID, events: Sequence[Recorded[Event]] = ()) -> None:
        """Apply a tenant's events here and now: what was delivered, and whatever the log has before or after it.

        Raises:
            CheckpointMovedError: another projector was faster.
        """
        for lane in self._lanes:
            # What follows others may not take what is only delivered yet.
            delivered = () if lane.turns.follows else events
            while await lane.turns.take(tenant_id, delivered):
                delivered = ()

    async def _retry_parked(self) -> None:
        """Try what was parked once more when this process starts: newer code may know what to do with it."""
        try:
            parked = await self._log.parked(list(self._projections))
        except Exception as error:  # noqa: BLE001  it can be retried by hand
            _log.warning("projector.log_unavailable", error=kind_of(error))
            return
        for each in parked:
            one = self._projections[each.projection]
            try:
                await resume(each, one, log=self._log, sessions=self._sessions, followers=followers(one))
            except Exception as error:  # noqa: BLE001  one tenant's trouble does not stop the others
                _log.warning("projector.retry_failed", tenant_id=str(each.tenant_id), error=kind_of(error))

    async def _follow_deliveries(self) -> None:
        while True:
            self._deliver(await self._deliveries.fetch(most=BATCH, wait=_FETCH_SECONDS))

    def _deliver(self, events: Sequence[Recorded[Event]]) -> None:
        by_tenant: dict[UUID, list[Recorded[Event]]] = defaultdict(list)
        for item in events:
            by_tenant[item.tenant_id].append(item)
        for tenant_id, its in by_tenant.items():
            for lane in self._lanes:
                if not lane.turns.follows:
                    lane.offer(tenant_id, its)

    async def _follow_heads(self) -> None:
        """A lost tail shows no gap in what is delivered: ask the log itself, every second."""
        while True:
            started = time.monotonic()
            found = [(lane, await self._behind(lane)) for lane in self._lanes]
            # What is on its way comes meanwhile, and need not be read again.
            await asyncio.sleep(_ON_ITS_WAY_SECONDS)
            for lane, behind in found:
                for tenant in behind:
                    lane.look(tenant.tenant_id, tenant.head)
            await asyncio.sleep(max(0.05, _POLL_SECONDS - (time.monotonic() - started)))

    async def _behind(self, lane: Lane) -> Sequence[Behind]:
        try:
            behind = await self._log.behind(lane.turns.checkpoints)
        except Exception as error:  # noqa: BLE001  whatever keeps the log away, the next round asks again
            _log.warning("projector.log_unavailable", error=kind_of(error))
            return ()
        for tenant in behind:
            lane.seen(tenant.tenant_id, tenant.position)
        return behind

    def _beside(self, tenant_id: UUID, position: int, found: AbstractSet[str]) -> Sequence[Turns]:
        """What mirrors others without being concerned: most of what happens is of interest to few read models."""
        return [lane.turns for lane in self._mirrors if lane.passes_by(tenant_id, position, found)]

    async def _applied(self, tenant_id: UUID, checkpoints: Sequence[str], events: Sequence[Recorded[Event]]) -> None:
        for lane in self._mirrors:
            # Whose own checkpoint is among them has come along.
            if set(lane.turns.follows) <= set(checkpoints) and not set(lane.turns.checkpoints) <= set(checkpoints):
                lane.offer(tenant_id, events)
        await self._announcements.applied(tenant_id, checkpoints, events[-1].position)


def _groups(projections: Sequence[Projection]) -> Iterator[list[Projection]]:
    """Projections that share a transaction."""
    if together := [projection for projection in projections if not projection.follows]:
        yield together
    mirrors = [projection for projection in projections if projection.follows]
    if together := [projection for projection in mirrors if not projection.is_slow]:
        yield together
    for projection in mirrors:
        if projection.is_slow:
            yield [projection]
