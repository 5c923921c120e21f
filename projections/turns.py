"""One tenant's turn: its next events applied by projections that share a transaction, and their checkpoints moved.

When all of them are at the position that is remembered and nothing is parked, a turn is one round trip. Everything
else goes the careful way: it looks at the checkpoints first, and finds out what is at fault when something can't be
applied.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

import structlog

from domain.errors import kind_of
from domain.event import Event, Recorded
from projections import poison
from projections.pauses import Pauses
from projections.poison import ProjectionFailedError
from projections.ports import CheckpointMovedError, Connection, Log, Sessions
from projections.projection import Projection

BATCH = 250
"""Events of one tenant applied in one transaction, at most."""

Applied = Callable[[UUID, Sequence[str], Sequence[Recorded[Event]]], Awaitable[None]]
Beside = Callable[[UUID, int, AbstractSet[str]], "Sequence[Turns]"]

_LONGEST_PAUSE = 30.0
_REMEMBERED = 50_000

_log = structlog.get_logger()

_START = """
INSERT INTO read.checkpoint SELECT %s, name, 0 FROM unnest(%s::text[]) name ON CONFLICT DO NOTHING
"""
_POSITIONS = """
SELECT projection, position FROM read.checkpoint
 WHERE tenant_id = %s AND projection = ANY(%s) ORDER BY projection FOR UPDATE
"""
_FOLLOWED = "SELECT projection, position FROM read.checkpoint WHERE tenant_id = %s AND projection = ANY(%s)"
_ADVANCE = "UPDATE read.checkpoint SET position = %s WHERE tenant_id = %s AND projection = ANY(%s)"


def _nobody(_: UUID, __: int, ___: AbstractSet[str]) -> "Sequence[Turns]":
    return ()


class Turns:
    """The turns of projections that share a transaction; `on_applied` is told what was committed.

    `beside` finds those that have nothing to do with events of these topics: their checkpoints come along, which saves
    each of them a turn.

    A turn that goes the careful way reads the log while it has a connection: `careful` bounds how many do so at once,
    or all that there are could be waiting for one more.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        *,
        log: Log,
        sessions: Sessions,
        on_applied: Applied,
        careful: asyncio.Semaphore,
        beside: Beside = _nobody,
    ) -> None:
        self._projections = {projection.checkpoint: projection for projection in projections}
        self._follows = sorted({name for projection in projections for name in projection.follows})
        self._log = log
        self._sessions = sessions
        self._on_applied = on_applied
        self._careful = careful
        self._beside = beside
        self._level: dict[UUID, int] = {}
        self._pauses = Pauses[tuple[UUID, str]](first=0.2, longest=_LONGEST_PAUSE)

    @property
    def checkpoints(self) -> list[str]:
        """Of the projections."""
        return list(self._projections)

    @property
    def follows(self) -> Sequence[str]:
        """The checkpoints that these projections never get ahead of."""
        return self._follows

    def known(self, tenant_id: UUID) -> int:
        """A position that all of them had reached when last seen; 0 when nothing is known."""
        return self._level.get(tenant_id, 0)

    def forget(self, tenant_id: UUID) -> None:
        """What was known of a tenant is not so any more."""
        self._level.pop(tenant_id, None)

    def pass_by(self, tenant_id: UUID, before: int, found: AbstractSet[str]) -> bool:
        """Whether they are at a position and want no events of these topics."""
        wanted = any(projection.listens(found) for projection in self._projections.values())
        return self._level.get(tenant_id) == before and not wanted

    def came_along(self, tenant_id: UUID, before: int, after: int) -> None:
        """Others' turn has moved them. Where it has not, the next turn notices, or the next look at the heads."""
        if self._level.get(tenant_id) == before:
            self._level[tenant_id] = after

    async def take(
        self, tenant_id: UUID, delivered: Sequence[Recorded[Event]] = (), *, until: int | None = None
    ) -> bool:
        """One transaction with what was delivered, or what the log has before or after it, `until` a position.

        True when there may be more to do. Projections at the same position go together; one that fails is left out
        for a while, so that it holds up neither its neighbours nor other tenants.

        Raises:
            CheckpointMovedError: another projector was faster.
        """
        position = self._level.get(tenant_id)
        if position is not None and (events := _following(position, delivered)):
            try:
                await self._fast(tenant_id, position, events)
            except CheckpointMovedError:
                del self._level[tenant_id]
            except Exception as error:  # noqa: BLE001  the careful way finds out what it was
                _log.info("projector.careful", tenant_id=str(tenant_id), error=type(error).__name__)
                del self._level[tenant_id]
            else:
                return False
        names = [name for name in self._projections if self._pauses.is_over((tenant_id, name))]
        if not names:
            return False
        try:
            async with self._careful:
                more = await self._carefully(tenant_id, names, delivered, until)
        except ProjectionFailedError as failed:
            self._failed(tenant_id, failed)
            return True
        if not more:
            for name in names:
                self._pauses.worked((tenant_id, name))
        return more

    async def _fast(self, tenant_id: UUID, position: int, events: Sequence[Recorded[Event]]) -> None:
        names, last, found = self.checkpoints, events[-1].position, {item.event.TOPIC for item in events}
        others = self._beside(tenant_id, position, found)
        along = [name for other in others for name in other.checkpoints]
        async with self._sessions.advancing(
            tenant_id, names, position, last, followed=self._follows, along=along
        ) as connection:
            for projection in self._projections.values():
                if projection.listens(found) and (mine := list(filter(projection.wants, events))):
                    await projection.apply(connection, mine)
        self._level[tenant_id] = last
        for other in others:
            other.came_along(tenant_id, position, last)
        await self._on_applied(tenant_id, [*names, *along], events)

    async def _carefully(
        self, tenant_id: UUID, names: Sequence[str], delivered: Sequence[Recorded[Event]], until: int | None
    ) -> bool:
        self._level.pop(tenant_id, None)
        async with self._sessions.of(tenant_id) as connection:
            positions = await self._positions(connection, tenant_id, names, delivered)
            if not positions:
                return False
            limits = await self._limits(connection, tenant_id)
            able = [name for name, position in positions.items() if position < limits.get(name, math.inf)] or positions
            lowest, highest = min(positions[name] for name in able), max(positions.values())
            level = [name for name in able if positions[name] == lowest]
            bounds = [limits[name] for name in level if name in limits]
            # Laggards alone until level with the others.
            bounds += [highest] if highest > lowest else []
            bounds += [] if until is None else [until]
            fresh = _following(lowest, delivered)
            events = fresh or await self._next(tenant_id, lowest, delivered)
            if bounds:
                events = [item for item in events if item.position <= min(bounds)]
            leaves_out = await poison.left_out(connection, tenant_id, level)
            for name in level if events else ():
                found = await poison.apply(
                    connection, self._projections[name], events, leaves_out[name], self._sessions.passing
                )
                if found:
                    await poison.park(connection, tenant_id, name, found)
                    _log.error("projection.parked", projection=name, tenant_id=str(tenant_id), streams=len(found))
            if events:
                await connection.execute(_ADVANCE, (events[-1].position, tenant_id, level))
        whole = len(level) == len(self._projections)
        if whole and not any(leaves.parked for leaves in leaves_out.values()):
            self._remember(tenant_id, events[-1].position if events else lowest)
        if not events:
            return False
        await self._on_applied(tenant_id, level, events)
        # After a whole batch that was delivered the next one comes by itself, too: who looked for it in the log would
        # get ahead of what is delivered, and read all of a backlog there.
        return len(level) < len(positions) or (len(events) >= BATCH and not fresh)

    async def _positions(
        self, connection: Connection, tenant_id: UUID, names: Sequence[str], delivered: Sequence[Recorded[Event]]
    ) -> dict[str, int]:
        """Where they are, locked; nothing where the tenant has no log."""
        found = await (await connection.execute(_POSITIONS, (tenant_id, list(names)))).fetchall()
        if len(found) < len(names):
            if not delivered and not await self._log.read(tenant_id, after=0, limit=1):
                return {}
            await connection.execute(_START, (tenant_id, list(names)))
            found = await (await connection.execute(_POSITIONS, (tenant_id, list(names)))).fetchall()
        return dict(found)

    async def _limits(self, connection: Connection, tenant_id: UUID) -> dict[str, int]:
        """How far those have got that each follows."""
        if not self._follows:
            return {}
        found = dict(await (await connection.execute(_FOLLOWED, (tenant_id, self._follows))).fetchall())
        return {
            name: min(found.get(followed, 0) for followed in projection.follows)
            for name, projection in self._projections.items()
            if projection.follows
        }

    async def _next(
        self, tenant_id: UUID, position: int, delivered: Sequence[Recorded[Event]]
    ) -> Sequence[Recorded[Event]]:
        """The events right after a position from the log, where what was delivered does not continue there."""
        if delivered and delivered[-1].position <= position:
            return ()
        return await self._log.read(tenant_id, after=position, limit=BATCH)

    def _remember(self, tenant_id: UUID, position: int) -> None:
        if len(self._level) >= _REMEMBERED:
            self._level.clear()
        self._level[tenant_id] = position

    def _failed(self, tenant_id: UUID, failed: ProjectionFailedError) -> None:
        _log.error(
            "projection.failed",
            projection=failed.name,
            tenant_id=str(tenant_id),
            error=kind_of(failed.__cause__),
            retry_in=self._pauses.failed((tenant_id, failed.name)),
        )


def _following(position: int, delivered: Sequence[Recorded[Event]]) -> Sequence[Recorded[Event]]:
    """What continues at a position of events in order; nothing when some are missing in between."""
    fresh: list[Recorded[Event]] = []
    for item in delivered:
        if item.position == position + 1 + len(fresh):
            fresh.append(item)
    return fresh if fresh and fresh[-1].position == delivered[-1].position else ()
