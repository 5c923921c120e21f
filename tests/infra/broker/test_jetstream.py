"""The publisher on JetStream, beyond what every publisher does."""

import asyncio
import random
from uuid import UUID

import pytest
from nats.aio.client import Client

from infra.broker.connection import NatsConnection
from infra.broker.jetstream import JetStreamPublisher, ensure_streams, stream_name
from tests.infra.broker.streams import PARTITIONS, event_message, stored, tenant_in

pytestmark = pytest.mark.servers


async def test_a_cancelled_publisher_stops_at_any_moment(connection: NatsConnection, incarnation: UUID) -> None:
    """N-R1: a relay that doesn't hear that it should stop would be ended by force, its checkpoint unsaved."""
    chance, tenant = random.Random(1), tenant_in(0)  # noqa: S311  not a secret
    batch = [event_message(tenant, position, incarnation) for position in range(1, 4)]

    async def publish_on() -> None:
        while True:
            await JetStreamPublisher(connection, incarnation, PARTITIONS).publish(batch)

    for _ in range(100):
        task = asyncio.create_task(publish_on())
        await asyncio.sleep(chance.random() * 0.01)
        task.cancel()
        _, pending = await asyncio.wait({task}, timeout=1)
        assert not pending
        assert task.cancelled()


async def test_two_processes_can_make_the_streams_at_once(client: Client, incarnation: UUID) -> None:
    await asyncio.gather(*(ensure_streams(client, incarnation, PARTITIONS) for _ in range(4)))
    names = {str(info.config.name) for info in await client.jetstream().streams_info()}
    assert names == {stream_name(incarnation, partition) for partition in range(PARTITIONS)}


async def test_two_publishers_of_the_same_events_store_them_once(
    connection: NatsConnection, client: Client, incarnation: UUID
) -> None:
    """Fault 4: two relays."""
    tenant = tenant_in(0)
    batch = [event_message(tenant, position, incarnation) for position in range(1, 201)]
    publishers = [JetStreamPublisher(connection, incarnation, PARTITIONS) for _ in range(2)]
    await asyncio.gather(*(publisher.publish(batch) for publisher in publishers))
    kept = [payload for _, payload in await stored(client, incarnation, 0)]
    assert sorted(kept) == sorted(message.payload for message in batch)
