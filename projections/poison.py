"""Events that can't be applied: finds them in a batch, and parks their streams so that the others go on."""

from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from domain.errors import kind_of
from domain.event import Event, Recorded
from projections.ports import Connection, Unreadable
from projections.projection import Projection

MOST_PARKED = 100
"""Streams of a tenant that one projection may park. Beyond that not the events are at fault: it stands as a whole."""

_STATES = """
SELECT projection, stream_id, position, skipped_at IS NOT NULL FROM read.parked
 WHERE tenant_id = %s AND projection = ANY(%s)
"""
_PARK = """
INSERT INTO read.parked (tenant_id, projection, stream_id, position, reason)
SELECT %s, %s, * FROM unnest(%s::uuid[], %s::bigint[], %s::text[])
ON CONFLICT (tenant_id, projection, stream_id, position)
   DO UPDATE SET reason = excluded.reason, attempts = parked.attempts + 1
"""
_COUNT = """
UPDATE read.checkpoint c SET parked = (
       SELECT count(*) FROM read.parked p
        WHERE p.tenant_id = c.tenant_id AND p.projection = c.projection AND p.skipped_at IS NULL)
 WHERE c.tenant_id = %s AND c.projection = %s
"""


class ProjectionFailedError(Exception):
    """A projection as a whole can't go on; nothing of its batch was written. The cause, if any, is chained."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class TooManyParkedError(Exception):
    """So many streams can't be applied that the projection itself must be at fault."""


class LeftOut(Struct):
    """What a projection leaves out of a tenant's log: streams from where they were parked, events that were skipped."""

    parked: dict[UUID, int]
    skipped: set[tuple[UUID, int]]

    def rest(self, events: Sequence[Recorded[Event]]) -> list[Recorded[Event]]:
        """The events without these."""
        if not self.parked and not self.skipped:
            return list(events)
        return [
            item
            for item in events
            if item.position < self.parked.get(item.stream_id, item.position + 1)
            and (item.stream_id, item.position) not in self.skipped
        ]


class Poison(Struct, frozen=True):
    """An event that can't be applied. `reason` has its topic and what was raised, nothing of its content."""

    stream_id: UUID
    position: int
    reason: str


async def left_out(connection: Connection, tenant_id: UUID, names: Sequence[str]) -> dict[str, LeftOut]:
    """What each of the projections with these checkpoints leaves out."""
    found = {name: LeftOut({}, set()) for name in names}
    for name, stream_id, position, skipped in await (
        await connection.execute(_STATES, (tenant_id, list(names)))
    ).fetchall():
        if skipped:
            found[name].skipped.add((stream_id, position))
        else:
            found[name].parked[stream_id] = position
    return found


async def apply(
    connection: Connection,
    projection: Projection,
    events: Sequence[Recorded[Event]],
    leaves_out: LeftOut,
    passing: Callable[[BaseException], bool],
) -> list[Poison]:
    """Apply what can be applied of a tenant's events; gives the event of each stream where that had to stop.

    Their streams are added to `leaves_out`. Nothing is recorded yet.

    Raises:
        ProjectionFailedError: the trouble is not that of single events.
    """
    return await _Parts(connection, projection, leaves_out, passing).take(events)


async def park(connection: Connection, tenant_id: UUID, name: str, found: Sequence[Poison]) -> None:
    """Record streams as parked, in the transaction that passes their events."""
    ids, positions, reasons = zip(*((p.stream_id, p.position, p.reason) for p in found), strict=True)
    await connection.execute(_PARK, (tenant_id, name, list(ids), list(positions), list(reasons)))
    await recount(connection, tenant_id, name)


async def recount(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Note beside the checkpoint how many streams are parked: who finds none there need not look further."""
    await connection.execute(_COUNT, (tenant_id, name))


def reason(item: Recorded[Event], error: BaseException) -> str:
    """What is told of an event that could not be applied: no content, which may be personal."""
    return f"{item.event.TOPIC} at version {item.version}: {kind_of(error)}"


def unreadable(item: Recorded[Event], event: Unreadable) -> Poison:
    """An event that could not even be read."""
    return Poison(item.stream_id, item.position, f"{event.TOPIC} at version {item.version}: {event.error}")


class _Parts:
    """One projection's events, applied in ever smaller parts where the whole can't be."""

    def __init__(
        self,
        connection: Connection,
        projection: Projection,
        leaves_out: LeftOut,
        passing: Callable[[BaseException], bool],
    ) -> None:
        self._connection = connection
        self._projection = projection
        self._leaves_out = leaves_out
        self._passing = passing
        self._found: dict[UUID, Poison] = {}

    async def take(self, events: Sequence[Recorded[Event]]) -> list[Poison]:
        """Apply them all but for what is found."""
        mine = self._leaves_out.rest(list(filter(self._projection.wants, events)))
        # What follows others mirrors rows; it does not read events.
        for item in () if self._projection.follows else mine:
            if isinstance(item.event, Unreadable) and item.stream_id not in self._found:
                self._park(unreadable(item, item.event))
        await self._apply(mine)
        return list(self._found.values())

    async def _apply(self, events: Sequence[Recorded[Event]]) -> None:
        events = self._leaves_out.rest(events)
        if not events:
            return
        await self._connection.execute("SAVEPOINT part")
        try:
            await self._projection.apply(self._connection, events)
            await self._connection.execute("RELEASE SAVEPOINT part")
        except Exception as error:
            if self._passing(error):
                raise ProjectionFailedError(self._projection.checkpoint) from error
            await self._connection.execute("ROLLBACK TO SAVEPOINT part")
            if len(events) == 1:
                self._park(Poison(events[0].stream_id, events[0].position, reason(events[0], error)))
                return
            middle = len(events) // 2
            await self._apply(events[:middle])
            await self._apply(events[middle:])

    def _park(self, bad: Poison) -> None:
        self._leaves_out.parked[bad.stream_id] = bad.position
        self._found[bad.stream_id] = bad
        if len(self._leaves_out.parked) > MOST_PARKED:
            raise ProjectionFailedError(self._projection.checkpoint) from TooManyParkedError()
