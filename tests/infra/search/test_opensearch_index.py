"""The index as OpenSearch keeps it: filled again, made anew, and never older than it was."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from opensearchpy import AsyncOpenSearch

from domain.contact import ContactChanged, ContactDeleted, Name
from infra.search.opensearch import OpenSearchContactSearch, open_client
from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
from projections.contacts import rows as contact_rows
from projections.contacts.index import IndexUnavailableError
from projections.contacts.rows import Searchable
from projections.contacts.search import SearchUnavailableError, Sought
from projections.contacts.text import contact_text
from tests.conftest import Database
from tests.infra.search.indexing import Bench

pytestmark = [pytest.mark.servers, pytest.mark.opensearch]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def named(name: str, position: int) -> Searchable:
    return Searchable(uuid4(), position, contact_text(names=[name]))


@pytest.fixture
async def client(opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
    async with open_client(opensearch) as client:
        yield client


@pytest.fixture
def alias() -> str:
    return alias_of(uuid4())


@pytest.fixture
def index(client: AsyncOpenSearch, alias: str) -> OpenSearchContactIndex:
    return OpenSearchContactIndex(client, alias)


@pytest.fixture
def search(client: AsyncOpenSearch, alias: str) -> OpenSearchContactSearch:
    return OpenSearchContactSearch(client, alias, timeout=5)


async def test_an_index_that_was_wiped_fills_itself_again(
    bench: Bench, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex,
    search: OpenSearchContactSearch,
) -> None:  # fmt: skip
    tenant, indexer = uuid4(), bench.indexer(index)
    one = await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    await indexer.turn()
    assert await search.is_ready()
    await client.indices.delete(index=f"{alias}-1")
    assert not await search.is_ready()
    with pytest.raises(SearchUnavailableError):
        await search.search(tenant, Sought("ada", 0, 10))
    indexer._looked_at = -1e9
    await indexer.turn()
    assert [hit.id for hit in await search.search(tenant, Sought("ada", 0, 10))] == [one]
    assert await search.is_ready()


async def test_a_rebuild_replaces_the_index_and_misses_nothing(
    bench: Bench, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex,
    search: OpenSearchContactSearch,
) -> None:  # fmt: skip
    tenant, indexer = uuid4(), bench.indexer(index)
    one = await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    await indexer.turn()
    before = set(await client.indices.get(index=alias))
    assert await indexer.rebuild() == 1
    assert not before & set(await client.indices.get(index=f"{alias}-*"))
    two = await bench.registered(tenant, "Ada Byron")
    await bench.project()
    await indexer.turn()
    assert {hit.id for hit in await search.search(tenant, Sought("ada", 0, 10))} == {one, two}
    assert await search.is_ready()


async def test_what_changes_during_a_rebuild_is_there_afterwards(
    bench: Bench, index: OpenSearchContactIndex, search: OpenSearchContactSearch
) -> None:
    tenant, indexer = uuid4(), bench.indexer(index)
    one, two = await bench.registered(tenant, "Ada Lovelace"), await bench.registered(tenant, "Alan Turing")
    await bench.project()
    await indexer.turn()
    async with index.recreated() as fresh:
        async with bench.sessions.of(tenant) as connection:
            rows = await contact_rows.page(connection, tenant, after=UUID(int=0), limit=10)
        await bench.happened(tenant, one, ContactDeleted(), after=1)
        await bench.happened(tenant, two, ContactChanged(name=Name(display="Grace Hopper")), after=1)
        await bench.project()
        await indexer.turn()
        await fresh.write(tenant, rows)
    await indexer._set_back(tenant, 2)
    await indexer.turn()
    assert await search.search(tenant, Sought("lovelace", 0, 10)) == []
    assert [hit.id for hit in await search.search(tenant, Sought("hopper", 0, 10))] == [two]


async def test_a_rebuild_that_fails_leaves_the_index_as_it_was(
    client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex
) -> None:
    await index.ensure()
    before = set(await client.indices.get(index=f"{alias}*"))
    with pytest.raises(LookupError):
        async with index.recreated():
            raise LookupError
    assert set(await client.indices.get(index=f"{alias}*")) == before


async def test_an_older_write_does_not_undo_a_newer(
    index: OpenSearchContactIndex, search: OpenSearchContactSearch
) -> None:
    tenant = uuid4()
    await index.ensure()
    newer, gone = named("Ada Lovelace", 7), named("Alan Turing", 3)
    await index.write(tenant, [newer, Searchable(gone.id, 8, None)])
    await index.write(tenant, [Searchable(newer.id, 6, contact_text(names=["Ada Byron"])), gone])
    await index.write(tenant, [newer])
    await index.refresh()
    assert [hit.id for hit in await search.search(tenant, Sought("lovelace", 0, 10))] == [newer.id]
    assert await search.search(tenant, Sought("byron", 0, 10)) == []
    assert await search.search(tenant, Sought("turing", 0, 10)) == []


async def test_a_write_makes_no_index_by_itself(
    client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex
) -> None:
    with pytest.raises(IndexUnavailableError):
        await index.write(uuid4(), [named("Ada Lovelace", 1)])
    assert not await client.indices.exists(index=alias)


async def test_two_processes_can_make_the_index_at_once(client: AsyncOpenSearch, alias: str) -> None:
    both = [OpenSearchContactIndex(client, alias) for _ in range(2)]
    assert [await index.ensure() for index in both] == ["new", "new"]
    assert len(await client.indices.get(index=f"{alias}-*")) == 1


async def test_indexes_of_former_incarnations_go_and_others_stay(client: AsyncOpenSearch) -> None:
    """Fault 5: after a restore, an index that has seen later positions would refuse new documents as old."""
    former, other, now = (uuid4() for _ in range(3))
    for incarnation in (former, other):
        await OpenSearchContactIndex(client, alias_of(incarnation)).ensure()
    index = OpenSearchContactIndex(client, alias_of(now), former=[uuid4(), former])
    assert await index.ensure() == "new"
    names = set(await client.indices.get(index="rapport-*"))
    there = {each for each in (former, other, now) if f"{alias_of(each)}-1" in names}
    assert there == {other, now}


async def test_a_field_that_the_mapping_does_not_know_is_refused(
    client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex
) -> None:
    await index.ensure()
    mapping = await client.indices.get_mapping(index=alias)
    assert all(found["mappings"]["dynamic"] == "strict" for found in mapping.values())


async def test_a_store_that_is_not_there_is_unavailable() -> None:
    async with open_client("http://127.0.0.1:9") as client:
        search = OpenSearchContactSearch(client, "none")
        assert not await search.is_ready()
        with pytest.raises(SearchUnavailableError):
            await search.search(uuid4(), Sought("ada", 0, 10))
        with pytest.raises(IndexUnavailableError):
            await OpenSearchContactIndex(client, "none").ensure()


async def test_tombstones_are_let_go_after_a_while_and_nothing_else_is(
    client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex, search: OpenSearchContactSearch
) -> None:
    tenant, ada, grace = uuid4(), named("Ada", 1), named("Grace", 2)
    await index.ensure()
    await index.write(tenant, [ada, grace])
    await index.write(tenant, [Searchable(ada.id, 3, None)])
    await index.refresh()
    assert await index.purge(60) == 0
    await index.write(tenant, [ada])  # an old write, late: the tombstone sees to it
    await index.refresh()
    assert await search.search(tenant, Sought("ada", 0, 5)) == []
    assert await index.purge(0) == 1
    await index.refresh()
    assert (await client.count(index=alias))["count"] == 1
    assert [hit.id for hit in await search.search(tenant, Sought("grace", 0, 5))] == [grace.id]
