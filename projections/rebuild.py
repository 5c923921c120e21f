"""Builds a read model anew from the log.

Tenant by tenant, each in one transaction: readers see the old rows until the new ones are complete.
"""

from collections.abc import Callable

from projections.ports import Log, Sessions
from projections.projection import Projection
from projections.runner import BATCH

_LOCK = "SELECT position FROM read.checkpoint WHERE tenant_id = %s AND projection = %s FOR UPDATE"
_SET = """
INSERT INTO read.checkpoint VALUES (%s, %s, %s)
ON CONFLICT (tenant_id, projection) DO UPDATE SET position = excluded.position
"""


async def rebuild(projection: Projection, log: Log, sessions: Sessions, on_progress: Callable[[int], None]) -> int:
    """Rebuild a projection for all tenants; returns the number of events read.

    The projector waits on each tenant's checkpoint meanwhile, and goes on from where the rebuild ended.
    """
    total = 0
    for tenant in await log.tenants():
        async with sessions.of(tenant.tenant_id) as connection:
            found = await (await connection.execute(_LOCK, (tenant.tenant_id, projection.checkpoint))).fetchone()
            # No further than it had got: what it takes from another read model's rows may not be there yet.
            until = found[0] if found else 0
            for table in projection.tables:
                await connection.execute(f"DELETE FROM read.{table} WHERE tenant_id = %s", (tenant.tenant_id,))
            position = 0
            while events := await log.read(tenant.tenant_id, after=position, limit=min(BATCH, until - position)):
                mine = [item for item in events if item.event.TOPIC in projection.topics]
                if mine:
                    await projection.apply(connection, mine)
                position = events[-1].position
                total += len(events)
                on_progress(len(events))
            await connection.execute(_SET, (tenant.tenant_id, projection.checkpoint, position))
    return total
