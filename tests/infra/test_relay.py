"""From the log to the broker: each tenant's events in order, whoever else relays, whatever was lost (fault 4)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.broker import envelope
from infra.broker.envelope import Message
from infra.broker.jetstream import PublishError
from infra.broker.memory import MemoryPublisher
from infra.postgres import RELAY
from infra.relay import Relay
from tests.conftest import Database
from tests.infra.event_store.appends import append, call, key, one, stream
from tests.waiting import until

pytestmark = pytest.mark.servers

INCARNATION = uuid4()


class World:
    """Relays of one installation, all publishing to the same place."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.publisher = MemoryPublisher()
        self.tenant = uuid4()

    def relay(self) -> Relay:
        return Relay(self.database.pools[RELAY], self.publisher, incarnation=INCARNATION, partitions=4)

    @asynccontextmanager
    async def running(self, relay: Relay | None = None) -> AsyncIterator[Relay]:
        made = relay or self.relay()
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            assert not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def write(self, count: int, tenant: UUID | None = None) -> None:
        await call(self.database.appends, *(one(tenant or self.tenant) for _ in range(count)))

    def published(self, tenant: UUID | None = None) -> list[int]:
        events = [envelope.recorded(message.payload) for message in self.publisher.messages]
        return [event.position for event in events if event.tenant_id == (tenant or self.tenant)]

    async def reached(self, position: int, seconds: float = 3, tenant: UUID | None = None) -> None:
        await until(lambda: position in self.published(tenant), seconds)

    async def checkpoint(self) -> int:
        async with await psycopg.AsyncConnection.connect(self.database.admin_dsn) as connection:
            query = "SELECT position FROM ops.relay_checkpoint WHERE tenant_id = %s"
            row = await (await connection.execute(query, (self.tenant,))).fetchone()
        return row[0] if row else 0


@pytest.fixture
async def world(database: Database) -> World:
    # What other tests have left in the log is none of these tests' business.
    async with await psycopg.AsyncConnection.connect(database.admin_dsn, autocommit=True) as connection:
        await connection.execute(
            """INSERT INTO ops.relay_checkpoint SELECT tenant_id, position FROM store.tenant_head
               ON CONFLICT (tenant_id) DO UPDATE SET position = excluded.position"""
        )
    return World(database)


async def test_what_was_written_before_it_started_is_published_in_order(world: World) -> None:
    await world.write(700)
    await world.write(600)
    async with world.running():
        await world.reached(1300)
    assert world.published() == list(range(1, 1301))


async def test_a_poke_is_followed_at_once(world: World) -> None:
    async with world.running() as relay:
        await world.write(1)
        await world.reached(1)
        for position in range(2, 8):
            await world.write(1)
            relay.poke(world.tenant, position)
            await world.reached(position, seconds=0.5)
    assert world.published() == list(range(1, 8))


async def test_a_poke_about_a_tenant_never_heard_of_is_followed_at_once(world: World) -> None:
    async with world.running() as relay:
        await asyncio.sleep(0.2)
        tenant = uuid4()
        await world.write(3, tenant)
        relay.poke(tenant, 3)
        await world.reached(3, seconds=0.5, tenant=tenant)


async def test_what_no_poke_told_is_found_by_looking(world: World) -> None:
    async with world.running():
        await asyncio.sleep(0.2)
        await world.write(5)
        await world.reached(5, seconds=1.6)
    assert world.published() == [1, 2, 3, 4, 5]


async def test_after_a_restart_it_goes_on_from_its_checkpoint(world: World) -> None:
    await world.write(20)
    async with world.running():
        await world.reached(20)
    assert await world.checkpoint() == 20
    received = world.publisher.received
    await world.write(5)
    async with world.running():
        await world.reached(25)
    assert world.publisher.received == received + 5
    assert world.published() == list(range(1, 26))


async def test_a_killed_relay_costs_a_moment_and_duplicates(world: World) -> None:
    """Fault 1: neither its checkpoint is saved nor its lease given back."""
    await world.write(20)
    killed = world.relay()
    task = asyncio.create_task(killed.run())
    await world.reached(20)
    for name in ("_save_positions", "_execute"):
        setattr(killed, name, _gone)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await world.write(5)
    async with world.running():
        await world.reached(25, seconds=6)
    assert world.published() == list(range(1, 26))


async def test_two_relays_at_once_only_make_duplicates(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 4: the lease is an economy; without it nothing is missing and nothing out of order."""

    async def always(self: Relay) -> None:
        self._leads = True
        await self._look()
        await asyncio.sleep(3600)

    monkeypatch.setattr(Relay, "_keep_lease", always)
    async with world.running() as one_relay, world.running() as other:
        for position in range(10, 210, 10):
            await world.write(10)
            for relay in (one_relay, other):
                relay.poke(world.tenant, position)
            await asyncio.sleep(0.005)
        await world.reached(200)
        await asyncio.sleep(1.2)  # both have saved and looked
    assert world.published() == list(range(1, 201))
    assert world.publisher.received > 200
    assert await world.checkpoint() == 200


async def test_with_the_lease_only_one_publishes(world: World) -> None:
    async with AsyncExitStack() as running:
        relays = [await running.enter_async_context(world.running()) for _ in range(3)]
        await world.write(10)
        for relay in relays:
            relay.poke(world.tenant, 10)
        await world.reached(10)
        await asyncio.sleep(1.2)
        assert sum(relay._leads for relay in relays) == 1
        assert world.publisher.received == 10


async def test_another_takes_over_when_the_leader_stops(world: World) -> None:
    async with AsyncExitStack() as running:
        async with world.running():
            await world.write(1)
            await world.reached(1)
            await running.enter_async_context(world.running())
        await world.write(1)
        await world.reached(2, seconds=4)


async def test_what_the_broker_refuses_is_published_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.write(5)
    refused = 0

    async def refuse(_: Sequence[Message]) -> None:
        nonlocal refused
        refused += 1
        raise PublishError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(world.publisher, "publish", refuse)
        async with world.running():
            await asyncio.sleep(0.3)
            assert refused > 0
            patched.undo()
            await world.reached(5)
    assert await world.checkpoint() == 5


async def test_a_database_that_is_away_for_a_while_does_not_end_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 5."""
    async with world.running() as relay:
        await world.write(1)
        await world.reached(1)
        with monkeypatch.context() as patched:
            patched.setattr(relay, "_execute", _gone)
            relay.poke(world.tenant, 2)
            await asyncio.sleep(1.2)
        await world.write(1)
        await world.reached(2, seconds=4)
    assert world.published() == [1, 2]


async def test_expired_keys_are_swept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.relay._SWEEP_SECONDS", 0.1)
    await call(world.database.appends, append(world.tenant, stream(uuid4()), key=key("k")))
    async with await psycopg.AsyncConnection.connect(world.database.admin_dsn, autocommit=True) as connection:
        expire = "UPDATE store.command SET expires_at = now() - interval '1 s' WHERE tenant_id = %s"
        await connection.execute(expire, (world.tenant,))

        async def swept() -> bool:
            query = "SELECT count(*) FROM store.command WHERE tenant_id = %s"
            return await (await connection.execute(query, (world.tenant,))).fetchone() == (0,)

        async with world.running():
            await until(swept, 3)


async def _gone(*_: Any) -> Any:
    raise psycopg.OperationalError("the server closed the connection")
