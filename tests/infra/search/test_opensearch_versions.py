"""R3.2, N-R1, N-R3: the schema's version is raised while searches go on: none fails, and none misses what was found."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from opensearchpy import AsyncOpenSearch

from infra.search.fallback import FallbackSearch
from infra.search.opensearch import OpenSearchContactSearch
from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
from infra.search.postgres import PostgresContactSearch
from projections.contacts.index import SCHEMA
from projections.contacts.indexer import ContactIndexer
from projections.contacts.search import Sought
from tests.conftest import Database
from tests.infra.search.indexing import Bench
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.servers, pytest.mark.opensearch]


class Release:
    """The processes of one version: an API that searches, and an indexer."""

    def __init__(self, bench: Bench, database: Database, client: AsyncOpenSearch, alias: str) -> None:
        index = OpenSearchContactIndex(client, alias)
        self.indexer: ContactIndexer = bench.indexer(index, f"contact_search_of_{alias}")
        found = OpenSearchContactSearch(client, alias, timeout=PATIENCE)
        self.search = FallbackSearch(found, PostgresContactSearch(database.service), found.is_ready, settle=0)

    async def turn(self) -> None:
        """What the indexer does every few seconds."""
        self.indexer._looked_at = -1e9
        await self.indexer.turn()

    async def ask(self, tenant: UUID) -> tuple[str, set[UUID]]:
        await self.search.look()
        answer = await self.search.search(tenant, Sought("lovelace", 0, 10))
        return answer.backend, {hit.id for hit in answer.hits}


@pytest.fixture
async def client(opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
    async with AsyncOpenSearch(opensearch, max_retries=0, timeout=PATIENCE) as client:
        yield client


def next_of(alias: str) -> str:
    return f"{alias.rpartition('-v')[0]}-v{SCHEMA + 1}"


async def test_a_new_version_takes_over_while_searches_go_on(database: Database, client: AsyncOpenSearch) -> None:
    bench, tenant, alias = Bench(database), uuid4(), alias_of(uuid4())
    old, new = (Release(bench, database, client, name) for name in (alias, next_of(alias)))
    known = {await bench.registered(tenant, f"Ada Lovelace {n}") for n in range(3)}
    await bench.project()
    await old.turn()
    assert await old.ask(tenant) == ("opensearch", known)

    asked, over = 0, asyncio.Event()

    async def search_all_along(release: Release) -> None:
        nonlocal asked
        while not over.is_set():
            least = frozenset(known)
            _, found = await release.ask(tenant)
            assert found >= least
            asked += 1

    async with asyncio.TaskGroup() as searching:
        for release in (old, new):
            searching.create_task(search_all_along(release))
        await until(lambda: asked > 4)
        await new.turn()  # the old indexer is gone, and the new one has come
        assert (await old.ask(tenant))[0] == "postgres"
        one = await bench.registered(tenant, "Byron Lovelace")
        await bench.project()
        await new.turn()
        known.add(one)
        so_far = asked
        await until(lambda: asked > so_far + 4)
        assert await old.ask(tenant) == ("postgres", known)
        assert await new.ask(tenant) == ("opensearch", known)
        over.set()
    assert not await client.indices.exists(index=f"{alias}-1")


async def test_an_index_that_its_own_indexer_keeps_is_level_until_then(
    database: Database, client: AsyncOpenSearch
) -> None:
    bench, tenant, alias = Bench(database), uuid4(), alias_of(uuid4())
    old, known = Release(bench, database, client, alias), {await bench.registered(tenant, "Ada Lovelace")}
    await bench.project()
    await old.turn()
    assert await OpenSearchContactIndex(client, next_of(alias)).ensure() == "new"
    assert await old.ask(tenant) == ("postgres", known)
    await old.turn()
    assert await old.ask(tenant) == ("opensearch", known)
