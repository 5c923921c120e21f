"""Builds the rows of one tenant, or of one stream, anew, and puts them in the place of those that are read."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from uuid import UUID

from projections import fill, poison
from projections.aside import Scratch
from projections.parked import locked, set_back
from projections.poison import LeftOut, Poison
from projections.ports import Connection, Log, Sessions
from projections.projection import Projection
from projections.turns import BATCH

_POSITION = "SELECT position FROM read.checkpoint WHERE tenant_id = %s AND projection = %s"
_FORGET = "DELETE FROM read.parked WHERE tenant_id = %s AND projection = %s AND skipped_at IS NULL"


class NotOfOneStreamError(Exception):
    """A projection's rows are made of several streams: the tenant's have to be built anew together."""


async def fill_scratch(
    connection: Connection,
    projection: Projection,
    tenant_id: UUID,
    *,
    log: Log,
    scratch: Scratch,
    until: int,
    leaves_out: LeftOut,
    on_events: Callable[[int], None],
) -> list[Poison]:
    """A tenant's rows as the log says, until a position, in a scratch session; gives what can't be applied."""
    found: list[Poison] = []
    if projection.fold:
        pages = fill.pages(projection, log, tenant_id, after=fill.FIRST, until=until, leaves_out=leaves_out)
        async with aclosing(pages):
            async for page in pages:
                found += await fill.write(connection, projection, page, scratch)
                on_events(page.count)
        return found
    if projection.refill:
        after: UUID | None = fill.FIRST
        while after is not None:
            after = await projection.refill(connection, tenant_id, after)
        on_events(until)
        return found
    return await apply_log(
        connection, projection, tenant_id, log=log, scratch=scratch, after=0, until=until, leaves_out=leaves_out
    )


async def apply_log(
    connection: Connection,
    projection: Projection,
    tenant_id: UUID,
    *,
    log: Log,
    scratch: Scratch,
    after: int,
    until: int,
    leaves_out: LeftOut,
) -> list[Poison]:
    """A part of the log applied in its order."""
    found: list[Poison] = []
    while after < until:
        events = await log.read(tenant_id, after=after, limit=min(BATCH, until - after))
        found += await poison.apply(connection, projection, events, leaves_out, scratch.passing)
        after = events[-1].position
    return found


async def mend_tenant(
    projection: Projection,
    tenant_id: UUID,
    *,
    log: Log,
    scratch: Scratch,
    followers: Sequence[str],
    on_events: Callable[[int], None],
) -> int:
    """Build a tenant's rows anew; returns how many events there were.

    Readers see the old rows until the new ones are complete. The tenant's projector waits only while the last events
    are applied and the rows change places.
    """
    name = projection.checkpoint
    await scratch.prepare(projection)
    async with scratch.of(tenant_id) as connection:
        row = await (await connection.execute(_POSITION, (tenant_id, name))).fetchone()
        until = int(row[0]) if row else 0
        leaves_out = LeftOut({}, (await poison.left_out(connection, tenant_id, [name]))[name].skipped)
        found = await fill_scratch(
            connection, projection, tenant_id, log=log, scratch=scratch, until=until, leaves_out=leaves_out,
            on_events=on_events,
        )  # fmt: skip
    async with scratch.of(tenant_id) as connection:
        position = await locked(connection, tenant_id, name)
        leaves_out.parked |= {each.stream_id: each.position for each in found}
        found += await apply_log(
            connection, projection, tenant_id, log=log, scratch=scratch, after=until, until=position,
            leaves_out=leaves_out,
        )  # fmt: skip
        for table in projection.tables:
            await scratch.replace(connection, table, tenant_id)
        await connection.execute(_FORGET, (tenant_id, name))
        if found:
            await poison.park(connection, tenant_id, name, found)
        await poison.recount(connection, tenant_id, name)
        await set_back(connection, tenant_id, followers, 0)
    return position


async def mend_stream(
    projection: Projection,
    tenant_id: UUID,
    stream_id: UUID,
    *,
    log: Log,
    sessions: Sessions,
    followers: Sequence[str],
) -> int:
    """Build the rows of one stream anew, in one transaction; returns how many events it has.

    Raises:
        NotOfOneStreamError: the projection's rows are not each of one stream.
    """
    if projection.stream_column is None:
        raise NotOfOneStreamError
    name, of_stream = projection.checkpoint, (tenant_id, projection.checkpoint, stream_id)
    async with sessions.of(tenant_id) as connection:
        position = await locked(connection, tenant_id, name)
        skipped = (await poison.left_out(connection, tenant_id, [name]))[name].skipped
        events = await log.stream(tenant_id, stream_id, after=0, until=position)
        if not projection.follows:
            for table in projection.tables:
                delete = f"DELETE FROM {table} WHERE tenant_id = %s AND {projection.stream_column} = %s"
                await connection.execute(delete, (tenant_id, stream_id))
        found = await poison.apply(connection, projection, events, LeftOut({}, skipped), sessions.passing)
        await connection.execute(f"{_FORGET} AND stream_id = %s", of_stream)
        if found:
            await poison.park(connection, tenant_id, name, found)
        await poison.recount(connection, tenant_id, name)
        if events:
            await set_back(connection, tenant_id, followers, events[-1].position - 1)
    return len(events)
