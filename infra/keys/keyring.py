"""The keys that a process has in hand: read from Postgres under row level security, unwrapped, soon forgotten."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from sys import intern
from typing import LiteralString
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from infra.keys.cache import Recent
from infra.keys.master import Master
from infra.keys.wrapping import (
    DataKey,
    TenantKey,
    WrappedDataKey,
    WrappedTenantKey,
    WrappingError,
    new_data_key,
    new_tenant_key,
    ready,
    unwrap_data_key,
    unwrap_tenant_key,
)
from infra.postgres import TenantConnections

TTL_SECONDS = 60.0
"""For so long after a subject's keys were destroyed, a process that had read them may still use them."""

_SUBJECTS = 30_000  # one takes about 600 bytes
_TENANTS = 5_000
_TENANT_TTL_SECONDS = 600.0

_DATA_KEYS: LiteralString = """
SELECT subject, data_class, year, id, tenant_key, wrapped FROM store.data_key WHERE tenant_id = %s AND subject = ANY(%s)
"""
_TENANT_KEYS: LiteralString = "SELECT id, master, wrapped FROM store.tenant_key WHERE tenant_id = %s ORDER BY id"


class UnknownKeyError(LookupError):
    """Something is sealed with a key that is not in the store, nor is it known to have been destroyed."""

    def __init__(self, tenant_id: UUID, subject: UUID, key_id: bytes) -> None:
        super().__init__(f"no key {key_id.hex()} of subject {subject} of tenant {tenant_id}")
        self.tenant_id = tenant_id
        self.subject = subject


class _Kept(Struct, frozen=True, gc=False):
    """One of a subject's keys: for which data of which year, and the key itself (None: destroyed)."""

    id: bytes
    data_class: str
    year: int
    key: DataKey | None


class _Wanted(Struct, eq=False):
    """Subjects whose keys several callers of the moment wait for, and the one query that reads them."""

    subjects: set[UUID]
    read: "asyncio.Task[None]"


class Keyring:
    """Finds, makes and forgets keys. Nothing of it is ever written anywhere but wrapped."""

    def __init__(self, reads: TenantConnections, master: Master, *, ttl: float = TTL_SECONDS) -> None:
        self._reads = reads
        self._master = master
        self._subjects: Recent[tuple[int, int], tuple[_Kept, ...]] = Recent(_SUBJECTS, ttl)
        self._tenants: Recent[UUID, dict[bytes, TenantKey]] = Recent(_TENANTS, _TENANT_TTL_SECONDS)
        self._wanted: dict[UUID, _Wanted] = {}
        self.forgotten = 0
        """Goes up with every `forget`: what was read or made before may be of a subject that is no more."""

    def to_seal(self, tenant_id: UUID, subject: UUID, data_class: str, year: int) -> DataKey | None:
        """A key that is stored already, if one is in hand."""
        for kept in reversed(self._subjects.get((tenant_id.int, subject.int)) or ()):
            if kept.key and kept.year == year and kept.data_class == data_class:
                return kept.key
        return None

    async def make(
        self, tenant_id: UUID, subject: UUID, data_class: str, year: int
    ) -> tuple[DataKey, WrappedDataKey, WrappedTenantKey | None]:
        """A new key, its row, and the row of what wraps it where that is new too; stored by the append that uses it.

        Raises:
            UnknownMasterError: the tenant's keys can't be unwrapped.
            StoreUnavailableError: they can't be read.
        """
        tenants = self._tenants.get(tenant_id) or await self._load_tenant(tenant_id)
        wrapping = next(iter(tenants.values()))
        key, row = new_data_key(wrapping, tenant_id, subject, data_class, year)
        return key, row, wrapping.unstored

    def stored(self, tenant_id: UUID, made: Iterable[tuple[DataKey, WrappedDataKey]], forgotten: int) -> None:
        """An append has stored keys that were made when `forgotten` had this value."""
        tenants = self._tenants.get(tenant_id) or {}
        for key, row in made:
            if (wrapping := tenants.get(row.tenant_key)) and wrapping.unstored:
                tenants[row.tenant_key] = TenantKey(wrapping.id, wrapping.box)
            if forgotten == self.forgotten:
                self._add(tenant_id, row.subject, _Kept(key.id, row.data_class, row.year, key))

    def _add(self, tenant_id: UUID, subject: UUID, key: _Kept) -> None:
        """To those in hand, which count from when they were read."""
        place = tenant_id.int, subject.int
        self._subjects.change(place, (*(self._subjects.get(place) or ()), key))

    def find(self, tenant_id: UUID, subject: UUID, key_id: bytes) -> AESGCM | None:
        """A key in hand by its id, None when it was destroyed.

        Raises:
            UnknownKeyError: it is not in hand. `load` may find it.
        """
        for kept in self._subjects.get((tenant_id.int, subject.int)) or ():
            if kept.id == key_id:
                return kept.key.box if kept.key else None
        raise UnknownKeyError(tenant_id, subject, key_id)

    def latest(self, tenant_id: UUID, subject: UUID) -> DataKey | None:
        """The stored key in hand for the latest year, of whatever class; for what is made of several years' data."""
        found = [kept for kept in self._subjects.get((tenant_id.int, subject.int)) or () if kept.key]
        return max(found, key=lambda kept: kept.year).key if found else None

    def lacks(self, tenant_id: UUID, subject: UUID) -> bool:
        """Whether no key of a subject is in hand."""
        return self._subjects.get((tenant_id.int, subject.int)) is None

    async def load(self, tenant_id: UUID, subjects: Collection[UUID]) -> None:
        """Read all keys of some subjects of a tenant, in one query with those that others ask for at the same moment.

        Raises:
            StoreUnavailableError: Postgres can't be reached.
            WrappingError: a row was changed or put elsewhere.
            UnknownMasterError: the tenant's keys can't be unwrapped.
        """
        wanted = self._wanted.get(tenant_id)
        if wanted is None:
            wanted = self._wanted[tenant_id] = _Wanted(set(), asyncio.create_task(self._read_together(tenant_id)))
            wanted.read.add_done_callback(_seen)
        wanted.subjects.update(subjects)
        try:
            await asyncio.shield(wanted.read)  # who is cancelled takes nothing from the others
        except WrappingError:
            if wanted.subjects <= set(subjects):
                raise
            await self._read(tenant_id, subjects)  # it may have been another's

    async def _read_together(self, tenant_id: UUID) -> None:
        await self._read(tenant_id, self._wanted.pop(tenant_id).subjects)

    async def _read(self, tenant_id: UUID, subjects: Collection[UUID]) -> None:
        while True:
            forgotten, read_at = self.forgotten, self._subjects.now()
            rows = await self._reads.rows(tenant_id, _DATA_KEYS, (tenant_id, list(subjects)))
            found = await self._unwrapped(tenant_id, [WrappedDataKey(*row) for row in rows])
            if forgotten == self.forgotten:  # else one of them may have been destroyed since it was read
                break
        for subject in subjects:
            self._subjects.put((tenant_id.int, subject.int), tuple(found.get(subject, ())), read_at)

    def forget(self, tenant_id: UUID, subject: UUID) -> None:
        """Let go of a subject's keys: they were destroyed."""
        self.forgotten += 1
        self._subjects.drop((tenant_id.int, subject.int))
        ready.cache_clear()

    async def _unwrapped(self, tenant_id: UUID, rows: Sequence[WrappedDataKey]) -> dict[UUID, list[_Kept]]:
        found = defaultdict[UUID, list[_Kept]](list)
        tenants = self._tenants.get(tenant_id) or {}
        if any(row.wrapped and row.tenant_key not in tenants for row in rows):
            tenants = await self._load_tenant(tenant_id)
        for row in rows:
            if row.wrapped and row.tenant_key not in tenants:
                raise WrappingError(f"data key {row.id.hex()}: there is no tenant key {row.tenant_key.hex()}")
            key = unwrap_data_key(tenants[row.tenant_key], tenant_id, row) if row.wrapped else None
            found[row.subject].append(_Kept(row.id, intern(row.data_class), row.year, key))
        return found

    async def _load_tenant(self, tenant_id: UUID) -> dict[bytes, TenantKey]:
        """A tenant's wrapping keys, the one to use first; a new one when there is none."""
        rows = await self._reads.rows(tenant_id, _TENANT_KEYS, (tenant_id,))
        found = {
            row[0]: await asyncio.to_thread(unwrap_tenant_key, self._master, tenant_id, WrappedTenantKey(*row))
            for row in rows
        }
        # Another task may have been here meanwhile: all of a process go on with the key that was first.
        if not (found := (self._tenants.get(tenant_id) or {}) | found):
            made = await asyncio.to_thread(new_tenant_key, self._master, tenant_id)
            found = self._tenants.get(tenant_id) or {made.id: made}
        self._tenants.put(tenant_id, found)
        return found


def _seen(read: "asyncio.Task[None]") -> None:
    """An error is its callers'; when they have all gone away, nobody's."""
    if not read.cancelled():
        read.exception()
