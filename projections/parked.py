"""Streams that are parked: tried again, from the event that could not be applied, or from the one after it."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from projections import poison
from projections.aside import RebuildRunsError
from projections.poison import LeftOut, Poison
from projections.ports import Connection, Log, Parked, Sessions
from projections.projection import Projection

_LOCK = "SELECT position FROM read.checkpoint WHERE tenant_id = %s AND projection = %s FOR UPDATE"
_OF_STREAM = "tenant_id = %s AND projection = %s AND stream_id = %s"
_PARKED = f"SELECT position FROM read.parked WHERE {_OF_STREAM} AND skipped_at IS NULL"
_SKIP = f"""
UPDATE read.parked SET skipped_at = now(), skipped_by = %s, skipped_why = %s WHERE {_OF_STREAM} AND skipped_at IS NULL
"""
_REBUILT = "SELECT 1 FROM ops.rebuild WHERE projection = %s AND swapped_at IS NULL"
_FREE = f"DELETE FROM read.parked WHERE {_OF_STREAM} AND skipped_at IS NULL AND position <> %s"
_SET_BACK = "UPDATE read.checkpoint SET position = least(position, %s) WHERE tenant_id = %s AND projection = ANY(%s)"


class Skip(Struct, frozen=True):
    """A person's decision that a read model goes on without an event."""

    by: str
    why: str


async def resume(
    parked: Parked,
    projection: Projection,
    *,
    log: Log,
    sessions: Sessions,
    followers: Sequence[str] = (),
    skip: Skip | None = None,
) -> Poison | None:
    """Apply what waits of a parked stream, in order; with `skip`, without the event that parked it.

    Gives the event that it has to wait at now; None when all of it is applied. `followers` are the checkpoints of what
    mirrors the projection's rows: they are set back, to take in what has changed.

    Raises:
        ProjectionFailedError: the projection as a whole can't go on.
        RebuildRunsError: nothing can be skipped while the projection is built anew, which has taken its notes already.
    """
    name, of_stream = projection.checkpoint, (parked.tenant_id, projection.checkpoint, parked.stream_id)
    async with sessions.of(parked.tenant_id) as connection:
        until = await locked(connection, parked.tenant_id, name)
        row = await (await connection.execute(_PARKED, of_stream)).fetchone()
        if row is None:  # another was faster
            return None
        if skip:
            if await (await connection.execute(_REBUILT, (name,))).fetchone():
                raise RebuildRunsError
            await connection.execute(_SKIP, (skip.by, skip.why, *of_stream))
        skipped = (await poison.left_out(connection, parked.tenant_id, [name]))[name].skipped
        events = await log.stream(parked.tenant_id, parked.stream_id, after=row[0] - 1, until=until)
        found = await poison.apply(connection, projection, events, LeftOut({}, skipped), sessions.passing)
        await connection.execute(_FREE, (*of_stream, found[0].position if found else 0))
        if found:
            await poison.park(connection, parked.tenant_id, name, found)
        await poison.recount(connection, parked.tenant_id, name)
        if events:
            await set_back(connection, parked.tenant_id, followers, events[-1].position - 1)
    return found[0] if found else None


async def locked(connection: Connection, tenant_id: UUID, name: str) -> int:
    """How far a projection has got; its projector waits until the transaction's end, which waits for the disk.

    A projector that loses its last commits makes them again; what a person has asked for nobody would.
    """
    await connection.execute("SET LOCAL synchronous_commit = on")
    found = await (await connection.execute(_LOCK, (tenant_id, name))).fetchone()
    return int(found[0]) if found else 0


async def set_back(connection: Connection, tenant_id: UUID, followers: Sequence[str], position: int) -> None:
    """Have followers look again at the rows that events after a position are about."""
    if followers:
        await connection.execute(_SET_BACK, (position, tenant_id, list(followers)))
