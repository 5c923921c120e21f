"""Events on the wire: subjects, message ids and the JSON around an event's stored bytes."""

import zlib
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from msgspec import Struct

from infra.event_store.opened import Row


class Envelope(Struct, frozen=True):
    """One event as it travels: data and metadata are the stored bytes, sealed as they are; nobody looks into them."""

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
    """What is published: to which subject, under which id (the broker drops what it has seen), and what."""

    subject: str
    id: str
    payload: bytes


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def partition_of(tenant_id: UUID, partitions: int) -> int:
    """The partition that carries a tenant's events: fixed for the life of an installation."""
    return zlib.crc32(tenant_id.bytes) % partitions


@lru_cache(10_000)
def _beginnings(incarnation: UUID, tenant_id: UUID, partitions: int) -> tuple[str, str]:
    return f"evt.{partition_of(tenant_id, partitions)}.{tenant_id}.", f"{incarnation}:{tenant_id}:"


def message(event: Row, *, incarnation: UUID, partitions: int) -> Message:
    """The message for a row of store.event."""
    tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at = event
    envelope = Envelope(
        tenant_id,
        position,
        stream_id,
        version,
        topic,
        msgspec.Raw(data),
        msgspec.Raw(metadata),
        command_id,
        occurred_at,
        recorded_at,
    )
    subject, identity = _beginnings(incarnation, tenant_id, partitions)
    return Message(subject + topic, f"{identity}{position}", _encoder.encode(envelope))


def tenant_in(subject: str) -> str:
    """The id of the tenant whose event has a subject."""
    return subject.split(".", 3)[2]


def row(payload: bytes) -> Row:
    """The row of store.event in a message.

    Raises:
        msgspec.DecodeError: it is none of ours.
    """
    e = _decoder.decode(payload)
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
