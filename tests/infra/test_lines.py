"""Connections that are driven directly: shared by all who ask, and never left in the middle of something."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from infra.postgres import SERVICE, Pool, open_pool
from tests.conftest import Database
from tests.infra.event_store.catalogue import Connection
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers

SIZE = 6
LINES = 2
"""Of that many connections four are left to those who ask the pool itself."""
_WAITS = "SELECT 1 FROM pg_advisory_xact_lock_shared(hashtext('tests/lines'))"
_MINE = "application_name = 'rapport-lines'"


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    made = await open_pool(database.dsns[SERVICE], name="lines", size=SIZE)
    yield made
    await made.close()


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    with psycopg.connect(database.admin_dsn, autocommit=True) as made:
        yield made


@contextmanager
def held(admin: Connection) -> Iterator[None]:
    """Whoever asks for the lock waits until the end of the block."""
    admin.execute("SELECT pg_advisory_lock(hashtext('tests/lines'))")
    try:
        yield
    finally:
        admin.execute("SELECT pg_advisory_unlock_all()")


def waiting(admin: Connection) -> int:
    """How many wait for the lock."""
    found = admin.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()
    return found[0] if found else 0


async def one(pool: Pool, query: str, *values: object) -> object:
    """The one value that a query finds."""
    ((row,),) = await pool.lines.rows([(query, values)])
    return row[0]


async def test_values_go_and_come_as_psycopg_has_them(pool: Pool) -> None:
    for value in (uuid4(), 7, 2**40, "Zoë % $1", None, [uuid4(), uuid4()], True, 1.5, b"\0\1"):
        assert await one(pool, "SELECT %s", value) == value
    assert await one(pool, "SELECT %s::text[]", ["a", None]) == ["a", None]
    assert await one(pool, "SELECT 7 %% 4 + %s", 1) == 4


async def test_questions_of_one_visit_are_one_transaction(pool: Pool) -> None:
    set_it, look = "SELECT set_config('app.tenant', %s, true)", "SELECT current_setting('app.tenant', true), %s::int"
    _, ((tenant, number),) = await pool.lines.rows([(set_it, ("here",)), (look, (3,))])
    assert (tenant, number) == ("here", 3)
    for _ in range(LINES + 1):
        ((row,),) = await pool.lines.rows([(look, (3,))])
        assert row[0] != "here", "it ends with the transaction"


async def test_what_was_written_before_an_error_is_not_kept(pool: Pool, admin: Connection) -> None:
    key = f"lines/{uuid4()}"
    lock = ("SELECT pg_advisory_xact_lock(hashtext(%s))", (key,))
    with pytest.raises(psycopg.errors.DivisionByZero):
        await pool.lines.rows([lock, ("SELECT 1 / %s", (0,))])
    assert admin.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", (key,)).fetchone() == (True,)
    assert await one(pool, "SELECT %s", 1) == 1
    assert pool.get_stats()["pool_size"] == 1, "the connection goes on being used"


async def test_more_askers_than_connections_wait_for_each_other(pool: Pool) -> None:
    pids = await asyncio.gather(*(one(pool, "SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(40)))
    assert len(set(pids)) == LINES
    async with pool.connection(timeout=1) as connection:
        assert connection.info.backend_pid not in pids


async def test_who_waits_too_long_is_told(database: Database, admin: Connection) -> None:
    pool = await open_pool(database.dsns[SERVICE], name="lines", size=1, patient=False)
    try:
        with held(admin):
            slow = asyncio.create_task(one(pool, _WAITS))
            await until(lambda: waiting(admin) == 1)
            with pytest.raises(PoolTimeout):
                await one(pool, "SELECT 1")
        assert await slow == 1
        assert await one(pool, "SELECT 1") == 1
    finally:
        await pool.close()


async def test_askers_who_go_away_leave_no_connection_behind(pool: Pool) -> None:
    """Some of them while they wait, some while they are served."""
    tasks = [asyncio.create_task(one(pool, "SELECT 1 FROM pg_sleep(0.02)")) for _ in range(30)]
    for task in tasks[::2]:
        await asyncio.sleep(0.013)
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() or task.result() == 1 for task in tasks)
    assert await asyncio.gather(*(one(pool, "SELECT %s", number) for number in range(10))) == list(range(10))
    await until(lambda: pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"])


async def test_a_turn_that_comes_to_somebody_who_goes_away_is_the_next_ones(pool: Pool, admin: Connection) -> None:
    with held(admin):
        slow = [asyncio.create_task(one(pool, _WAITS)) for _ in range(LINES)]
        await until(lambda: waiting(admin) == LINES)
        gone, patient = [asyncio.create_task(one(pool, "SELECT %s", number)) for number in (1, 2)]
        await until(lambda: len(pool.lines._waiting) == 2)
        pool.lines._open -= 1
        pool.lines._hand_on(None)  # as when a connection is dropped: another may be opened in its place
        gone.cancel()
        async with asyncio.timeout(PATIENCE):
            assert await patient == 2
        assert gone.cancelled()
    assert await asyncio.gather(*slow) == [1] * LINES


async def test_a_lost_connection_fails_who_uses_it_and_nobody_after(pool: Pool, admin: Connection) -> None:
    with held(admin):
        slow = asyncio.create_task(one(pool, _WAITS))
        await until(lambda: waiting(admin) == 1)
        admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_MINE}")
        with pytest.raises(psycopg.OperationalError):
            await slow
    assert await one(pool, "SELECT %s", 1) == 1


async def test_statements_that_a_rollback_made_psycopg_forget_are_prepared_again(pool: Pool) -> None:
    query = "SELECT %s::int + 40"
    assert await one(pool, query, 1) == 41
    await until(lambda: pool.get_stats()["pool_available"] == 1)
    async with pool.connection() as connection:
        await connection.execute("DEALLOCATE ALL")
    assert await one(pool, query, 2) == 42


async def test_not_more_than_a_hundred_statements_stay_prepared(pool: Pool) -> None:
    for number in range(130):
        assert await one(pool, f"SELECT {number}") == number
    assert 90 < int(str(await one(pool, "SELECT count(*)::int FROM pg_prepared_statements"))) <= 101
    assert await one(pool, "SELECT 0") == 0


async def test_what_can_not_be_sent_costs_no_connection(pool: Pool) -> None:
    tenant = uuid4()
    with pytest.raises(psycopg.ProgrammingError):
        await one(pool, "SELECT %s", object())
    assert await one(pool, "SELECT %s", tenant) == tenant
    assert pool.get_stats()["pool_size"] == 1


async def test_a_pool_that_closes_closes_what_its_lines_keep(database: Database) -> None:
    before = asyncio.all_tasks()
    pool = await open_pool(database.dsns[SERVICE], name="lines", size=SIZE)
    assert await one(pool, "SELECT 1") == 1
    (line,) = pool.lines._idle
    await pool.close()
    assert line.connection.closed
    assert asyncio.all_tasks() == before
