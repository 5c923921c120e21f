"""Search goes on while its store is away, and says who answered."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from infra.search.breaker import Breaker
from infra.search.fallback import FallbackSearch, OnlySearch
from projections.contacts.search import Backend, Hit, SearchUnavailableError, Sought
from projections.position import Level

TENANT = uuid4()


class Store:
    def __init__(self, backend: Backend) -> None:
        self.backend: Backend = backend
        self.is_away = False
        self.calls = 0

    async def search(self, tenant_id: UUID, sought: Sought, *, at_least: Level | None = None) -> Sequence[Hit]:
        del at_least
        self.calls += 1
        if self.is_away:
            raise SearchUnavailableError
        return [Hit(tenant_id, 1.0, (sought.text or "",))][sought.offset : sought.offset + sought.limit]

    async def is_ready(self) -> bool:
        return not self.is_away


async def answered_by(search: FallbackSearch | OnlySearch) -> Backend:
    answer = await search.search(TENANT, Sought("name", 0, 10))
    assert answer.hits == [Hit(TENANT, 1.0, ("name",))]
    return answer.backend


@pytest.fixture
def primary() -> Store:
    return Store("opensearch")


@pytest.fixture
def search(primary: Store) -> FallbackSearch:
    breaker = Breaker("test", failures=3, pause=5, clock=lambda: 0.0)
    return FallbackSearch(primary, Store("postgres"), primary.is_ready, settle=0, breaker=breaker)


async def test_postgres_answers_until_the_index_is_ready(search: FallbackSearch) -> None:
    assert (search.backend, await answered_by(search)) == ("postgres", "postgres")
    await search.look()
    assert (search.backend, await answered_by(search)) == ("opensearch", "opensearch")


async def test_a_search_that_fails_is_answered_by_postgres(search: FallbackSearch, primary: Store) -> None:
    await search.look()
    primary.is_away = True
    assert await answered_by(search) == "postgres"


async def test_a_store_that_keeps_failing_is_not_asked_any_more(search: FallbackSearch, primary: Store) -> None:
    await search.look()
    primary.is_away = True
    for _ in range(10):
        assert await answered_by(search) == "postgres"
    assert primary.calls == 3
    assert search.backend == "postgres"


async def test_an_index_that_has_gone_is_not_asked(search: FallbackSearch, primary: Store) -> None:
    await search.look()
    primary.is_away = True
    await search.look()
    assert await answered_by(search) == "postgres"
    assert primary.calls == 0


async def test_an_index_that_is_back_has_to_stay_ready_for_a_while(primary: Store) -> None:
    now = 0.0
    search = FallbackSearch(primary, Store("postgres"), primary.is_ready, settle=6, clock=lambda: now)
    await search.look()
    assert await answered_by(search) == "postgres"
    now = 5.0
    primary.is_away = True
    await search.look()
    primary.is_away = False
    now = 6.0
    await search.look()
    assert await answered_by(search) == "postgres"
    now = 12.0
    await search.look()
    assert await answered_by(search) == "opensearch"


async def test_what_is_spare_answers_when_it_is_asked_for(primary: Store) -> None:
    search = FallbackSearch(primary, Store("postgres"), primary.is_ready, settle=0)
    await search.look()
    answer = await search.search(TENANT, Sought("name", 0, 10), spare=True)
    assert (answer.backend, primary.calls, search.backend) == ("postgres", 0, "opensearch")


async def test_no_backend_at_all_is_said_so(primary: Store) -> None:
    primary.is_away = True
    search = FallbackSearch(primary, primary, primary.is_ready)
    with pytest.raises(SearchUnavailableError):
        await search.search(TENANT, Sought("name", 0, 10))


async def test_one_backend_alone_answers_too() -> None:
    assert await answered_by(OnlySearch(Store("postgres"))) == "postgres"
