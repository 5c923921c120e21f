"""R6.5: the connections that appends go over are kept while there is work, and given back; dead ones are not used."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog

from commands.ports import StoreUnavailableError
from infra.event_store.store import PostgresEventStore
from infra.postgres import APPEND, Pool, open_pool
from tests.conftest import SECRET, Database
from tests.given import changed, registered
from tests.infra.event_store.appends import append, claim, held, one, stream
from tests.infra.event_store.catalogue import Connection
from tests.waiting import until

pytestmark = pytest.mark.servers


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    made = await open_pool(database.dsns[APPEND], name="calls", size=2)
    yield made
    await made.close()


@pytest.fixture
def alone(database: Database, pool: Pool) -> PostgresEventStore:
    """A store with a pool of its own."""
    return PostgresEventStore(pool, database.service, SECRET)


async def test_connections_are_given_back_when_nothing_is_to_be_done(pool: Pool, alone: PostgresEventStore) -> None:
    await alone.append(one(uuid4()))
    assert pool.get_stats()["pool_available"] == 0
    await until(lambda: pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"])
    async with pool.connection() as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
    assert (await alone.append(one(uuid4()))).position == 1


async def test_two_stores_can_share_a_connection(database: Database, pool: Pool, alone: PostgresEventStore) -> None:
    other = PostgresEventStore(pool, database.service, SECRET)
    for store in (alone, other):
        assert (await store.append(one(uuid4()))).position == 1
        await until(lambda: pool.get_stats()["pool_available"] == 1)


async def test_a_connection_that_died_meanwhile_is_not_used(
    alone: PostgresEventStore, admin: Connection, tenant: UUID
) -> None:
    """Fault 5: Postgres was restarted between two appends."""
    await alone.append(one(tenant))
    (line,) = alone._appender._calls._lines._idle
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'rapport-calls'"
    assert (admin.execute(query).fetchone() or (0,))[0] >= 1
    await until(lambda: line.connection.closed)
    with structlog.testing.capture_logs() as logged:
        assert [(await alone.append(one(tenant))).position for _ in range(3)] == [3, 4, 5]
    assert logged == []


async def test_more_than_a_socket_takes_at_once_is_sent_all_the_same(alone: PostgresEventStore, tenant: UUID) -> None:
    text = "x" * 8_000_000
    appended = await alone.append(one(tenant, registered(), changed(title=text)))
    assert appended.position == 3
    log = await alone.read(tenant, after=2, limit=1)
    assert log[0].event == changed(title=text)


async def test_what_postgres_says_is_raised_as_psycopg_would(pool: Pool, alone: PostgresEventStore) -> None:
    ada, tenant = uuid4(), uuid4()
    poison = append(tenant, stream(ada), claims=[claim(tenant, "42", ada, kind="contact.external_id/a\0b")])
    with pytest.raises(psycopg.DataError):
        await alone.append(poison)
    await until(lambda: pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"])


async def test_statements_that_the_client_let_go_of_are_prepared_again(
    pool: Pool, alone: PostgresEventStore, tenant: UUID
) -> None:
    before = await alone.append(one(tenant))
    await until(lambda: pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"])
    async with pool.connection() as connection:
        await connection.execute("DEALLOCATE ALL")
    assert (await alone.append(one(tenant))).position == before.position + 1


async def test_what_waits_too_long_for_another_is_told_and_not_tried_again(database: Database, tenant: UUID) -> None:
    """It was taken back, so its outcome is known."""
    pool = await open_pool(database.dsns[APPEND], name="calls", size=2, statement_seconds=1)
    store = PostgresEventStore(pool, database.service, SECRET)
    async with held(database, tenant):
        with structlog.testing.capture_logs() as logged, pytest.raises(StoreUnavailableError):
            await store.append(one(tenant))
    assert logged == []
    await pool.close()
