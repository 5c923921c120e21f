"""The hash chain of a tenant's events, computed as `store.append` does; docs/integrity.md has the bytes."""

import hashlib
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands.ports import UnreadableEventError
from infra.event_store.opened import UnreadableTimeError
from infra.times import lacks_datetime

GENESIS = bytes(32)
"""What comes before a tenant's first event."""

COLUMNS = "tenant_id, position, stream_id, version, topic, occurred_at, recorded_at, data, metadata, command_id, hash"
"""Of store.event, in the order that `stored` takes them: that of the hashed fields."""

FORMAT = b"rapport.event.v1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class StoredEvent(Struct, frozen=True):
    """An event as it is stored: `data` and `metadata` are the bytes of the log, whatever they say."""

    tenant_id: UUID
    position: int
    stream_id: UUID
    version: int
    topic: str
    occurred_at: datetime
    recorded_at: datetime
    data: bytes
    metadata: bytes
    command_id: UUID


def stored(row: Sequence[Any]) -> tuple[StoredEvent, bytes]:
    """The event in a row of COLUMNS, and the hash that is stored with it.

    Raises:
        UnreadableEventError: it has a time that Python has not.
    """
    if lacks_datetime(row):
        raise UnreadableEventError(row[0], row[1], UnreadableTimeError.__name__)
    return StoredEvent(*row[:-1]), row[-1]


def prefixed(*fields: bytes) -> bytes:
    """Each field after its length as four bytes, the most significant one first."""
    return b"".join(part for field in fields for part in (len(field).to_bytes(4, "big"), field))


def microseconds(time: datetime) -> int:
    """Since 1970 in UTC, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def fields(event: StoredEvent) -> bytes:
    """What is hashed of an event beside the format and the previous hash."""
    return prefixed(
        event.tenant_id.bytes,
        struct.pack(">q", event.position),
        event.stream_id.bytes,
        struct.pack(">i", event.version),
        event.topic.encode(),
        struct.pack(">q", microseconds(event.occurred_at)),
        struct.pack(">q", microseconds(event.recorded_at)),
        event.data,
        event.metadata,
        event.command_id.bytes,
    )


_BEGIN = prefixed(FORMAT) + len(GENESIS).to_bytes(4, "big")


def link(previous: bytes, hashed: bytes) -> bytes:
    """The hash of an event; `hashed` are its `fields`, `previous` the hash of the one before."""
    return hashlib.sha256(_BEGIN + previous + hashed).digest()
