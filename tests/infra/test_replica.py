"""N-K2, N-R3, B7: queries go to the replica while it is near enough, and whatever needs more goes to the primary."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import StoreUnavailableError
from infra.event_store.installation import installation
from infra.postgres import SERVICE, Pool, TenantConnections, open_pool, role_dsn
from infra.replica import ReplicaReads, ReplicaWatch
from projections.contacts import contact
from projections.ports import Connection as Queried
from projections.position import Level
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import call, one
from tests.infra.replicas import Replica, replica_of
from tests.projections.reading import catch_up
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers

CONTACTS = (contact.PROJECTION.checkpoint,)


@pytest.fixture(scope="module")
def replica(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with replica_of(database.admin_dsn, tmp_path_factory.mktemp("replica") / "data") as made:
        yield made


@pytest.fixture
async def pool(replica: Replica) -> AsyncIterator[Pool]:
    made = await open_pool(role_dsn(replica.admin_dsn, SERVICE, SECRET), name="replica", size=4, patient=False)
    yield made
    await made.close()


class Clock:
    """Goes on by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class World:
    """Reads over the primary and a replica, looked at by hand."""

    def __init__(self, database: Database, pool: Pool, incarnation: UUID) -> None:
        self.database, self.clock, self.tenant = database, Clock(), uuid4()
        self.watch = ReplicaWatch(database.pools[SERVICE], pool, incarnation, clock=self.clock)
        self.reads = ReplicaReads(database.service, TenantConnections(pool), self.watch, longest=1)

    async def state(self) -> str:
        await self.watch.look()
        return self.watch.state

    async def is_ok(self) -> bool:
        return await self.state() == "ok"

    async def write(self) -> Level:
        """A contact, in the read models of the primary."""
        (row,) = await call(self.database.appends, one(self.tenant))
        await catch_up(self.database, self.tenant)
        return Level(CONTACTS, row[2])

    async def seen(self, at_least: Level | None = None) -> tuple[bool, int]:
        """Whether the replica answered, and how many contacts it showed."""

        async def look(connection: Queried) -> tuple[bool, int]:
            cursor = await connection.execute("SELECT pg_is_in_recovery(), count(*) FROM read.contact_v1")
            in_recovery, count = await cursor.fetchone() or (None, None)
            return bool(in_recovery), int(count or 0)

        return await self.reads.ask(self.tenant, look, at_least=at_least)


@pytest.fixture
async def world(database: Database, pool: Pool) -> World:
    made = World(database, pool, (await installation(database.pools[SERVICE])).incarnation)
    await until(made.is_ok)
    return made


async def test_queries_are_answered_by_the_replica(world: World) -> None:
    level = await world.write()
    await until(lambda: _is(world, (True, 1)))
    assert await world.seen(level) == (True, 1)
    rows = await world.reads.rows(world.tenant, "SELECT pg_is_in_recovery(), count(*) FROM read.contact_v1", ())
    assert rows == [(True, 1)]


async def test_what_the_replica_does_not_have_yet_is_read_from_the_primary(world: World, replica: Replica) -> None:
    """B7."""
    with replica.paused():
        level = await world.write()
        assert await world.seen() == (True, 0)
        assert await world.seen(level) == (False, 1)
        query = "SELECT pg_is_in_recovery(), count(*) FROM read.contact_v1"
        assert await world.reads.rows(world.tenant, query, (), at_least=level) == [(False, 1)]
    await until(lambda: _is(world, (True, 1), level))


async def test_what_needs_a_read_model_that_has_not_got_there_goes_to_the_primary(
    world: World, replica: Replica
) -> None:
    level = await world.write()
    await until(lambda: _is(world, (True, 1)))
    assert await world.seen(level) == (True, 1)
    with replica.paused():
        further = await world.write()
        assert await world.seen(further) == (False, 2)


async def test_a_replica_that_lags_too_long_is_left_alone_until_it_is_near_again(
    world: World, replica: Replica
) -> None:
    with replica.paused():
        await world.write()
        assert await world.state() == "ok"
        world.clock.now += 4
        assert await world.state() == "ok"
        world.clock.now += 2
        assert await world.state() == "lagging"
        assert await world.seen() == (False, 1)
    await until(world.is_ok)
    await until(lambda: _is(world, (True, 1)))


async def test_a_primary_without_work_makes_no_lag(world: World) -> None:
    await world.write()
    for _ in range(3):
        world.clock.now += 3600
        await until(world.is_ok)


async def test_a_frozen_replica_holds_up_a_query_for_a_moment_and_the_others_not_at_all(
    world: World, replica: Replica
) -> None:
    await world.write()
    with replica.frozen():
        async with asyncio.timeout(PATIENCE):
            assert await world.seen() == (False, 1)
        assert world.watch.state == "unavailable", "the next ones don't even try it"
        assert await world.seen() == (False, 1)
    await until(world.is_ok)


async def test_no_query_fails_while_the_replica_is_killed_and_comes_back(world: World, replica: Replica) -> None:
    """N-R1, N-R3."""
    await world.write()
    await until(lambda: _is(world, (True, 1)))
    answered: list[bool] = []
    over = asyncio.Event()

    async def read() -> None:
        while not over.is_set():
            by_replica, count = await world.seen()
            assert count == 1
            answered.append(by_replica)

    readers = [asyncio.create_task(read()) for _ in range(4)]
    before = replica.pid
    replica.kill()
    await until(lambda: False in answered)
    await until(lambda: replica.pid != before)
    await until(world.is_ok)
    count = len(answered)
    await until(lambda: True in answered[count:])
    over.set()
    await asyncio.gather(*readers)


async def test_a_replica_that_was_promoted_or_belongs_elsewhere_is_not_read(database: Database, pool: Pool) -> None:
    incarnation = (await installation(database.pools[SERVICE])).incarnation
    for odd in (World(database, database.pools[SERVICE], incarnation), World(database, pool, uuid4())):
        assert await odd.state() == "unavailable"
        await odd.write()
        assert await odd.seen() == (False, 1)


async def test_a_replica_that_was_never_there_is_not_waited_for(database: Database) -> None:
    dsn = role_dsn("postgresql://127.0.0.1:1/postgres", SERVICE, SECRET)
    async with asyncio.timeout(PATIENCE):
        pool = await open_pool(dsn, name="nowhere", size=2, patient=False)
        lonely = World(database, pool, uuid4())
        assert await lonely.state() == "unavailable"
        await lonely.write()
        assert await lonely.seen() == (False, 1)
    await pool.close()


async def test_a_query_that_is_wrong_is_asked_once(world: World) -> None:
    asked: list[Queried] = []

    async def wrong(connection: Queried) -> None:
        asked.append(connection)
        await connection.execute("SELECT nonsense")

    with pytest.raises(psycopg.errors.UndefinedColumn):
        await world.reads.ask(world.tenant, wrong)
    assert len(asked) == 1
    assert world.watch.state == "ok"


async def test_what_fails_on_both_is_told(world: World) -> None:
    async def slow(connection: Queried) -> None:
        await connection.execute("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)")

    with pytest.raises(StoreUnavailableError):
        await world.reads.ask(world.tenant, slow)


async def test_while_the_primary_is_away_the_replica_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """N-R3: a replica whose primary does not answer is as near as it was."""
    gone = await open_pool("postgresql://127.0.0.1:1/postgres", name="gone", size=1, patient=False)
    await world.write()
    await until(lambda: _is(world, (True, 1)))
    monkeypatch.setattr(world.watch, "_primary", gone)
    world.clock.now += 3600
    assert await world.state() == "ok"
    assert await world.seen() == (True, 1)
    await gone.close()


async def _is(world: World, expected: tuple[bool, int], at_least: Level | None = None) -> bool:
    return await world.seen(at_least) == expected
