"""Keys under keys: how a data key is wrapped by its tenant's key, and that one by the master key."""

import os
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from infra.keys.master import Master

ID_BYTES = 9
"""Of a key's id: 12 characters in base64."""

_KEY = 32
_NONCE = 12
_READY = 256
"""So many keys are ready for use; one takes 2.4 kB, and a microsecond to make from its bytes."""


class WrappingError(ValueError):
    """A wrapped key is not what was stored for its place."""


class WrappedTenantKey(Struct, frozen=True, gc=False):
    """A row of store.tenant_key."""

    id: bytes
    master: str
    wrapped: bytes


class TenantKey(Struct, frozen=True, gc=False):
    """A key that wraps. `unstored`: its row, until an append has stored it."""

    id: bytes
    box: AESGCM
    unstored: WrappedTenantKey | None = None


class WrappedDataKey(Struct, frozen=True, gc=False):
    """A row of store.data_key: whose it is, for which data of which year. `wrapped` is None once destroyed."""

    subject: UUID
    data_class: str
    year: int
    id: bytes
    tenant_key: bytes
    wrapped: bytes | None


class DataKey(Struct, frozen=True, gc=False):
    """A key that seals. Ten thousand are in hand at a time: what is kept of each is its bytes."""

    id: bytes
    key: bytes

    @property
    def box(self) -> AESGCM:
        """What encrypts with it."""
        return ready(self.key)

    def __repr__(self) -> str:
        return f"DataKey({self.id.hex()})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id)]


@lru_cache(maxsize=_READY)
def ready(key: bytes) -> AESGCM:
    """A key that is ready for use; `ready.cache_clear()` lets go of all."""
    return AESGCM(key)


def new_tenant_key(master: Master, tenant_id: UUID) -> TenantKey:
    """A fresh one, to be stored by the first append that uses it."""
    key, key_id = os.urandom(_KEY), os.urandom(ID_BYTES)
    name, wrapped = master.wrap(key, tenant_label(tenant_id, key_id))
    return TenantKey(key_id, AESGCM(key), WrappedTenantKey(key_id, name, wrapped))


def unwrap_tenant_key(master: Master, tenant_id: UUID, row: WrappedTenantKey) -> TenantKey:
    """The key of a row. Raises UnknownMasterError."""
    return TenantKey(row.id, AESGCM(master.unwrap(row.master, row.wrapped, tenant_label(tenant_id, row.id))))


def new_data_key(
    tenant_key: TenantKey, tenant_id: UUID, subject: UUID, data_class: str, year: int
) -> tuple[DataKey, WrappedDataKey]:
    """A fresh one, and its row."""
    random = os.urandom(_KEY + ID_BYTES + _NONCE)
    key, key_id, nonce = random[:_KEY], random[_KEY:-_NONCE], random[-_NONCE:]
    sealed = tenant_key.box.encrypt(nonce, key, _data_label(tenant_id, subject, key_id, year, data_class))
    row = WrappedDataKey(subject, data_class, year, key_id, tenant_key.id, nonce + sealed)
    return DataKey(key_id, key), row


def unwrap_data_key(tenant_key: TenantKey, tenant_id: UUID, row: WrappedDataKey) -> DataKey | None:
    """The key of a row; None when it was destroyed.

    Raises:
        WrappingError: the row was changed, or belongs elsewhere.
    """
    if row.wrapped is None:
        return None
    label = _data_label(tenant_id, row.subject, row.id, row.year, row.data_class)
    try:
        return DataKey(row.id, tenant_key.box.decrypt(row.wrapped[:_NONCE], row.wrapped[_NONCE:], label))
    except InvalidTag:
        raise WrappingError(f"data key {row.id.hex()} of subject {row.subject} was changed") from None


def tenant_label(tenant_id: UUID, key_id: bytes) -> bytes:
    """What binds a wrapped tenant key to its row."""
    return b"rapport/tenant-key\0" + tenant_id.bytes + key_id


def _data_label(tenant_id: UUID, subject: UUID, key_id: bytes, year: int, data_class: str) -> bytes:
    place = tenant_id.bytes + subject.bytes + key_id + year.to_bytes(2)
    return b"rapport/data-key\0" + place + data_class.encode()
