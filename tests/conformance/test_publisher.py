"""What every publisher does: what it acknowledges is there, once, in order (N-R3, fault 6)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from infra.broker.connection import NatsConnection
from infra.broker.envelope import Message
from infra.broker.jetstream import JetStreamPublisher, PublishError
from infra.broker.memory import MemoryPublisher
from infra.embedded.client import Embedded
from infra.relay import Publisher
from tests.infra.broker.streams import (
    PARTITIONS,
    delete_streams,
    event_message,
    open_connection,
    raw_client,
    stored,
    tenant_in,
)
from tests.waiting import PATIENCE

INCARNATION = uuid4()

Stored = list[tuple[str, bytes]]


class World:
    """A publisher, and a look behind it."""

    publisher: Publisher

    async def stored(self, partition: int) -> Stored:
        raise NotImplementedError

    async def lose_everything(self) -> None:
        raise NotImplementedError

    async def disconnected(self) -> Publisher:
        raise NotImplementedError


class MemoryWorld(World):
    def __init__(self) -> None:
        self.publisher = self._memory = MemoryPublisher()

    async def stored(self, partition: int) -> Stored:
        kept = self._memory.messages
        return [(each.subject, each.payload) for each in kept if each.subject.startswith(f"evt.{partition}.")]

    async def lose_everything(self) -> None:
        self._memory.lose_everything()

    async def disconnected(self) -> Publisher:
        self._memory.connected = False
        return self._memory


class JetStreamWorld(World):
    def __init__(self, client: Client, connection: NatsConnection) -> None:
        self._client = client
        self.publisher = JetStreamPublisher(connection, INCARNATION, PARTITIONS)

    async def stored(self, partition: int) -> Stored:
        return await stored(self._client, INCARNATION, partition)

    async def lose_everything(self) -> None:
        assert await delete_streams(self._client) == PARTITIONS

    async def disconnected(self) -> Publisher:
        return JetStreamPublisher(NatsConnection("nats://127.0.0.1:1", "tests"), INCARNATION, PARTITIONS)


@pytest.fixture
def memory_world() -> World:
    return MemoryWorld()


@pytest.fixture
async def jetstream_world(servers: Embedded) -> AsyncIterator[World]:
    url = await asyncio.to_thread(servers.wait, "nats", 60)
    client, connection = await raw_client(url), await open_connection(url)
    await delete_streams(client)
    yield JetStreamWorld(client, connection)
    await delete_streams(client)
    await connection.close()
    await client.close()


@pytest.fixture(params=["memory", pytest.param("jetstream", marks=pytest.mark.servers)])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.getfixturevalue(f"{request.param}_world")
    return made


def some(tenant: UUID, first: int, last: int) -> list[Message]:
    return [event_message(tenant, position, INCARNATION) for position in range(first, last + 1)]


def pairs(messages: Sequence[Message]) -> Stored:
    return [(each.subject, each.payload) for each in messages]


async def test_what_is_acknowledged_is_stored_in_order(world: World) -> None:
    batch = some(tenant_in(0), 1, 500)
    await world.publisher.publish(batch)
    assert await world.stored(0) == pairs(batch)


async def test_each_partition_has_its_tenants_events_in_order(world: World) -> None:
    here, there = some(tenant_in(0), 1, 20), some(tenant_in(1), 1, 20)
    await world.publisher.publish([each for pair in zip(here, there, strict=True) for each in pair])
    assert await world.stored(0) == pairs(here)
    assert await world.stored(1) == pairs(there)


async def test_batch_follows_batch(world: World) -> None:
    tenant = tenant_in(1)
    batches = [some(tenant, n * 10 + 1, n * 10 + 10) for n in range(5)]
    for batch in batches:
        await world.publisher.publish(batch)
    assert await world.stored(1) == [pair for batch in batches for pair in pairs(batch)]


async def test_what_was_published_already_is_dropped(world: World) -> None:
    batch = some(tenant_in(0), 1, 10)
    await world.publisher.publish(batch[:6])
    await world.publisher.publish(batch)
    assert await world.stored(0) == pairs(batch)


async def test_the_same_position_of_two_tenants_is_two_messages(world: World) -> None:
    both = [*some(tenant_in(0), 1, 3), *some(tenant_in(0), 1, 3)]
    await world.publisher.publish(both)
    assert await world.stored(0) == pairs(both)


async def test_two_batches_at_once_are_both_stored(world: World) -> None:
    batches = [some(tenant_in(0), 1, 50) for _ in range(4)]
    await asyncio.gather(*(world.publisher.publish(batch) for batch in batches))
    kept = await world.stored(0)
    assert sorted(kept) == sorted(pair for batch in batches for pair in pairs(batch))
    for batch in batches:
        assert [pair for pair in kept if pair in pairs(batch)] == pairs(batch)


async def test_without_a_connection_it_says_so(world: World) -> None:
    publisher = await world.disconnected()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PublishError):
            await publisher.publish(some(tenant_in(0), 1, 1))


async def test_after_everything_was_lost_publishing_goes_on(world: World) -> None:
    """Fault 6: the streams are deleted under it. A try may fail and say so; what it acknowledges is there."""
    tenant = tenant_in(0)
    await world.publisher.publish(some(tenant, 1, 5))
    await world.lose_everything()
    batch = some(tenant, 6, 10)
    for _ in range(3):
        try:
            await world.publisher.publish(batch)
        except PublishError:
            continue
        break
    assert await world.stored(0) == pairs(batch)
