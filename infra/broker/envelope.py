"""Events on the wire: subjects, message ids and the JSON around an event's stored bytes.

A message has an event, or a list of those that one command has written under one topic: what a message costs by itself,
at the broker and on both sides of it, is as much as all else that is done for an event of a batch.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from infra.event_store.opened import Row

_MOST_TOGETHER = 50
_MOST_BYTES = 64 * 1024
"""Of data in a message of several events: who takes messages by the hundred has to have room for them."""


class Envelope(Struct, frozen=True):
    """An event as it travels: data and metadata are the stored bytes, sealed as they are; nobody looks into them."""

    tenant_id: UUID
    position: int
    stream_id: UUID
    version: int
    topic: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    command_id: UUID
    occurred_at: datetime
    recorded_at: datetime


class Message(Struct, frozen=True):
    """What is published: to which subject, under which id (the broker drops what it has seen), and what.

    The id of one event ends with its position, that of several with those of the first and the last.
    """

    subject: str
    id: str
    payload: bytes


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope | list[Envelope])


def partition_of(tenant_id: UUID, partitions: int) -> int:
    """The partition that carries a tenant's events: fixed for the life of an installation."""
    return zlib.crc32(tenant_id.bytes) % partitions


@lru_cache(10_000)
def _beginnings(incarnation: UUID, tenant_id: UUID, partitions: int) -> tuple[str, str]:
    return f"evt.{partition_of(tenant_id, partitions)}.{tenant_id}.", f"{incarnation}:{tenant_id}:"


def messages(events: Sequence[Row], *, incarnation: UUID, partitions: int) -> list[Message]:
    """The messages for rows of store.event, which stand in order of tenant and position."""
    return [_message(some, incarnation, partitions) for some in _together(events)]


def _message(events: Sequence[Row], incarnation: UUID, partitions: int) -> Message:
    tenant_id, position, _, _, topic, *_ = events[0]
    subject, identity = _beginnings(incarnation, tenant_id, partitions)
    if len(events) == 1:
        return Message(subject + topic, f"{identity}{position}", _encoder.encode(_envelope(*events[0])))
    payload = _encoder.encode([_envelope(*event) for event in events])
    return Message(subject + topic, f"{identity}{position}-{events[-1][1]}", payload)


def _together(events: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Events that go in a message: of one act and topic, one after the other, and not too large."""
    start = size = 0
    for number, event in enumerate(events):
        size += len(event[5])
        first = events[start]
        # Tenant, topic and command are the same, and no position is left out.
        goes_on = event[0] == first[0] and event[4] == first[4] and event[7] == first[7]
        if (
            not goes_on
            or number - start != event[1] - first[1]
            or number - start == _MOST_TOGETHER
            or size > _MOST_BYTES
        ):
            if number > start:
                yield events[start:number]
            start, size = number, len(event[5])
    if events:
        yield events[start:]


def _envelope(
    tenant_id: UUID,
    position: int,
    stream_id: UUID,
    version: int,
    topic: str,
    data: bytes,
    metadata: bytes,
    *others: Any,
) -> Envelope:
    return Envelope(tenant_id, position, stream_id, version, topic, msgspec.Raw(data), msgspec.Raw(metadata), *others)


def tenant_in(subject: str) -> str:
    """The id of the tenant whose events have a subject."""
    return subject.split(".", 3)[2]


def rows(payload: bytes) -> list[Row]:
    """The rows of store.event in a message.

    Raises:
        msgspec.DecodeError: it is none of ours.
    """
    found = _decoder.decode(payload)
    return [_row(each) for each in (found if isinstance(found, list) else (found,))]


def _row(e: Envelope) -> Row:
    return (
        e.tenant_id,
        e.position,
        e.stream_id,
        e.version,
        e.topic,
        bytes(e.data),
        bytes(e.metadata),
        e.command_id,
        e.occurred_at,
        e.recorded_at,
    )
