"""Events from JetStream: seen once by a durable consumer, whatever becomes of its stream (B5, faults 6 and 7)."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from infra.broker.connection import NatsConnection
from infra.broker.deliveries import JetStreamDeliveries
from infra.broker.envelope import messages
from infra.broker.jetstream import JetStreamPublisher, ensure_streams, stream_name
from tests.infra.broker.streams import (
    PARTITIONS,
    delete_streams,
    event_message,
    event_rows,
    opened_without_keys,
    tenant_in,
)
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers


class Feed:
    """One history: publishes to it, and opens deliveries from it."""

    def __init__(self, connection: NatsConnection, incarnation: UUID) -> None:
        self._connection = connection
        self.incarnation = incarnation
        self.publisher = JetStreamPublisher(connection, incarnation, PARTITIONS)

    async def publish(self, tenant: UUID, first: int, last: int) -> None:
        positions = range(first, last + 1)
        await self.publisher.publish([event_message(tenant, position, self.incarnation) for position in positions])

    async def publish_together(self, tenant: UUID, first: int, last: int) -> None:
        """As events of one command."""
        rows = event_rows(tenant, range(first, last + 1), command_id=uuid4())
        await self.publisher.publish(messages(rows, incarnation=self.incarnation, partitions=PARTITIONS))

    @asynccontextmanager
    async def deliveries(self, durable: str = "projector") -> AsyncIterator[JetStreamDeliveries]:
        made = JetStreamDeliveries(self._connection, self.incarnation, PARTITIONS, durable, opened_without_keys)
        await made.open()
        try:
            yield made
        finally:
            await made.close()


@pytest.fixture
def feed(connection: NatsConnection, incarnation: UUID) -> Feed:
    return Feed(connection, incarnation)


async def gathered(
    deliveries: JetStreamDeliveries, count: int, *, seconds: float = PATIENCE, tenant: UUID | None = None
) -> list[int]:
    """Positions in the order in which they come, until there are so many."""
    found: list[int] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        batch = await deliveries.fetch(most=500, wait=0.1)
        found += [item.position for item in batch if tenant in {None, item.tenant_id}]
    return found


async def test_events_come_in_order_and_whole(feed: Feed) -> None:
    tenant = tenant_in(0)
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 1200)
        assert await gathered(deliveries, 1200) == list(range(1, 1201))


async def test_events_of_a_command_come_in_order_and_whole(feed: Feed) -> None:
    tenant = tenant_in(0)
    async with feed.deliveries() as deliveries:
        await feed.publish_together(tenant, 1, 1200)
        await feed.publish(tenant, 1201, 1210)
        assert await gathered(deliveries, 1210) == list(range(1, 1211))


async def test_nothing_comes_of_a_tenant_that_is_paused(feed: Feed) -> None:
    busy, quiet = tenant_in(0), tenant_in(0)
    async with feed.deliveries() as deliveries:
        deliveries.pause(busy)
        await feed.publish(busy, 1, 10)
        await feed.publish(quiet, 1, 5)
        assert await gathered(deliveries, 5) == list(range(1, 6))
        deliveries.resume(busy)
        await feed.publish(busy, 11, 12)
        assert await gathered(deliveries, 2) == [11, 12]


async def test_an_event_comes_alone_without_waiting_for_others(feed: Feed) -> None:
    tenant = tenant_in(1)
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 1)
        await gathered(deliveries, 1)
        for position in range(2, 12):
            await feed.publish(tenant, position, position)
            async with asyncio.timeout(PATIENCE):
                batch = await deliveries.fetch(most=500, wait=10 * PATIENCE)
            assert [item.position for item in batch] == [position]


async def test_nothing_to_fetch_is_no_error(feed: Feed) -> None:
    async with feed.deliveries() as deliveries:
        started = time.monotonic()
        assert list(await deliveries.fetch(most=10, wait=0.2)) == []
        assert time.monotonic() - started > 0.15


async def test_without_a_broker_fetching_is_only_quiet(incarnation: UUID) -> None:
    connection = NatsConnection("nats://127.0.0.1:1", "tests")
    await connection.open()
    deliveries = JetStreamDeliveries(connection, incarnation, PARTITIONS, "projector", opened_without_keys)
    await deliveries.open()
    assert list(await deliveries.fetch(most=10, wait=0.2)) == []
    await deliveries.close()
    await connection.close()


async def test_closing_is_heard_at_any_moment(feed: Feed) -> None:
    """N-R1: an answer of the broker that comes at the same moment must not swallow it."""
    chance = random.Random(1)  # noqa: S311  not a secret
    for _ in range(60):
        async with asyncio.timeout(PATIENCE):
            async with feed.deliveries():
                await asyncio.sleep(chance.random() * 0.02)


async def test_a_durable_goes_on_where_it_was(feed: Feed) -> None:
    tenant = tenant_in(0)
    await feed.publish(tenant, 1, 10)
    async with feed.deliveries() as deliveries:
        assert await gathered(deliveries, 10) == list(range(1, 11))
        await asyncio.sleep(0.1)  # the acknowledgement is under way
    await feed.publish(tenant, 11, 20)
    async with feed.deliveries() as deliveries:
        assert await gathered(deliveries, 10) == list(range(11, 21))
        assert await gathered(deliveries, 1, seconds=0.3) == []


async def test_another_durable_sees_everything_for_itself(feed: Feed) -> None:
    tenant = tenant_in(0)
    await feed.publish(tenant, 1, 10)
    async with feed.deliveries() as one, feed.deliveries("other") as other:
        assert await gathered(one, 10) == await gathered(other, 10) == list(range(1, 11))


async def test_what_was_taken_and_not_acknowledged_comes_again(feed: Feed, client: Client) -> None:
    """Fault 7: somebody took two events and gave them back; they come after those that were not taken, or before."""
    tenant = tenant_in(0)
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 1)
        await gathered(deliveries, 1)
        await asyncio.sleep(0.1)
    await feed.publish(tenant, 2, 6)
    stream = stream_name(feed.incarnation, 0)
    taker = await client.jetstream().pull_subscribe_bind("projector-0", stream)
    taken = await taker.fetch(2, timeout=2)
    assert len(taken) == 2
    for message in taken:
        await message.nak()
    await taker.unsubscribe()
    async with feed.deliveries() as deliveries:
        assert sorted(await gathered(deliveries, 5)) == [2, 3, 4, 5, 6]


async def test_a_stream_that_is_deleted_and_made_again_is_pulled_from_again(feed: Feed, client: Client) -> None:
    """Fault 6."""
    tenant, neighbour = tenant_in(0), tenant_in(1)
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 5)
        assert await gathered(deliveries, 5) == [1, 2, 3, 4, 5]
        assert await client.jetstream().delete_stream(stream_name(feed.incarnation, 0))
        await ensure_streams(client, feed.incarnation, PARTITIONS)
        await feed.publish(tenant, 6, 10)
        await feed.publish(neighbour, 1, 3)
        assert await gathered(deliveries, 3, tenant=neighbour) == [1, 2, 3]
        assert await gathered(deliveries, 5, tenant=tenant) == [6, 7, 8, 9, 10]


async def test_all_streams_deleted_are_made_again_by_who_pulls(feed: Feed, client: Client) -> None:
    tenant = tenant_in(1)
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 5)
        await gathered(deliveries, 5)
        assert await delete_streams(client) == PARTITIONS
        await until(lambda: _there(client, feed.incarnation))
        await feed.publish(tenant, 6, 10)
        assert await gathered(deliveries, 5) == [6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"{}", b"null", b"\xff\xfe", b'{"topic":"\xff"}', b'{"topic":"no.such.v1"}', b"\0" * 100],
)
async def test_what_cannot_be_read_is_skipped(feed: Feed, client: Client, payload: bytes) -> None:
    """Fault 7: it stops neither its neighbours nor what comes after it."""
    tenant = tenant_in(0)
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 2)
        await client.jetstream().publish(f"evt.0.{tenant}.poison", payload)
        await feed.publish(tenant, 3, 4)
        assert await gathered(deliveries, 4) == [1, 2, 3, 4]
        await feed.publish(tenant, 5, 5)
        assert await gathered(deliveries, 1) == [5]


async def test_an_event_of_newer_code_is_skipped(feed: Feed, client: Client) -> None:
    tenant = tenant_in(0)
    known = event_message(tenant, 2, feed.incarnation)
    newer = known.payload.replace(b"company.registered.v1", b"company.registered.v99")
    async with feed.deliveries() as deliveries:
        await feed.publish(tenant, 1, 1)
        await client.jetstream().publish(known.subject, newer)
        await feed.publish(tenant, 3, 3)
        assert await gathered(deliveries, 2) == [1, 3]


async def _there(client: Client, incarnation: UUID) -> bool:
    names = {str(info.config.name) for info in await client.jetstream().streams_info()}
    return names == {stream_name(incarnation, partition) for partition in range(PARTITIONS)}
