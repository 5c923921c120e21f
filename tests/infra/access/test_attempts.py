"""R1.3: failures slow down, then lock; who is attacked gets in all the same."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from commands.identity.sessions import NewSession
from commands.identity.throttle import Count, counts, forgive
from infra.access.attempts import PostgresSignInAttempts
from infra.access.sessions import PostgresSessions
from infra.postgres import RELAY
from tests.conftest import SECRET, Database

pytestmark = pytest.mark.servers


@pytest.fixture
def attempts(database: Database) -> PostgresSignInAttempts:
    return PostgresSignInAttempts(database.service, SECRET)


def passed(database: Database, seconds: float) -> None:
    """So much time."""
    with psycopg.connect(database.admin_dsn) as connection:
        connection.execute("UPDATE store.sign_in_attempt SET last_at = last_at - make_interval(secs => %s)", (seconds,))


async def test_each_failure_after_the_free_ones_doubles_the_wait(
    database: Database, attempts: PostgresSignInAttempts
) -> None:
    count = [Count((uuid4().hex,), 3, 10)]
    assert [await attempts.begin(count) for _ in range(3)] == [0, 0, 0]
    for wait in (1, 2, 4, 8, 10, 10):
        assert wait - 0.5 < await attempts.begin(count) <= wait
        passed(database, wait)
        assert await attempts.begin(count) == 0


async def test_guesses_at_the_same_time_do_not_slip_through_together(attempts: PostgresSignInAttempts) -> None:
    count = [Count((uuid4().hex,), 5, 60), Count((uuid4().hex,), 50, 60)]
    waits = await asyncio.gather(*(attempts.begin(count) for _ in range(30)))
    assert waits.count(0) == 5


async def test_a_right_password_makes_up_for_the_wrong_ones_before_it(attempts: PostgresSignInAttempts) -> None:
    count = [Count((uuid4().hex,), 3, 60)]
    for _ in range(4):
        assert [await attempts.begin(count) for _ in range(3)] == [0, 0, 0]
        await attempts.succeeded(count)


async def test_after_an_hour_all_is_forgotten(database: Database, attempts: PostgresSignInAttempts) -> None:
    count = [Count((uuid4().hex,), 1, 900)]
    await attempts.begin(count)
    assert await attempts.begin(count) > 0
    passed(database, 3601)
    assert [await attempts.begin(count), await attempts.begin(count) > 0] == [0, True]


async def test_many_attackers_do_not_lock_a_user_out_of_a_known_place(
    database: Database, attempts: PostgresSignInAttempts
) -> None:
    tenant, user, login = uuid4(), uuid4(), uuid4().hex
    home = NewSession(id=uuid4(), user_id=user, epoch=0, client=None, address="192.0.2.7")
    await PostgresSessions(database.service, 60).start(tenant, home)
    for number in range(60):
        await attempts.begin(counts(login, f"198.51.100.{number}", known=False))

    assert await attempts.is_known(tenant, user, "192.0.2.7")
    assert not await attempts.is_known(tenant, user, "198.51.100.1")
    assert await attempts.begin(counts(login, "203.0.113.9", known=False)) > 0
    assert await attempts.begin(counts(login, "192.0.2.7", known=True)) == 0


async def test_what_is_taken_back_forgives_nothing(attempts: PostgresSignInAttempts) -> None:
    count = [Count((uuid4().hex,), 3, 60)]
    for _ in range(2):
        assert await attempts.begin(count) == 0
    for _ in range(5):
        assert await attempts.begin(count) == 0
        await attempts.taken_back(count)
    assert [await attempts.begin(count), await attempts.begin(count) > 0] == [0, True]


async def test_sign_ins_of_one_user_at_the_same_time_do_not_wait_for_each_other_in_a_ring(
    attempts: PostgresSignInAttempts,
) -> None:
    count = [Count((uuid4().hex,), 1000, 60) for _ in range(3)]

    async def sign_in() -> None:
        for _ in range(5):
            assert await attempts.begin(count) == 0
            await attempts.succeeded(count)

    await asyncio.gather(*(sign_in() for _ in range(16)))


async def test_a_new_password_by_mail_lets_its_user_in_at_once(attempts: PostgresSignInAttempts) -> None:
    login, here = uuid4().hex, "2001:db8::7"
    mine = counts(login, here, known=False)
    for number in range(60):
        await attempts.begin(counts(login, f"198.51.100.{number}", known=False))
    for _ in range(11):
        await attempts.begin(mine[:1])
    assert await attempts.begin(mine) > 0
    await forgive(attempts, login, here)
    assert await attempts.begin(mine) == 0


async def test_what_is_forgotten_is_not_kept(database: Database, attempts: PostgresSignInAttempts) -> None:
    for _ in range(5):
        await attempts.begin([Count((uuid4().hex,), 1, 60)])
    passed(database, 3601)
    count = [Count((uuid4().hex,), 1, 60)]
    await attempts.begin(count)
    async with database.pools[RELAY].connection() as connection:
        (gone,) = await (await connection.execute("SELECT store.purge_attempts(1000)")).fetchone() or (0,)
    assert gone >= 5
    assert await attempts.begin(count) > 0


async def test_neither_e_mail_nor_address_is_in_the_table(database: Database, attempts: PostgresSignInAttempts) -> None:
    login = f"{uuid4().hex}@x.example"
    await attempts.begin(counts(login, "192.0.2.1", known=False))
    with psycopg.connect(database.admin_dsn) as connection:
        keys = connection.execute("SELECT key FROM store.sign_in_attempt").fetchall()
    assert all(len(key) == 32 for (key,) in keys)
