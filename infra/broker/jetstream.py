"""JetStream: one stream per partition, pipelined publishing, durable pull consumers."""

import asyncio
import itertools
from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import (
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from infra.broker.connection import NatsConnection, heed_cancellation
from infra.broker.envelope import Message

_log = structlog.get_logger()

_ACK_SECONDS = 5.0
_MAX_BYTES = 256 * 1024 * 1024
_DUPLICATE_WINDOW_SECONDS = 120.0


class PublishError(Exception):
    """Not every message of a batch was acknowledged: publish the batch again, ids make that harmless."""


def stream_name(incarnation: UUID, partition: int) -> str:
    """The stream of a partition; another incarnation of the log never meets it."""
    return f"EVT-{incarnation.hex[:12]}-{partition}"


async def ensure_streams(client: Client, incarnation: UUID, partitions: int) -> None:
    """Make the streams that are missing.

    Raises:
        nats.errors.Error: JetStream can't be reached.
    """
    jetstream = client.jetstream()
    for partition in range(partitions):
        config = StreamConfig(
            name=stream_name(incarnation, partition),
            subjects=[f"evt.{partition}.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_bytes=_MAX_BYTES,
            discard=DiscardPolicy.OLD,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        )
        try:
            await jetstream.stream_info(str(config.name))
        except NotFoundError:
            await jetstream.add_stream(config)


class _Ack(msgspec.Struct):
    stream: str | None = None
    seq: int | None = None
    error: dict[str, object] | None = None


_acks = msgspec.json.Decoder(_Ack)


class JetStreamPublisher:
    """Implements infra.relay.Publisher: a batch goes out at once, and is done when every message is acknowledged.

    It reads the acknowledgements from an inbox of its own: nats-py's publish_async loses those that say "error".
    """

    def __init__(self, connection: NatsConnection, incarnation: UUID, partitions: int) -> None:
        self._connection = connection
        self._incarnation = incarnation
        self._partitions = partitions
        self._batches = itertools.count()
        self._inbox: str | None = None
        self._client: Client | None = None
        self._waiting: dict[str, tuple[set[str], asyncio.Future[None]]] = {}
        self._made_for: Client | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """See the port. Makes streams that are gone, then asks for the batch again.

        Raises:
            PublishError: some message is not known to be stored.
        """
        client = self._connection.client
        if client is None:
            raise PublishError("not connected")
        try:
            if self._made_for is not client:
                await ensure_streams(client, self._incarnation, self._partitions)
                self._made_for = client
            await self._publish(client, messages)
        except PublishError:
            # Whatever it was, the streams may be gone: look before the next try.
            self._made_for = None
            raise
        except (NatsError, JetStreamError, OSError, TimeoutError) as error:
            self._made_for = None
            raise PublishError(repr(error)) from error

    async def _publish(self, client: Client, messages: Sequence[Message]) -> None:
        if self._client is not client:
            self._inbox = client.new_inbox()
            await client.subscribe(f"{self._inbox}.*.*", cb=self._acknowledged)
            self._client = client
        batch = str(next(self._batches))
        open_ = {str(number) for number in range(len(messages))}
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[batch] = (open_, done)
        try:
            for number, message in enumerate(messages):
                reply = f"{self._inbox}.{batch}.{number}"
                headers = {"Nats-Msg-Id": message.id}
                await client.publish(message.subject, message.payload, reply=reply, headers=headers)
                heed_cancellation()
            async with asyncio.timeout(_ACK_SECONDS):
                await done
        finally:
            del self._waiting[batch]

    async def _acknowledged(self, message: Msg) -> None:
        batch, number = message.subject.rsplit(".", 2)[1:]
        if batch not in self._waiting:
            return
        open_, done = self._waiting[batch]
        ack = _acks.decode(message.data) if message.data else _Ack()
        if ack.error or ack.stream is None:
            if not done.done():
                done.set_exception(PublishError(str(ack.error or "no stream takes this subject")))
            return
        open_.discard(number)
        if not open_ and not done.done():
            done.set_result(None)
