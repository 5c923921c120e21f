"""Drives projections: what the broker delivers when it comes, what it lost from the log.

The checkpoint in the projection's own transaction decides what is applied, so duplicates, reordering and a second
projector on the same tenant do no harm.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import structlog

from domain.event import Event, Recorded
from projections.ports import Announcements, Connection, Deliveries, Log, Sessions
from projections.projection import Projection

BATCH = 500
"""Events of one tenant applied in one transaction, at most."""

_SIDE_BY_SIDE = 4
_POLL_SECONDS = 1.0
_FETCH_SECONDS = 0.5
_LONGEST_PAUSE = 30.0

_log = structlog.get_logger()

_START = """
INSERT INTO read.checkpoint SELECT %s, name, 0 FROM unnest(%s::text[]) name ON CONFLICT DO NOTHING
"""
_POSITIONS = """
SELECT projection, position FROM read.checkpoint
 WHERE tenant_id = %s AND projection = ANY(%s) ORDER BY projection FOR UPDATE
"""
_ADVANCE = """
UPDATE read.checkpoint SET position = %s WHERE tenant_id = %s AND projection = ANY(%s) AND position = %s RETURNING 1
"""


class CheckpointMovedError(Exception):
    """Another projector applied the same events first."""


class ProjectionFailedError(Exception):
    """A projection raised; nothing of its batch was written. The cause is chained."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Runner:
    """Keeps the Postgres projections of this process up to date, all of a tenant's in one transaction."""

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
        self._deliveries = deliveries
        self._sessions = sessions
        self._announcements = announcements
        # Tenants go side by side: most of a turn is waiting for Postgres.
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._failures: dict[tuple[UUID, str], tuple[int, float]] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_deliveries())
            tasks.create_task(self._follow_heads())

    async def _follow_deliveries(self) -> None:
        while True:
            batch = await self._deliveries.fetch(most=BATCH, wait=_FETCH_SECONDS)
            by_tenant: dict[UUID, list[Recorded[Event]]] = defaultdict(list)
            for item in batch:
                by_tenant[item.tenant_id].append(item)
            turns = [
                self._guarded(tenant_id, sorted(events, key=lambda item: item.position))
                for tenant_id, events in by_tenant.items()
            ]
            await asyncio.gather(*turns)

    async def _follow_heads(self) -> None:
        """A lost tail shows no gap in what is delivered: ask the log itself, every second."""
        while True:
            started = time.monotonic()
            try:
                behind = await self._log.behind(list(self._projections))
            except Exception as error:  # noqa: BLE001  whatever keeps the log away, the next round asks again
                _log.warning("projector.log_unavailable", error=repr(error))
                behind = ()
            for tenant in behind:
                await self._guarded(tenant.tenant_id, ())
            await asyncio.sleep(max(0.05, _POLL_SECONDS - (time.monotonic() - started)))

    async def _guarded(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> None:
        """One tenant's turn; its trouble is its own, and the next look at the heads comes back to it."""
        try:
            async with self._turns:
                await self.catch_up(tenant_id, events)
        except CheckpointMovedError:
            _log.debug("projector.overtaken", tenant_id=str(tenant_id))
        except Exception:  # noqa: BLE001  one tenant's trouble does not stop the others
            _log.exception("projector.tenant_failed", tenant_id=str(tenant_id))

    async def catch_up(self, tenant_id: UUID, events: Sequence[Recorded[Event]] = ()) -> None:
        """Apply what was delivered and whatever the log has before or after it.

        Projections at the same position go together. One that fails is left out for a while, so that it holds up
        neither its neighbours nor the other tenants.
        """
        while names := [name for name in self._projections if self._may_try(tenant_id, name)]:
            try:
                while await self._apply(tenant_id, names, events):
                    events = ()
            except ProjectionFailedError as failed:
                self._failed(tenant_id, failed)
            else:
                for name in names:
                    self._failures.pop((tenant_id, name), None)
                return

    async def _apply(self, tenant_id: UUID, names: Sequence[str], delivered: Sequence[Recorded[Event]]) -> bool:
        """One transaction; True when there may be more to do."""
        async with self._sessions.of(tenant_id) as connection:
            positions = await self._positions(connection, tenant_id, names)
            lowest = min(positions.values())
            level = [name for name, position in positions.items() if position == lowest]
            events = await self._next(tenant_id, lowest, delivered)
            if len(level) < len(positions):
                # Laggards alone until level with the others.
                highest = max(positions.values())
                events = [item for item in events if item.position <= highest]
            if not events:
                return False
            for name in level:
                projection = self._projections[name]
                mine = [item for item in events if item.event.TOPIC in projection.topics]
                if mine:
                    await _apply_one(projection, connection, mine)
            await self._advance(connection, tenant_id, level, lowest, events[-1].position)
        await self._announcements.applied(tenant_id, level, events[-1].position)
        return len(level) < len(positions) or len(events) >= BATCH

    async def _positions(self, connection: Connection, tenant_id: UUID, names: Sequence[str]) -> dict[str, int]:
        found = await (await connection.execute(_POSITIONS, (tenant_id, list(names)))).fetchall()
        if len(found) < len(names):
            await connection.execute(_START, (tenant_id, list(names)))
            found = await (await connection.execute(_POSITIONS, (tenant_id, list(names)))).fetchall()
        return dict(found)

    async def _next(
        self, tenant_id: UUID, position: int, delivered: Sequence[Recorded[Event]]
    ) -> Sequence[Recorded[Event]]:
        """The events right after a position: from what was delivered when it continues there, else from the log."""
        fresh: list[Recorded[Event]] = []
        for item in delivered:
            if item.position == position + 1 + len(fresh):
                fresh.append(item)
        if fresh and fresh[-1].position == delivered[-1].position:
            return fresh
        if delivered and delivered[-1].position <= position:
            return ()
        return await self._log.read(tenant_id, after=position, limit=BATCH)

    async def _advance(
        self, connection: Connection, tenant_id: UUID, names: Sequence[str], before: int, after: int
    ) -> None:
        moved = await (await connection.execute(_ADVANCE, (after, tenant_id, list(names), before))).fetchall()
        if len(moved) != len(names):
            raise CheckpointMovedError

    def _may_try(self, tenant_id: UUID, name: str) -> bool:
        _, not_before = self._failures.get((tenant_id, name), (0, 0.0))
        return time.monotonic() >= not_before

    def _failed(self, tenant_id: UUID, failed: ProjectionFailedError) -> None:
        count = self._failures.get((tenant_id, failed.name), (0, 0.0))[0] + 1
        pause = min(_LONGEST_PAUSE, 0.1 * 2**count)
        self._failures[tenant_id, failed.name] = (count, time.monotonic() + pause)
        _log.error(
            "projection.failed",
            projection=failed.name,
            tenant_id=str(tenant_id),
            error=repr(failed.__cause__),
            retry_in=pause,
        )


async def _apply_one(projection: Projection, connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    try:
        await projection.apply(connection, events)
    except Exception as error:
        raise ProjectionFailedError(projection.checkpoint) from error
