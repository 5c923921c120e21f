"""Fault 9: a rebuild is killed where it hurts most, and started again."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest

from projections.aside import RebuildRunsError
from projections.contacts import contact
from projections.contacts import words as contact_words
from projections.projection import Projection
from projections.rebuild import Rebuilt
from tests.given import registered
from tests.projections.reading import contents
from tests.projections.workshop import Workshop
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

_WAITS: LiteralString = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


@asynccontextmanager
async def rebuilding(workshop: Workshop, projection: Projection) -> AsyncIterator[asyncio.subprocess.Process]:
    """A rebuild in another process, which is killed at the end of the block, and gone when that returns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.projections.rebuilding", workshop.database.admin_dsn, projection.name, stdout=PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def stage(process: asyncio.subprocess.Process, name: str) -> None:
    """Wait until it has come to a stage."""
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(name.encode()):
            return
    raise AssertionError(f"it ended before {name}")


async def again(workshop: Workshop, projection: Projection) -> Rebuilt:
    """Rebuild as soon as the server has noticed that the other is gone."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await workshop.rebuild(projection)
            except RebuildRunsError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("projection", [contact.PROJECTION, contact_words.PROJECTION], ids=["contact", "words"])
@pytest.mark.parametrize("where", ["fill", "index", "compare"])
async def test_killed_on_its_way_it_goes_on_and_ends_right(
    workshop: Workshop, projection: Projection, where: str
) -> None:
    tenant, _ = await workshop.given(contacts=3)
    async with rebuilding(workshop, projection) as process:
        await stage(process, where)
    before = contents(workshop.database, tenant)
    await workshop.happened(tenant, uuid4(), registered())
    await workshop.level(tenant)
    assert (await again(workshop, projection)).was_resumed
    after = contents(workshop.database, tenant)
    assert len(after["contact_v1"]) == len(before["contact_v1"]) + 1
    assert all(not each.differences for each in await workshop.verify(tenant))


async def test_killed_in_the_middle_of_the_swap_nothing_has_changed(workshop: Workshop) -> None:
    tenant, _ = await workshop.given(contacts=3)
    before = contents(workshop.database, tenant)
    with psycopg.connect(workshop.database.admin_dsn) as reader:
        reader.execute("SELECT count(*) FROM read.contact_v1")  # so the swap has to wait, holding what it holds
        async with rebuilding(workshop, contact.PROJECTION) as process:
            await stage(process, "swap")
            async with asyncio.timeout(PATIENCE):
                while not _waiting(workshop):  # noqa: ASYNC110  another process's lock sets no event
                    await asyncio.sleep(0.01)
        assert contents(workshop.database, tenant) == before
    await workshop.happened(tenant, uuid4(), registered())
    async with asyncio.timeout(PATIENCE):
        await workshop.level(tenant)
    assert len(contents(workshop.database, tenant)["contact_v1"]) == 4
    assert (await again(workshop, contact.PROJECTION)).was_resumed
    assert all(not each.differences for each in await workshop.verify(tenant))


def _waiting(workshop: Workshop) -> bool:
    with psycopg.connect(workshop.database.admin_dsn) as connection:
        found = connection.execute(_WAITS).fetchone()
        return bool(found and found[0])
