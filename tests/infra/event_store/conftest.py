"""A store, a tenant in it, and what its appender sends."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.event_store.appender import Appender
from infra.event_store.sealed import SealedAppend
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import Batches, call, one
from tests.infra.event_store.catalogue import Connection
from tests.infra.event_store.two_tenants import two_tenants


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(database: Database) -> PostgresEventStore:
    return PostgresEventStore(database.appends, database.service, SECRET)


@pytest.fixture(scope="session")
async def tenants(database: Database) -> tuple[UUID, UUID]:
    """Two tenants with rows in every table that there is."""
    return await two_tenants(database)


@pytest.fixture
async def tenant(database: Database) -> UUID:
    """A tenant with one event."""
    made = uuid4()
    await call(database.appends, one(made))
    return made


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    """What the appender sends, call by call."""
    sent: Batches = []
    original = Appender._call

    async def spy(self: Appender, appends: Sequence[SealedAppend]) -> list[Any]:
        sent.append(list(appends))
        return await original(self, appends)

    monkeypatch.setattr(Appender, "_call", spy)
    return sent
