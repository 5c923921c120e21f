"""B7: a read model that a crash of Postgres set back is waited for again, also by those who knew it further on."""

import asyncio
from functools import partial
from uuid import UUID, uuid4

import pytest

from infra.event_store.log import applied_position
from infra.postgres import SERVICE, BehindError, TenantConnections
from infra.progress import Progress
from projections.position import Level
from tests.conftest import Database

pytestmark = pytest.mark.servers

LEVEL = Level(("contact_v1",), 7)


async def at(database: Database, tenant: UUID, position: int) -> None:
    async with database.projector.of(tenant) as connection:
        await connection.execute(
            "INSERT INTO read.checkpoint VALUES (%s, 'contact_v1', %s)"
            " ON CONFLICT (tenant_id, projection) DO UPDATE SET position = excluded.position",
            (tenant, position),
        )


def known(database: Database, tenant: UUID, position: int) -> Progress:
    """What an API process has heard."""
    progress = Progress(partial(applied_position, database.service))
    progress.heard(tenant, LEVEL.checkpoints, position)
    return progress


async def test_a_read_waits_until_it_is_there_again(database: Database) -> None:
    tenant = uuid4()
    await at(database, tenant, 6)
    progress = known(database, tenant, 7)
    reads = TenantConnections(database.pools[SERVICE], again=progress.again)
    asked = asyncio.create_task(reads.rows(tenant, "SELECT position FROM read.checkpoint", (), at_least=LEVEL))
    await asyncio.sleep(0.2)
    assert not asked.done()
    await at(database, tenant, 7)
    assert await asked == [(7,)]


async def test_where_nobody_can_be_waited_for_it_is_told(database: Database) -> None:
    tenant = uuid4()
    await at(database, tenant, 6)
    reads = TenantConnections(database.pools[SERVICE])
    with pytest.raises(BehindError):
        await reads.rows(tenant, "SELECT 1", (), at_least=LEVEL)
    assert await reads.rows(tenant, "SELECT 1", (), at_least=Level(("contact_v1",), 6)) == [(1,)]
