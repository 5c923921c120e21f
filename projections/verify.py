"""Compares a read model with a fresh fold of the log: tenant by tenant, as of one moment."""

import asyncio
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from projections import poison
from projections.aside import Scratch
from projections.mending import fill_scratch
from projections.ports import Connection, Log
from projections.projection import Projection

_TRIES = 50
_PAUSE_SECONDS = 0.1
_UNTIL_COMPLETE_SECONDS = 60.0

_POSITIONS = "SELECT projection, position FROM read.checkpoint WHERE tenant_id = %s AND projection = ANY(%s)"


class Difference(Struct, frozen=True):
    """Rows of one table that are not what the log says: how many, and the keys of some, which are ids."""

    table: str
    rows: int
    keys: Sequence[str]


class Verified(Struct, frozen=True):
    """What a tenant's rows are like at a position; None where what they mirror kept moving on: nothing was compared.

    Parked streams are compared as far as they were applied.
    """

    tenant_id: UUID
    position: int | None
    differences: Sequence[Difference]
    parked: Sequence[UUID]


async def verify_tenant(
    projection: Projection, tenant_id: UUID, *, log: Log, scratch: Scratch, on_events: Callable[[int], None]
) -> Verified:
    """Compare a tenant's rows with what the log says, in a snapshot; `scratch` has been prepared for the projection."""
    names = [projection.checkpoint, *projection.follows]
    await _complete(projection, tenant_id, scratch)
    for _ in range(_TRIES):
        async with scratch.snapshot(tenant_id) as connection:
            found = dict(await (await connection.execute(_POSITIONS, (tenant_id, names))).fetchall())
            position = found.get(projection.checkpoint, 0)
            # What mirrors rows says what they say only when it has got as far as they have.
            if all(found.get(name, 0) == position for name in names) and await _is_settled(
                connection, projection, tenant_id
            ):
                leaves_out = (await poison.left_out(connection, tenant_id, names[:1]))[projection.checkpoint]
                parked = sorted(leaves_out.parked)
                await fill_scratch(
                    connection, projection, tenant_id, log=log, scratch=scratch, until=position, leaves_out=leaves_out,
                    on_events=on_events,
                )  # fmt: skip
                return Verified(
                    tenant_id, position, await _differences(connection, projection, tenant_id, scratch), parked
                )
        await asyncio.sleep(_PAUSE_SECONDS)
    return Verified(tenant_id, None, (), ())


async def _complete(projection: Projection, tenant_id: UUID, scratch: Scratch) -> None:
    """Wait for what was left for soon after."""
    until = time.monotonic() + _UNTIL_COMPLETE_SECONDS
    while projection.settled and time.monotonic() < until:
        async with scratch.snapshot(tenant_id) as connection:
            if await projection.settled(connection, tenant_id):
                return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _is_settled(connection: Connection, projection: Projection, tenant_id: UUID) -> bool:
    return projection.settled is None or await projection.settled(connection, tenant_id)


async def _differences(
    connection: Connection, projection: Projection, tenant_id: UUID, scratch: Scratch
) -> list[Difference]:
    differences = []
    for table in projection.tables:
        count, keys = await scratch.differences(connection, table, tenant_id)
        if count:
            differences.append(Difference(table, count, keys))
    return differences
