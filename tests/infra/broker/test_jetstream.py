"""The publisher on JetStream, beyond what every publisher does."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest
from msgspec import structs
from nats.aio.client import Client

from domain.company import CompanyRegistered
from infra.broker import jetstream
from infra.broker.connection import NatsConnection
from infra.broker.jetstream import JetStreamPublisher, PublishError, ensure_streams, stream_name
from tests.given import registered
from tests.infra.broker.streams import PARTITIONS, event_message, stored, tenant_in
from tests.waiting import PATIENCE

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
        _, pending = await asyncio.wait({task}, timeout=PATIENCE)
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


async def test_streams_of_former_incarnations_make_room(
    connection: NatsConnection, client: Client, incarnation: UUID
) -> None:
    """Fault 5: after a restore, positions that the broker has seen before are none that it may drop."""
    tenant, restored = tenant_in(0), uuid4()
    before = [event_message(tenant, position, incarnation) for position in range(1, 4)]
    await JetStreamPublisher(connection, incarnation, PARTITIONS).publish(before)
    after = [event_message(tenant, position, restored) for position in range(2, 4)]
    await JetStreamPublisher(connection, restored, PARTITIONS, [uuid4(), incarnation]).publish(after)
    assert [payload for _, payload in await stored(client, restored, 0)] == [message.payload for message in after]
    names = {str(info.config.name) for info in await client.jetstream().streams_info()}
    assert names == {stream_name(restored, partition) for partition in range(PARTITIONS)}


async def test_a_stream_of_nobody_known_stays(connection: NatsConnection, client: Client, incarnation: UUID) -> None:
    """Another installation's, perhaps; that it is in the way is told by the publisher's error."""
    await ensure_streams(client, incarnation, PARTITIONS)
    stranger = uuid4()
    message = event_message(tenant_in(0), 1, stranger)
    with pytest.raises(PublishError):
        await JetStreamPublisher(connection, stranger, PARTITIONS, [uuid4()]).publish([message])
    assert len(await client.jetstream().streams_info()) == PARTITIONS


async def test_what_is_too_large_for_the_broker_is_left_out_and_the_rest_goes_on(
    connection: NatsConnection, client: Client, incarnation: UUID
) -> None:
    """Else it would be tried for ever, and everybody's events behind it. Who misses it reads it from the log."""
    tenant = tenant_in(0)
    small = [event_message(tenant, position, incarnation) for position in (1, 3)]
    large = event_message(tenant, 2, incarnation, registered("x" * client.max_payload))
    await JetStreamPublisher(connection, incarnation, PARTITIONS).publish([small[0], large, small[1]])
    assert [payload for _, payload in await stored(client, incarnation, 0)] == [each.payload for each in small]


@pytest.mark.parametrize("topic", ["two words", "a\r\nPUB b", "a..b", "a.*", "a.>.b", "ä", ""])
async def test_a_topic_that_is_no_subject_is_left_out_and_the_rest_goes_on(
    connection: NatsConnection, client: Client, incarnation: UUID, topic: str
) -> None:
    tenant = tenant_in(0)
    good = [event_message(tenant, position, incarnation) for position in (1, 3)]
    bad = structs.replace(good[0], subject=good[0].subject.replace(CompanyRegistered.TOPIC, topic))
    await JetStreamPublisher(connection, incarnation, PARTITIONS).publish([good[0], bad, good[1]])
    assert [payload for _, payload in await stored(client, incarnation, 0)] == [each.payload for each in good]


async def test_a_batch_may_take_long_as_long_as_something_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is on silence, not on how much there is to do."""
    monkeypatch.setattr(jetstream, "_ACK_SECONDS", 0.2)
    numbers = [str(number) for number in range(6)]
    waiting = jetstream._Waiting(set(numbers), asyncio.get_running_loop().create_future())

    async def acknowledge() -> None:
        for number in numbers:
            await asyncio.sleep(0.05)
            waiting.acknowledge(number, jetstream._Ack(stream="EVT", seq=1))

    await asyncio.gather(waiting.acknowledged(), acknowledge())
    assert not waiting.open


async def test_a_batch_that_nothing_is_heard_of_is_not_known_to_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "_ACK_SECONDS", 0.05)
    waiting = jetstream._Waiting({"1", "2"}, asyncio.get_running_loop().create_future())
    waiting.acknowledge("1", jetstream._Ack(stream="EVT", seq=1))
    with pytest.raises(PublishError, match="1 messages"):
        await waiting.acknowledged()
