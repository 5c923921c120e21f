"""The index follows the rows: from events in the log to hits, whatever happens to the index on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from opensearchpy import AsyncOpenSearch

from commands.ports import Append, StreamEvents
from domain.contact import ContactChanged, ContactDeleted, ContactRegistered, Name
from domain.event import SYSTEM, Event, Metadata, Recorded
from infra.event_store.log import PostgresLog
from infra.event_store.store import PostgresEventStore
from infra.postgres import PROJECTOR
from infra.search.opensearch import OpenSearchContactSearch, open_client
from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
from projections import contact_rows
from projections.contact_indexer import CHECKPOINT, ContactIndex, ContactIndexer, IndexUnavailableError, State, Writer
from projections.contact_rows import Searchable
from projections.contact_search import SearchUnavailableError
from projections.contact_text import contact_text
from projections.ports import Behind
from projections.registry import POSTGRES
from projections.runner import Runner
from tests.conftest import SECRET, Database

pytestmark = pytest.mark.servers


class Announced:
    """Notes what is announced; delivers nothing."""

    def __init__(self) -> None:
        self.search: dict[UUID, int] = {}
        self.heard = asyncio.Event()

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        if CHECKPOINT in checkpoints:
            self.search[tenant_id] = position
            self.heard.set()

    async def fetch(self, *, most: int, wait: float) -> Sequence[Recorded[Event]]:
        del most, wait
        return ()


class TheseTenants(PostgresLog):
    """The log, but only of the tenants of one test: others leave theirs half done."""

    def __init__(self, database: Database, tenants: set[UUID]) -> None:
        super().__init__(database.pools[PROJECTOR])
        self._only = tenants
        self.broken: set[UUID] = set()

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        if tenant_id in self.broken:
            raise LookupError("no such topic")
        return await super().read(tenant_id, after=after, limit=limit)

    async def behind(self, projections: Sequence[str]) -> Sequence[Behind]:
        return [item for item in await super().behind(projections) if item.tenant_id in self._only]

    async def tenants(self) -> Sequence[Behind]:
        return [item for item in await super().tenants() if item.tenant_id in self._only]


class Index:
    """An index that can be taken away."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Searchable] = {}
        self.state: State = "new"
        self.is_away = False
        self.refreshed = 0
        self.marks: list[tuple[State, int]] = []

    async def ensure(self) -> State:
        if self.is_away:
            raise IndexUnavailableError
        return self.state

    async def mark(self, state: State) -> None:
        self.state = state
        self.marks.append((state, len(self.kept)))

    async def write(self, tenant_id: UUID, contacts: Sequence[Searchable]) -> None:
        del tenant_id
        if self.is_away:
            raise IndexUnavailableError
        self.kept |= {contact.id: contact for contact in contacts}

    async def refresh(self) -> None:
        self.refreshed += 1

    @asynccontextmanager
    async def recreated(self) -> AsyncIterator[Writer]:
        yield self


class Bench:
    """A log to write to, projections to apply it, and an indexer."""

    def __init__(self, database: Database) -> None:
        self.tenants: set[UUID] = set()
        self.log = TheseTenants(database, self.tenants)
        self.announced = Announced()
        self.sessions = database.projector
        self._store = PostgresEventStore(database.appends, database.service, SECRET)
        self._runner = Runner(
            POSTGRES, log=self.log, deliveries=self.announced, sessions=self.sessions, announcements=self.announced
        )

    def indexer(self, index: ContactIndex) -> ContactIndexer:
        return ContactIndexer(index, log=self.log, sessions=self.sessions, announcements=self.announced)

    async def happened(self, tenant_id: UUID, stream_id: UUID, *events: Event, after: int = 0) -> int:
        now = datetime.now(UTC)
        append = Append(
            tenant_id=tenant_id, command_id=uuid4(), metadata=Metadata(actor=SYSTEM, correlation_id="test"),
            streams=(StreamEvents(stream_id, after, events),), occurred_at=now,
        )  # fmt: skip
        self.tenants.add(tenant_id)
        return (await self._store.append(append)).position

    async def registered(self, tenant_id: UUID, name: str) -> UUID:
        contact_id = uuid4()
        await self.happened(tenant_id, contact_id, ContactRegistered(name=Name(display=name)))
        return contact_id

    async def project(self) -> None:
        for tenant_id in self.tenants:
            await self._runner.catch_up(tenant_id)


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def named(name: str, position: int) -> Searchable:
    return Searchable(uuid4(), position, contact_text(names=[name]))


async def test_what_the_rows_include_is_indexed_and_announced(bench: Bench) -> None:
    index, tenant = Index(), uuid4()
    one, two = await bench.registered(tenant, "Ada Lovelace"), await bench.registered(tenant, "Alan Turing")
    await bench.happened(tenant, two, ContactDeleted(), after=1)
    await bench.project()
    await bench.indexer(index).turn()
    assert index.kept[one].text == contact_text(names=["Ada Lovelace"])
    assert index.kept[two] == Searchable(two, 3, None)
    assert bench.announced.search == {tenant: 3}
    assert index.refreshed


async def test_the_index_never_runs_ahead_of_the_rows(bench: Bench) -> None:
    index, tenant = Index(), uuid4()
    indexer = bench.indexer(index)
    one = await bench.registered(tenant, "Ada Lovelace")
    await indexer.turn()
    assert (index.kept, bench.announced.search) == ({}, {})
    await bench.project()
    await bench.registered(tenant, "Alan Turing")
    await indexer.turn()
    assert (set(index.kept), bench.announced.search) == ({one}, {tenant: 1})


async def test_being_woken_is_enough(bench: Bench) -> None:
    index, tenant = Index(), uuid4()
    indexer = bench.indexer(index)
    await indexer.turn()
    await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    await indexer.turn(poll=False)
    assert not index.kept
    indexer.wake(tenant)
    await indexer.turn(poll=False)
    assert index.kept


async def test_nothing_is_lost_while_the_index_is_away(bench: Bench) -> None:
    index, tenant = Index(), uuid4()
    indexer = bench.indexer(index)
    await indexer.turn()
    one = await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    index.is_away = True
    indexer.wake(tenant)
    with pytest.raises(IndexUnavailableError):
        await indexer.turn()
    index.is_away = False
    await indexer.turn(poll=False)
    assert set(index.kept) == {one}


async def test_a_tenant_that_fails_holds_up_no_other(bench: Bench) -> None:
    index, good, bad = Index(), uuid4(), uuid4()
    one, _ = await bench.registered(good, "Ada Lovelace"), await bench.registered(bad, "Alan Turing")
    await bench.project()
    bench.log.broken.add(bad)
    await bench.indexer(index).turn()
    assert set(index.kept) == {one}
    assert bench.announced.search == {good: 1}
    assert index.state == "filling"


async def test_the_index_is_level_when_all_is_in_it(bench: Bench) -> None:
    index = Index()
    for _ in range(3):
        await bench.registered(uuid4(), "Ada Lovelace")
    await bench.project()
    await bench.indexer(index).turn()
    assert (index.state, len(index.kept)) == ("level", 3)


async def test_an_index_that_is_new_is_filled_from_the_start(bench: Bench) -> None:
    tenant = uuid4()
    one = await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    await bench.indexer(Index()).turn()
    other = Index()
    await bench.indexer(other).turn()
    assert set(other.kept) == {one}


async def test_it_goes_on_by_itself_when_the_index_comes_back(bench: Bench) -> None:
    index, tenant = Index(), uuid4()
    index.is_away = True
    running = asyncio.create_task(bench.indexer(index).run())
    await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    await asyncio.sleep(0.2)
    index.is_away = False
    async with asyncio.timeout(10):
        await bench.announced.heard.wait()
    running.cancel()
    assert index.kept


async def test_an_index_that_was_away_is_not_level_before_it_has_caught_up(bench: Bench) -> None:
    index, tenant = Index(), uuid4()
    await bench.registered(tenant, "Ada Lovelace")
    await bench.project()
    await bench.indexer(index).turn()
    await bench.registered(tenant, "Alan Turing")
    await bench.project()
    index.marks.clear()
    await bench.indexer(index).turn()
    assert index.marks == [("filling", 1), ("level", 2)]


@pytest.mark.opensearch
class TestInOpenSearch:
    @pytest.fixture
    async def client(self, opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
        async with open_client(opensearch) as client:
            yield client

    @pytest.fixture
    def alias(self) -> str:
        return alias_of(uuid4())

    @pytest.fixture
    def index(self, client: AsyncOpenSearch, alias: str) -> OpenSearchContactIndex:
        return OpenSearchContactIndex(client, alias)

    @pytest.fixture
    def search(self, client: AsyncOpenSearch, alias: str) -> OpenSearchContactSearch:
        return OpenSearchContactSearch(client, alias, timeout=5)

    async def test_an_index_that_was_wiped_fills_itself_again(
        self, bench: Bench, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex,
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
            await search.search(tenant, "ada", offset=0, limit=10)
        indexer._looked_at = -1e9
        await indexer.turn()
        assert [hit.id for hit in await search.search(tenant, "ada", offset=0, limit=10)] == [one]
        assert await search.is_ready()

    async def test_a_rebuild_replaces_the_index_and_misses_nothing(
        self, bench: Bench, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex,
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
        assert {hit.id for hit in await search.search(tenant, "ada", offset=0, limit=10)} == {one, two}
        assert await search.is_ready()

    async def test_what_changes_during_a_rebuild_is_there_afterwards(
        self, bench: Bench, index: OpenSearchContactIndex, search: OpenSearchContactSearch
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
        assert await search.search(tenant, "lovelace", offset=0, limit=10) == []
        assert [hit.id for hit in await search.search(tenant, "hopper", offset=0, limit=10)] == [two]

    async def test_a_rebuild_that_fails_leaves_the_index_as_it_was(
        self, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex
    ) -> None:
        await index.ensure()
        before = set(await client.indices.get(index=f"{alias}*"))
        with pytest.raises(LookupError):
            async with index.recreated():
                raise LookupError
        assert set(await client.indices.get(index=f"{alias}*")) == before

    async def test_an_older_write_does_not_undo_a_newer(
        self, index: OpenSearchContactIndex, search: OpenSearchContactSearch
    ) -> None:
        tenant = uuid4()
        await index.ensure()
        newer, gone = named("Ada Lovelace", 7), named("Alan Turing", 3)
        await index.write(tenant, [newer, Searchable(gone.id, 8, None)])
        await index.write(tenant, [Searchable(newer.id, 6, contact_text(names=["Ada Byron"])), gone])
        await index.write(tenant, [newer])
        await index.refresh()
        assert [hit.id for hit in await search.search(tenant, "lovelace", offset=0, limit=10)] == [newer.id]
        assert await search.search(tenant, "byron", offset=0, limit=10) == []
        assert await search.search(tenant, "turing", offset=0, limit=10) == []

    async def test_a_write_makes_no_index_by_itself(
        self, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex
    ) -> None:
        with pytest.raises(IndexUnavailableError):
            await index.write(uuid4(), [named("Ada Lovelace", 1)])
        assert not await client.indices.exists(index=alias)

    async def test_two_processes_can_make_the_index_at_once(self, client: AsyncOpenSearch, alias: str) -> None:
        both = [OpenSearchContactIndex(client, alias) for _ in range(2)]
        assert [await index.ensure() for index in both] == ["new", "new"]
        assert len(await client.indices.get(index=f"{alias}-*")) == 1

    async def test_a_field_that_the_mapping_does_not_know_is_refused(
        self, client: AsyncOpenSearch, alias: str, index: OpenSearchContactIndex
    ) -> None:
        await index.ensure()
        mapping = await client.indices.get_mapping(index=alias)
        assert all(found["mappings"]["dynamic"] == "strict" for found in mapping.values())


async def test_a_store_that_is_not_there_is_unavailable() -> None:
    async with open_client("http://127.0.0.1:9") as client:
        search = OpenSearchContactSearch(client, "none")
        assert not await search.is_ready()
        with pytest.raises(SearchUnavailableError):
            await search.search(uuid4(), "ada", offset=0, limit=10)
        with pytest.raises(IndexUnavailableError):
            await OpenSearchContactIndex(client, "none").ensure()
