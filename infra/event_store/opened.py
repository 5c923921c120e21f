"""Rows of store.event as events: what is sealed in them is opened with the keys that there are."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from domain.event import SUBJECT, Actor, Event, Metadata, Recorded, decode
from infra.event_store.sealed import METADATA, metadata_place, place, shape_of
from infra.keys import sealing
from infra.keys.keyring import Keyring, UnknownKeyError

Row = Sequence[Any]
"""tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at."""

Find = Callable[[UUID, UUID, bytes], AESGCM | None]
"""A key by tenant, subject and id; None when it was destroyed. Raises UnknownKeyError."""

_SEALED_ADDRESS = b'"address":{'
_NAMED_SUBJECT = f'"{SUBJECT}":'.encode()


class _Acted(Struct):
    actor: Actor


class _About(Struct):
    subject_id: UUID | None = None


_metadata = msgspec.json.Decoder(Metadata)
_acted = msgspec.json.Decoder(_Acted)
_about = msgspec.json.Decoder(_About)


async def recorded(rows: Sequence[Row], keyring: Keyring) -> list[Recorded[Event]]:
    """The events in rows. Keys of streams that are not in hand are read first, in one query for a tenant.

    Raises:
        UnknownTopicError: this code does not know a topic.
        msgspec.ValidationError: data are not of their topic's type.
        UnknownKeyError: something is sealed with a key that was never stored.
        BrokenSealError: something sealed was changed or moved.
        StoreUnavailableError: Postgres can't be reached.
    """
    missing: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        if shape_of(row[4]) and keyring.lacks(row[0], subject := _subject(row[2], row[5])):
            missing[row[0]].add(subject)
    for tenant_id, subjects in missing.items():
        await keyring.load(tenant_id, subjects)
    found = []
    for row in rows:
        try:
            found.append(opened(row, keyring.find))
        except UnknownKeyError as unknown:
            found.append(await _with_more_keys(row, keyring, unknown))
    return found


async def _with_more_keys(row: Row, keyring: Keyring, unknown: UnknownKeyError) -> Recorded[Event]:
    """Another process has made a key since the subject's were read, or it is the key of who acted."""
    asked: set[UUID] = set()
    while unknown.subject not in asked:
        asked.add(unknown.subject)
        await keyring.load(unknown.tenant_id, [unknown.subject])
        try:
            return opened(row, keyring.find)
        except UnknownKeyError as another:
            unknown = another
    raise unknown


def opened(row: Row, find: Find) -> Recorded[Event]:
    """The event in a row.

    Raises:
        UnknownTopicError, msgspec.ValidationError, UnknownKeyError, BrokenSealError: see `recorded`.
    """
    tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at = row
    erased = False
    if shape := shape_of(topic):
        where = place(tenant_id, stream_id, version)
        data, erased = sealing.unseal(shape, data, where, partial(find, tenant_id, _subject(stream_id, data)))
    if _SEALED_ADDRESS in metadata:
        subject = _acted.decode(metadata).actor.id or tenant_id
        where = metadata_place(tenant_id, command_id)
        metadata, _ = sealing.unseal(METADATA, metadata, where, partial(find, tenant_id, subject))
    return Recorded(
        tenant_id=tenant_id,
        position=position,
        stream_id=stream_id,
        version=version,
        event=decode(topic, data),
        metadata=_metadata.decode(metadata),
        command_id=command_id,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        erased=erased,
    )


def _subject(stream_id: UUID, data: bytes) -> UUID:
    """As domain.event.subject_of, of an event that is not opened yet."""
    named = _about.decode(data).subject_id if _NAMED_SUBJECT in data else None
    return named or stream_id
