"""Pulls events from JetStream: a durable consumer per partition, each batch acknowledged as soon as it is seen."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from uuid import UUID

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from commands.ports import StoreUnavailableError, UnreadableEventError
from domain.errors import kind_of
from domain.event import Event, Recorded
from infra.broker import envelope
from infra.broker.connection import NatsConnection
from infra.broker.jetstream import ensure_streams, stream_name
from infra.cancellation import ended
from infra.event_store.opened import Row

_log = structlog.get_logger()

_BATCH = 200
"""Messages asked for at a time; one may have several events, 64 kB of them."""
_OPENED_AT_ONCE = 500
_REQUEST_SECONDS = 30
_HEARTBEAT_SECONDS = 5
_SILENCE_SECONDS = 12.0
_ACK_SECONDS = 1.0
_PAUSE_SECONDS = 0.5
_STATUS = "Status"
_HEARTBEAT = "100"
_REQUEST_OVER = frozenset({"404", "408"})
_NANOSECONDS = 1_000_000_000


Open = Callable[[Sequence[Row]], Awaitable[Sequence[Recorded[Event]]]]
"""Opens rows of store.event. Raises UnreadableEventError, StoreUnavailableError."""


class InterruptedPullError(Exception):
    """The pull ended or fell silent: the stream or the consumer may be gone."""


class JetStreamDeliveries:
    """Implements projections.ports.Deliveries.

    The requests for messages are our own: nats-py's fetch waits for a full batch after the first message.
    """

    def __init__(
        self,
        connection: NatsConnection,
        incarnation: UUID,
        partitions: int,
        durable: str,
        open_rows: Open,
        *,
        former: Collection[UUID] = (),
    ) -> None:
        self._connection = connection
        self._incarnation = incarnation
        self._partitions = partitions
        self._durable = durable
        self._open_rows = open_rows
        self._former = former
        self._batches: asyncio.Queue[list[Recorded[Event]]] = asyncio.Queue(maxsize=partitions)
        self._tasks: list[asyncio.Task[None]] = []
        self._paused: set[str] = set()

    async def open(self) -> None:
        """Start pulling; returns at once, also while NATS is away."""
        self._tasks = [asyncio.create_task(self._stay(partition)) for partition in range(self._partitions)]

    async def close(self) -> None:
        """Stop pulling."""
        await ended(self._tasks)

    async def fetch(self, *, most: int, wait: float) -> Sequence[Recorded[Event]]:
        """See the port."""
        try:
            async with asyncio.timeout(wait):
                batch = await self._batches.get()
        except TimeoutError:
            return ()
        while len(batch) < most and not self._batches.empty():
            batch = batch + self._batches.get_nowait()
        return batch

    def pause(self, tenant_id: UUID) -> None:
        """See the port."""
        self._paused.add(str(tenant_id))

    def resume(self, tenant_id: UUID) -> None:
        """See the port."""
        self._paused.discard(str(tenant_id))

    async def _stay(self, partition: int) -> None:
        while True:
            try:
                client = await self._connection.connected()
                await self._pull(client, partition)
            except Exception as error:  # noqa: BLE001  whatever it was, without a pull the partition would be late for ever
                _log.warning("deliveries.interrupted", partition=partition, error=kind_of(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _pull(self, client: Client, partition: int) -> None:
        stream, durable = stream_name(self._incarnation, partition), f"{self._durable}-{partition}"
        await ensure_streams(client, self._incarnation, self._partitions, self._former)
        config = ConsumerConfig(
            durable_name=durable,
            ack_policy=AckPolicy.ALL,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=30,
            max_ack_pending=10 * _BATCH,
        )
        await client.jetstream().add_consumer(stream, config)
        inbox = client.new_inbox()
        arrived: asyncio.Queue[Msg] = asyncio.Queue()
        subscription = await client.subscribe(inbox, cb=arrived.put)
        try:
            await self._receive(client, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}", inbox, arrived)
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()

    async def _receive(self, client: Client, subject: str, inbox: str, arrived: asyncio.Queue[Msg]) -> None:
        request = msgspec.json.encode(
            {
                "batch": _BATCH,
                "expires": _REQUEST_SECONDS * _NANOSECONDS,
                "idle_heartbeat": _HEARTBEAT_SECONDS * _NANOSECONDS,
            }
        )
        open_ = 0
        seen = _Seen()
        while True:
            if open_ <= 0:
                await client.publish(subject, request, reply=inbox)
                open_ = _BATCH
            messages = await _next(arrived, seen)
            events = []
            for message in messages:
                status = (message.headers or {}).get(_STATUS)
                if status in _REQUEST_OVER:
                    open_ = 0
                elif status not in {None, _HEARTBEAT}:
                    raise InterruptedPullError(f"{status} {(message.headers or {}).get('Description', '')}")
                elif status is None:
                    events.append(message)
            if events:
                open_ -= len(events)
                # "Seen", not "applied": what goes wrong from here on is read from Postgres.
                await seen.take(events)
                wanted = [each for each in events if envelope.tenant_in(each.subject) not in self._paused]
                rows = [row for each in wanted for row in _rows(each)]
                for start in range(0, len(rows), _OPENED_AT_ONCE):
                    await self._batches.put(await self._opened(rows[start : start + _OPENED_AT_ONCE]))

    async def _opened(self, rows: Sequence[Row]) -> list[Recorded[Event]]:
        """What can be opened. The rest the projector misses, and reads it from the log, where trouble shows."""
        try:
            return list(await self._open_rows(rows))
        except StoreUnavailableError as error:
            _log.warning("delivery.without_keys", events=len(rows), error=kind_of(error))
            return []
        except UnreadableEventError as error:
            if len(rows) == 1:
                tenant_id, position = str(error.tenant_id), error.position
                _log.error("delivery.unreadable", tenant_id=tenant_id, position=position, error=error.reason)
                return []
        return [item for row in rows for item in await self._opened([row])]


class _Seen:
    """Acknowledges the last of what was seen, for all before it, about once a second.

    Every acknowledgement is a write to the socket, which costs more than applying a row. What is delivered again after
    a crash is dropped by its position.
    """

    def __init__(self) -> None:
        self._last: Msg | None = None
        self._count = 0
        self._since = 0.0

    @property
    def waits(self) -> bool:
        """Whether something is not acknowledged yet."""
        return self._last is not None

    async def take(self, events: Sequence[Msg]) -> None:
        """These were seen."""
        self._since = time.monotonic() if self._last is None else self._since
        self._last = events[-1]
        self._count += len(events)
        if self._count >= _BATCH // 2 or time.monotonic() >= self._since + _ACK_SECONDS:
            await self.acknowledge()

    async def acknowledge(self) -> None:
        """Acknowledge all of it."""
        if self._last:
            await self._last.ack()
        self._last, self._count = None, 0


async def _next(arrived: asyncio.Queue[Msg], seen: _Seen) -> list[Msg]:
    """What has arrived, at least one message."""
    messages: list[Msg] = []
    if seen.waits:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ACK_SECONDS):
                messages.append(await arrived.get())
        if not messages:
            await seen.acknowledge()
    if not messages:
        async with asyncio.timeout(_SILENCE_SECONDS):
            messages.append(await arrived.get())
    while not arrived.empty() and len(messages) < _BATCH:
        messages.append(arrived.get_nowait())
    return messages


def _rows(message: Msg) -> list[Row]:
    try:
        return envelope.rows(message.data)
    except ValueError as error:  # no JSON of ours, not even UTF-8
        _log.error("delivery.unreadable", subject=message.subject, error=kind_of(error))
        return []
