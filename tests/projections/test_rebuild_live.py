"""B6: a read model is built anew while it is read and written, and nobody notices but by what is right then."""

import asyncio
import itertools
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.postgres import SERVICE, open_pool
from projections import rebuild
from projections.aside import RebuildRunsError
from projections.contacts import queries as contact_queries
from projections.contacts import words as contact_words
from projections.contacts.queries import Filters, Sort
from projections.rebuild import SwapBlockedError
from projections.registry import POSTGRES
from tests.conftest import Database
from tests.given import changed, registered
from tests.projections.reading import checkpoints, contents
from tests.projections.workshop import Workshop
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


async def test_under_writes_and_reads_nothing_fails_and_the_rows_are_right(workshop: Workshop) -> None:
    """Fault 9, without the kill."""
    tenant, streams = await workshop.given(contacts=8)
    over, versions = asyncio.Event(), dict.fromkeys(streams, 3)
    reads = 0

    async def write() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            stream = streams[number % len(streams)]
            await workshop.happened(tenant, stream, changed(title=f"T{number}"), after=versions[stream])
            versions[stream] += 1
            await workshop.level(tenant)

    async def read() -> None:
        nonlocal reads
        pool = await open_pool(workshop.database.dsns[SERVICE], name="reader", size=1)
        try:
            while not over.is_set():
                async with workshop.database.service.of(tenant) as connection:
                    found = await contact_queries.by_ids(connection, tenant, streams)
                    page, _ = await contact_queries.page(
                        connection, tenant, Filters(), Sort.CREATED_AT, after=None, limit=20
                    )
                assert len(found) == len(page) == len(streams)
                reads += 1
        finally:
            await pool.close()

    async def build() -> None:
        try:
            for projection in POSTGRES:
                await workshop.rebuild(projection)
        finally:
            over.set()

    async with asyncio.TaskGroup() as tasks:
        for work in (write(), read(), read(), build()):
            tasks.create_task(work)
    await workshop.level(tenant)
    assert reads > 20
    assert sum(versions.values()) > 40
    assert all(
        not each.differences and each.position == sum(versions.values()) for each in await workshop.verify(tenant)
    )


async def test_a_tenant_that_comes_during_a_rebuild_is_in_the_new_rows(workshop: Workshop) -> None:
    await workshop.given()
    late: list[UUID] = []

    async def come() -> None:
        late.append((await workshop.given(contacts=2))[0])

    coming: list[asyncio.Task[None]] = []

    def on_progress(stage: str, done: int, total: int) -> None:
        del total
        if stage == "swap" and not done:
            coming.append(asyncio.ensure_future(come()))

    await workshop.rebuild(on_progress=on_progress)
    await coming[0]
    await workshop.level(late[0])
    assert len(contents(workshop.database, late[0])["contact_v1"]) == 2


async def test_of_two_rebuilds_at_once_the_second_is_refused(workshop: Workshop, own_database: Database) -> None:
    await workshop.given()
    async with workshop.aside.claimed(), Workshop.on(own_database) as other:
        with pytest.raises(RebuildRunsError):
            await other.rebuild(contact_words.PROJECTION)
    await workshop.rebuild(contact_words.PROJECTION)


async def test_what_was_built_stays_while_the_tables_are_in_use(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 11: a session idle in transaction."""
    tenant, _ = await workshop.given()
    monkeypatch.setattr(rebuild, "_SWAP_TRIES", 2)
    with psycopg.connect(workshop.database.admin_dsn) as idle:
        idle.execute("SELECT count(*) FROM read.contact_v1")
        with pytest.raises(SwapBlockedError):
            await workshop.rebuild()
        await workshop.happened(tenant, uuid4(), registered())
        async with asyncio.timeout(PATIENCE):
            await workshop.level(tenant)
    rebuilt = await workshop.rebuild()
    assert rebuilt.was_resumed
    assert len(contents(workshop.database, tenant)["contact_v1"]) == 6


async def test_nothing_is_written_but_rows_aside(workshop: Workshop) -> None:
    """What other programs are told, and the rows that are read, stay as they are until the swap."""
    tenant, _ = await workshop.given()
    seen: list[tuple[str, object, object]] = []

    def on_progress(stage: str, done: int, total: int) -> None:
        del done, total
        if stage != "compare" or not seen or seen[-1][0] != stage:
            seen.append((stage, contents(workshop.database, tenant), checkpoints_of_live(workshop.database, tenant)))

    before = (contents(workshop.database, tenant), checkpoints_of_live(workshop.database, tenant))
    await workshop.rebuild(on_progress=on_progress)
    assert len(seen) > 4
    assert all(each[1:] == before for each in seen)


def checkpoints_of_live(database: Database, tenant: UUID) -> dict[str, int]:
    return {name: position for name, position in checkpoints(database, tenant).items() if "/" not in name}
