"""What is in JetStream, looked at past our own code, and events to put there."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import nats
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from commands.ports import UnreadableEventError
from domain.company import CompanyRegistered
from domain.event import SYSTEM, Event, Metadata, Recorded
from infra.broker.connection import NatsConnection
from infra.broker.envelope import Message, messages, partition_of
from infra.broker.jetstream import stream_name
from infra.event_store.opened import Row, opened

PARTITIONS = 2
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def event_message(tenant: UUID, position: int, incarnation: UUID, event: Event | None = None) -> Message:
    """An event of a tenant as the relay publishes it."""
    rows = event_rows(tenant, [position], event)
    (made,) = messages(rows, incarnation=incarnation, partitions=PARTITIONS)
    return made


def event_rows(
    tenant: UUID, positions: Iterable[int], event: Event | None = None, *, command_id: UUID | None = None
) -> list[Row]:
    """Events as they are stored, each of a stream and, if nothing else is said, a command of its own."""
    kind = event or CompanyRegistered(name="Engines")
    metadata = msgspec.json.encode(Metadata(actor=SYSTEM, correlation_id="test"))
    data = msgspec.json.encode(kind)
    return [
        (tenant, position, uuid4(), 1, kind.TOPIC, data, metadata, command_id or uuid4(), NOW, NOW)
        for position in positions
    ]


async def opened_without_keys(rows: Sequence[Row]) -> list[Recorded[Event]]:
    """Rows of events in which nothing is personal."""

    def find(*unknown: Any) -> Any:
        raise LookupError(unknown)

    try:
        return [opened(row, find) for row in rows]
    except (ValueError, LookupError) as error:
        tenant_id, position, *_ = rows[0]
        raise UnreadableEventError(tenant_id, position, type(error).__name__) from error


def tenant_in(partition: int) -> UUID:
    """A tenant of a partition."""
    return next(made for made in iter(uuid4, None) if partition_of(made, PARTITIONS) == partition)


async def raw_client(url: str) -> Client:
    """A client that reconnects as ours does."""
    return await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.2)


async def open_connection(url: str) -> NatsConnection:
    """A connection of ours, connected."""
    connection = NatsConnection(url, "tests")
    await connection.open()
    await connection.connected()
    return connection


async def delete_streams(client: Client) -> int:
    """As an operator would who has mistaken the server; answers how many there were."""
    jetstream = client.jetstream()
    names = [str(info.config.name) for info in await jetstream.streams_info()]
    for name in names:
        with suppress(NotFoundError):
            await jetstream.delete_stream(name)
    return len(names)


async def stored(client: Client, incarnation: UUID, partition: int) -> list[tuple[str, bytes]]:
    """Subjects and payloads of a partition's stream, in order."""
    jetstream, name = client.jetstream(), stream_name(incarnation, partition)
    state: Any = (await jetstream.stream_info(name)).state
    found = [await jetstream.get_msg(name, sequence) for sequence in range(state.first_seq, state.last_seq + 1)]
    return [(str(each.subject), each.data or b"") for each in found]
