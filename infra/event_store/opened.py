"""Rows of store.event as events: what is sealed in them is opened with the keys that there are."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from commands.ports import UnreadableEventError
from domain.event import SUBJECT, Actor, Event, Metadata, Recorded, decode
from infra.event_store.sealed import METADATA, metadata_place, place, shape_of
from infra.keys import sealing
from infra.keys.keyring import Keyring, UnknownKeyError
from infra.times import NoDatetime

Row = Sequence[Any]
"""tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at."""

Find = Callable[[UUID, UUID, bytes], AESGCM | None]
"""A key by tenant, subject and id; None when it was destroyed. Raises UnknownKeyError."""

_SEALED_ADDRESS = b'"address":{'
_NAMED_SUBJECT = f'"{SUBJECT}":'.encode()


class UnreadableTimeError(ValueError):
    """A time that Python has no datetime for."""


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
        UnreadableEventError: of the first that `opened` can't open; what that raised is its cause.
        StoreUnavailableError: Postgres can't be reached.
    """
    try:
        return await _recorded(rows, keyring)
    except (ValueError, LookupError) as error:
        if len(rows) == 1:
            tenant_id, position, *_ = rows[0]
            raise UnreadableEventError(tenant_id, position, type(error).__name__) from error
    return [item for row in rows for item in await recorded([row], keyring)]


async def _recorded(rows: Sequence[Row], keyring: Keyring) -> list[Recorded[Event]]:
    subjects = [_subject(row[2], row[5]) if shape_of(row[4]) else None for row in rows]
    missing: dict[UUID, set[UUID]] = defaultdict(set)
    last = None
    for row, subject in zip(rows, subjects, strict=True):
        if subject and subject.int != last and keyring.lacks(row[0], subject):
            missing[row[0]].add(subject)
        last = subject.int if subject else None
    await _load(keyring, missing)
    found, unknown = _as_far_as_known(rows, subjects, keyring)
    if unknown:
        # Other processes have made keys since those of their subjects were read: all of these are read at once.
        missing.clear()
        for error in unknown.values():
            missing[error.tenant_id].add(error.subject)
        await _load(keyring, missing)
        for number in unknown:
            found[number] = await _with_more_keys(rows[number], keyring)
    return cast("list[Recorded[Event]]", found)


def _as_far_as_known(
    rows: Sequence[Row], subjects: Sequence[UUID | None], keyring: Keyring
) -> tuple[list[Recorded[Event] | None], dict[int, UnknownKeyError]]:
    """The events in rows, and where they can't be opened with the keys in hand."""
    found: list[Recorded[Event] | None] = []
    unknown: dict[int, UnknownKeyError] = {}
    find = _Latest(keyring.find).find
    acts = _Acts(find)
    for number, (row, subject) in enumerate(zip(rows, subjects, strict=True)):
        try:
            found.append(_opened(row, find, subject, acts.metadata(row)))
        except UnknownKeyError as error:
            found.append(None)
            unknown[number] = error
    return found, unknown


async def _load(keyring: Keyring, subjects: Mapping[UUID, Collection[UUID]]) -> None:
    for tenant_id, of_tenant in subjects.items():
        await keyring.load(tenant_id, of_tenant)


async def _with_more_keys(row: Row, keyring: Keyring) -> Recorded[Event]:
    """It may be the key of whom it is about that is not in hand, or that of who acted."""
    asked: set[UUID] = set()
    while True:
        try:
            return opened(row, keyring.find)
        except UnknownKeyError as unknown:
            if unknown.subject in asked:
                raise
            asked.add(unknown.subject)
            await keyring.load(unknown.tenant_id, [unknown.subject])


def opened(row: Row, find: Find) -> Recorded[Event]:
    """The event in a row.

    Raises:
        UnknownTopicError: this code does not know a topic.
        msgspec.ValidationError: data are not of their topic's type.
        UnknownKeyError: something is sealed with a key that was never stored.
        BrokenSealError: something sealed was changed or moved.
        UnreadableTimeError: it has a time that Python has not.
    """
    subject = _subject(row[2], row[5]) if shape_of(row[4]) else None
    return _opened(row, find, subject, _Acts(find).metadata(row))


def _opened(row: Row, find: Find, subject: UUID | None, metadata: Metadata) -> Recorded[Event]:
    tenant_id, position, stream_id, version, topic, data, _, command_id, occurred_at, recorded_at = row
    if isinstance(occurred_at, NoDatetime) or isinstance(recorded_at, NoDatetime):
        raise UnreadableTimeError
    erased = False
    if subject and (shape := shape_of(topic)):
        data, erased = sealing.unseal(
            shape, data, place(tenant_id, stream_id, version), partial(find, tenant_id, subject)
        )
    return Recorded(
        tenant_id=tenant_id,
        position=position,
        stream_id=stream_id,
        version=version,
        event=decode(topic, data),
        metadata=metadata,
        command_id=command_id,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        erased=erased,
    )


class _Latest:
    """A key is mostly asked for several times in a row: by the members of an event, and by the events of a stream."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._asked: tuple[int, int, bytes] | None = None
        self._found: AESGCM | None = None

    def find(self, tenant_id: UUID, subject: UUID, key_id: bytes) -> AESGCM | None:
        """See Find."""
        asked = tenant_id.int, subject.int, key_id
        if self._asked != asked:
            self._found = self._find(tenant_id, subject, key_id)
            self._asked = asked
        return self._found


class _Acts:
    """The metadata of rows. Events of one act have the same, and stand next to each other: those are opened once."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._last: tuple[bytes, *tuple[int, ...]] | None = None
        self._metadata: Metadata | None = None

    def metadata(self, row: Row) -> Metadata:
        """Those of a row. Raises UnknownKeyError, BrokenSealError."""
        tenant_id, command_id, metadata = row[0], row[7], row[6]
        sealed = _SEALED_ADDRESS in metadata
        # What is sealed opens in its own act alone. Numbers are compared much faster than UUIDs.
        act = (metadata, command_id.int, tenant_id.int) if sealed else (metadata,)
        if self._metadata is None or self._last != act:
            if sealed:
                subject = _acted.decode(metadata).actor.id or tenant_id
                where = metadata_place(tenant_id, command_id)
                metadata, _ = sealing.unseal(METADATA, metadata, where, partial(self._find, tenant_id, subject))
            self._metadata = _metadata.decode(metadata)
            self._last = act
        return self._metadata


def _subject(stream_id: UUID, data: bytes) -> UUID:
    """As domain.event.subject_of, of an event that is not opened yet."""
    named = _about.decode(data).subject_id if _NAMED_SUBJECT in data else None
    return named or stream_id
