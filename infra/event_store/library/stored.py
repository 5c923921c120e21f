"""Between the library's stored events and rows of the log, whose data are always JSON under a topic."""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from eventsourcing.persistence import DataError, IntegrityError, Notification, StoredEvent
from msgspec import Struct

from domain.event import FOREIGN, SYSTEM, Actor

_BASE64 = b'{"base64":"'
# A topic is the end of a subject in NATS: dots part it, and no part may be empty or a wildcard.
_TOPIC = re.compile(r"(?!.*(?:^|\.)[*>]?(?:\.|$))[!-~]+")


class _Metadata(Struct, frozen=True, omit_defaults=True):
    """domain.event.Metadata, and the id of an aggregate that is known by text."""

    actor: Actor
    correlation_id: str
    originator_id: str | None = None


_metadata = msgspec.json.Decoder(_Metadata)


def stream_id(tenant_id: UUID, originator_id: UUID | str) -> UUID:
    """The stream of an aggregate. Ours are UUIDs: a text stands for the UUID that it always gives in its tenant."""
    return originator_id if isinstance(originator_id, UUID) else uuid5(tenant_id, originator_id)


def topic(name: str) -> str:
    """The topic in the log: apart from ours, so that no projection of ours stumbles over it.

    Raises:
        DataError: it can't be the end of a subject.
    """
    if not _TOPIC.fullmatch(name):
        raise DataError(f"a topic of visible ASCII letters in non-empty parts between dots is needed, not {name!r}")
    return FOREIGN + name


def data(state: bytes) -> str:
    """JSON stays as it is, and readable in the log; anything else travels as base64 in an object of that member."""
    try:
        msgspec.json.decode(state, type=msgspec.Raw)
        text = state.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = ""
    if text and not state.startswith(_BASE64):
        return text
    return f'{_BASE64.decode()}{b64encode(state).decode()}"}}'


def state(stored: bytes) -> bytes:
    """What `data` was given."""
    return b64decode(stored[len(_BASE64) : -2]) if stored.startswith(_BASE64) else stored


def batch(
    tenant_id: UUID, stored_events: Sequence[StoredEvent], command_id: UUID, occurred_at: datetime
) -> list[dict[str, Any]]:
    """The events for `store.append`. Only the first version of each stream is checked there, so the rest is here.

    Raises:
        IntegrityError: the versions of a stream do not follow each other.
        DataError: a version or a topic that the log can't take.
    """
    versions: dict[UUID, int] = {}
    events = []
    for event in stored_events:
        stream = stream_id(tenant_id, event.originator_id)
        version = event.originator_version
        before = versions.get(stream)
        if version < 0:
            raise DataError(f"versions count from 0 or 1: {version}")
        if before is not None and version != before + 1:
            raise IntegrityError(f"version {version} of {event.originator_id} can't follow {before}")
        versions[stream] = version
        text = None if isinstance(event.originator_id, UUID) else event.originator_id
        events.append(
            {
                "a": 1,
                "stream": stream,
                "version": version,
                "first": before is None,
                "topic": topic(event.topic),
                "data": data(event.state),
                "metadata": msgspec.json.encode(_Metadata(SYSTEM, str(command_id), text)).decode(),
                "occurred_at": occurred_at,
            }
        )
    return events


def stored_event(originator_id: UUID | str, row: Sequence[Any]) -> StoredEvent:
    """From (version, topic, data)."""
    version, name, stored = row
    return StoredEvent(originator_id, version, name.removeprefix(FOREIGN), state(stored))


def notification(row: Sequence[Any]) -> Notification:
    """From (position, stream, version, topic, data, metadata)."""
    position, stream, version, name, stored, metadata = row
    text = _metadata.decode(metadata).originator_id
    return Notification(
        id=position,
        originator_id=stream if text is None else text,
        originator_version=version,
        topic=name.removeprefix(FOREIGN),
        state=state(stored),
    )
