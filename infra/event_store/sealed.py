"""Appends as they are stored: events and metadata as JSON in which what is personal is sealed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

import domain.registry  # noqa: F401  every topic has to be known here
from commands.ports import Append
from domain.event import TOPICS, Metadata, subject_of
from domain.personal import blanks
from domain.upcast import OLD
from infra.keys import sealing
from infra.keys.keyring import Keyring
from infra.keys.sealing import Shape
from infra.keys.wrapping import DataKey, WrappedDataKey, WrappedTenantKey

METADATA = Shape("metadata", blanks(Metadata))
ADDRESS_CLASS = "address"
"""Data class of the address that a request came from."""

_encoder = msgspec.json.Encoder()
_shapes: dict[str, Shape | None] = {}


class SealedAppend(Append, frozen=True, kw_only=True):
    """An append with the JSON of its events in their order, and with the keys that it makes.

    `forgotten` is the keyring's count from before any key was taken.
    """

    data: tuple[bytes, ...]
    sealed_metadata: bytes
    made: tuple[tuple[DataKey, WrappedDataKey], ...] = ()
    tenant_keys: tuple[WrappedTenantKey, ...] = ()
    forgotten: int = 0


def shape_of(topic: str) -> Shape | None:
    """What is personal in the events of a stored topic; None where nothing is."""
    try:
        return _shapes[topic]
    except KeyError:
        kind, old = TOPICS.get(topic), OLD.get(topic)
        personal: Mapping[str, Any] = kind.PERSONAL if kind else old.personal if old else {}
        shape = Shape(topic, personal) if personal else None
        if kind or old:
            _shapes[topic] = shape
        return shape


def place(tenant_id: UUID, stream_id: UUID, version: int) -> bytes:
    """Where an event belongs, as its seals are bound to it."""
    # At once: three numbers, each made bytes by itself, take twice as long, for every event that is read or written.
    return (tenant_id.int << 160 | stream_id.int << 32 | version).to_bytes(36)


def metadata_place(tenant_id: UUID, command_id: UUID) -> bytes:
    """Where metadata belong: to all events of one command."""
    return tenant_id.bytes + command_id.bytes


async def seal(append: Append, keyring: Keyring) -> SealedAppend:
    """Seal what is personal in an append, with keys in hand or new ones.

    Raises:
        UnknownMasterError: the tenant's keys can't be unwrapped.
        StoreUnavailableError: they can't be read.
    """
    keys = _Keys(append, keyring)
    await keys.fetch()
    data = []
    for stream in append.streams:
        for version, event in enumerate(stream.events, start=stream.after + 1):
            plain = _encoder.encode(event)
            shape = shape_of(event.TOPIC)
            if shape:
                members = sealing.members(plain)
                if not members.keys().isdisjoint(shape.blanks):
                    subject = subject_of(event, stream.stream_id)
                    key = keys.at_hand(subject, event.DATA_CLASS)
                    # Of a stream that starts here no key is stored; of whom it is about, there may be.
                    is_new = stream.after == 0 and subject == stream.stream_id
                    key = key or await keys.of(subject, event.DATA_CLASS, is_new=is_new)
                    plain = sealing.seal(shape, members, place(append.tenant_id, stream.stream_id, version), key)
            data.append(plain)
    return SealedAppend(
        tenant_id=append.tenant_id,
        command_id=append.command_id,
        metadata=append.metadata,
        streams=append.streams,
        occurred_at=append.occurred_at,
        claims=append.claims,
        releases=append.releases,
        expects=append.expects,
        key=append.key,
        data=tuple(data),
        sealed_metadata=await _sealed_metadata(append, keys) if data else b"",
        made=tuple(keys.made.values()),
        tenant_keys=tuple(keys.tenant_keys.values()),
        forgotten=keys.forgotten,
    )


async def _sealed_metadata(append: Append, keys: "_Keys") -> bytes:
    plain = _encoder.encode(append.metadata)
    if append.metadata.address is None:
        return plain
    subject = append.metadata.actor.id or append.tenant_id
    key = keys.at_hand(subject, ADDRESS_CLASS) or await keys.of(subject, ADDRESS_CLASS, is_new=False)
    return sealing.seal(METADATA, sealing.members(plain), metadata_place(append.tenant_id, append.command_id), key)


class _Keys:
    """The keys that one append is sealed with; those that it makes are used for all of it."""

    def __init__(self, append: Append, keyring: Keyring) -> None:
        self._append = append
        self._tenant_id = append.tenant_id
        self._year = append.occurred_at.year
        self._keyring = keyring
        self.forgotten = keyring.forgotten
        self.made: dict[tuple[UUID, str], tuple[DataKey, WrappedDataKey]] = {}
        self.tenant_keys: dict[bytes, WrappedTenantKey] = {}

    async def fetch(self) -> None:
        """Read the keys of several subjects at once, rather than one by one when it is their turn."""
        streams = self._append.streams
        if len(streams) == 1:
            return
        told = ((stream, event) for stream in streams for event in stream.events if event.PERSONAL)
        about = {(subject_of(event, stream.stream_id), stream.stream_id, stream.after) for stream, event in told}
        # Of a stream that starts here no key is stored; of whom it is about, there may be.
        subjects = {subject for subject, stream_id, after in about if after or subject != stream_id}
        lacking = [subject for subject in subjects if self._keyring.lacks(self._tenant_id, subject)]
        if len(lacking) > 1:
            await self._keyring.load(self._tenant_id, lacking)

    def at_hand(self, subject: UUID, data_class: str) -> DataKey | None:
        """The key of a subject for a class of data, if there is one."""
        key = self._keyring.to_seal(self._tenant_id, subject, data_class, self._year)
        if key is None and (made := self.made.get((subject, data_class))):
            return made[0]
        return key

    async def of(self, subject: UUID, data_class: str, *, is_new: bool) -> DataKey:
        """The one that is stored, else a new one; of a subject that `is_new` none is stored."""
        if not is_new and self._keyring.lacks(self._tenant_id, subject):
            await self._keyring.load(self._tenant_id, [subject])
            if found := self.at_hand(subject, data_class):
                return found
        key, row, tenant_key = await self._keyring.make(self._tenant_id, subject, data_class, self._year)
        self.made[subject, data_class] = key, row
        if tenant_key:
            self.tenant_keys[tenant_key.id] = tenant_key
        return key
