"""The index follows the rows, whatever happens to the index on the way."""

import asyncio
from uuid import uuid4

import pytest

from domain.company import CompanyChanged, CompanyDeleted, CompanyRegistered, CompanyRestored
from domain.contact import ContactDeleted, ContactRegistered, Name
from domain.event import Event
from projections.contacts.index import IndexUnavailableError
from projections.contacts.rows import Searchable
from projections.contacts.text import contact_text
from tests.conftest import Database
from tests.infra.search.indexing import Bench, Index
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


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


async def test_contacts_are_indexed_anew_when_something_becomes_of_their_company(bench: Bench) -> None:
    """R3.2."""
    index, tenant, company, contact = Index(), uuid4(), uuid4(), uuid4()
    indexer = bench.indexer(index)
    await bench.happened(tenant, company, CompanyRegistered(name="Engines"))
    await bench.happened(tenant, contact, ContactRegistered(name=Name(display="Ada"), company_id=company))
    shown = []
    steps: list[Event | None] = [None, CompanyChanged(name="Looms"), CompanyDeleted(), CompanyRestored()]
    for version, event in enumerate(steps):
        if event:
            await bench.happened(tenant, company, event, after=version)
        await bench.project()
        await indexer.turn()
        shown.append((index.kept[contact].position, index.kept[contact].text))
    texts = [contact_text(names=["Ada"], company=name) for name in ("Engines", "Looms", None, "Looms")]
    assert shown == list(zip((2, 3, 4, 5), texts, strict=True))
    assert bench.announced.search == {tenant: 5}


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
    async with asyncio.timeout(PATIENCE):
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
