"""JetStream: one stream per partition, pipelined publishing, durable pull consumers."""

import asyncio
import itertools
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
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

from infra.broker.connection import NatsConnection
from infra.broker.envelope import Message
from infra.cancellation import heed_cancellation

_log = structlog.get_logger()

_ACK_SECONDS = 5.0
_MAX_BYTES = 256 * 1024 * 1024
_DUPLICATE_WINDOW_SECONDS = 120.0
_MOST_HEADERS = 256
_SUBJECT = re.compile(r"(?!.*(?:^|\.)[*>]?(?:\.|$))[!-~]+")
"""Visible letters, in parts between dots of which none is empty or a wildcard."""


class PublishError(Exception):
    """Not every message of a batch was acknowledged: publish the batch again, ids make that harmless."""


def stream_name(incarnation: UUID, partition: int) -> str:
    """The stream of a partition; another incarnation of the log never meets it."""
    return f"EVT-{incarnation.hex[:12]}-{partition}"


async def ensure_streams(client: Client, incarnation: UUID, partitions: int, former: Collection[UUID] = ()) -> None:
    """Make the streams that are missing; those of former incarnations go, for no two streams share subjects.

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
            for name in (stream_name(other, partition) for other in former):
                with suppress(NotFoundError):
                    await jetstream.delete_stream(name)
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

    def __init__(
        self, connection: NatsConnection, incarnation: UUID, partitions: int, former: Collection[UUID] = ()
    ) -> None:
        self._connection = connection
        self._incarnation = incarnation
        self._partitions = partitions
        self._former = former
        self._batches = itertools.count()
        self._inbox: str | None = None
        self._client: Client | None = None
        self._waiting: dict[str, _Waiting] = {}
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
                await ensure_streams(client, self._incarnation, self._partitions, self._former)
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
        waiting = self._waiting[batch] = _Waiting(set(), asyncio.get_running_loop().create_future())
        try:
            for number, message in enumerate(messages):
                if reason := _refused(client, message):
                    # Who misses its position reads it from the log.
                    _log.warning("event.not_published", id=message.id, reason=reason)
                    continue
                waiting.open.add(str(number))
                reply = f"{self._inbox}.{batch}.{number}"
                headers = {"Nats-Msg-Id": message.id}
                await client.publish(message.subject, message.payload, reply=reply, headers=headers)
                heed_cancellation()
            await waiting.acknowledged()
        finally:
            del self._waiting[batch]

    async def _acknowledged(self, message: Msg) -> None:
        batch, number = message.subject.rsplit(".", 2)[1:]
        if waiting := self._waiting.get(batch):
            ack = _acks.decode(message.data) if message.data else _Ack()
            waiting.acknowledge(number, ack)


def _refused(client: Client, message: Message) -> str | None:
    """Why NATS would never take a message."""
    if len(message.payload) + _MOST_HEADERS > client.max_payload:
        return f"{len(message.payload)} bytes are too many"
    return None if _SUBJECT.fullmatch(message.subject) else "its topic can't be part of a subject"


class _Waiting(msgspec.Struct, eq=False):
    """A batch of which some messages are open, by their numbers."""

    open: set[str]
    done: "asyncio.Future[None]"
    sent: bool = False
    refusal: str | None = None

    async def acknowledged(self) -> None:
        """Wait for the last acknowledgement; for as long as some come, however many there are."""
        self.sent = True
        while self.open or self.refusal is not None:
            before = len(self.open)
            await asyncio.wait({self.done}, timeout=_ACK_SECONDS)
            if self.refusal is None and len(self.open) == before:
                self.refusal = f"{before} messages are not acknowledged"
            if self.refusal is not None:
                raise PublishError(self.refusal)

    def acknowledge(self, number: str, ack: _Ack) -> None:
        """Take the answer to one message."""
        if ack.error or ack.stream is None:
            self.refusal = str(ack.error or "no stream takes this subject")
        self.open.discard(number)
        if not self.done.done() and (self.refusal is not None or (self.sent and not self.open)):
            self.done.set_result(None)
