"""The event stores and searches that the suites run on."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from commands.ports import EventStore
from infra.event_store.memory import MemoryEventStore
from infra.event_store.store import PostgresEventStore
from infra.search.memory import MemoryContactSearch
from infra.search.opensearch import OpenSearchContactSearch, open_client
from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
from infra.search.postgres import PostgresContactSearch
from tests.conformance.contact_worlds import MemoryWorld, OpenSearchWorld, PostgresWorld, World
from tests.conftest import SECRET, Database

Doors = Sequence[EventStore]
"""Two processes on one log: for the memory, which knows one process only, twice the same."""


class StumblingClock:
    """Goes back a second at every other look."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self) -> datetime:
        self._looks += 1
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._looks // 2 - self._looks % 2)


@pytest.fixture(scope="module")
def memory_doors() -> Doors:
    store = MemoryEventStore(StumblingClock())
    return store, store


@pytest.fixture(scope="module")
def postgres_doors(database: Database) -> Doors:
    return tuple(PostgresEventStore(database.appends, database.service, SECRET) for _ in range(2))


@pytest.fixture(scope="module", params=["memory", pytest.param("postgres", marks=pytest.mark.servers)])
def doors(request: pytest.FixtureRequest) -> Doors:
    made: Doors = request.getfixturevalue(f"{request.param}_doors")
    return made


@pytest.fixture
def store(doors: Doors) -> EventStore:
    return doors[0]


@pytest.fixture(scope="module")
def memory_world() -> World:
    return MemoryWorld(MemoryContactSearch())


@pytest.fixture(scope="module")
def postgres_world(database: Database) -> World:
    return PostgresWorld(PostgresContactSearch(database.service), database.projector)


@pytest.fixture(scope="module")
async def opensearch_world(database: Database, opensearch: str) -> AsyncIterator[World]:
    async with open_client(opensearch) as client:
        alias = alias_of(uuid4())
        index = OpenSearchContactIndex(client, alias)
        await index.ensure()
        yield OpenSearchWorld(OpenSearchContactSearch(client, alias, timeout=5), database.projector, index)


@pytest.fixture(
    scope="module",
    params=[
        "memory",
        pytest.param("postgres", marks=pytest.mark.servers),
        pytest.param("opensearch", marks=[pytest.mark.servers, pytest.mark.opensearch]),
    ],
)
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.getfixturevalue(f"{request.param}_world")
    return made


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


async def positions(store: EventStore, tenant: UUID) -> list[int]:
    """The positions of all of a tenant's events, as they are read."""
    return [item.position for item in await store.read(tenant, after=0, limit=10_000)]
