"""What is kept of imported files, in Postgres, sealed with a key of the import."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from cryptography.exceptions import InvalidTag

from commands.ports import Clock
from infra.keys.keyring import Keyring, UnknownKeyError
from infra.keys.sealing import BrokenSealError
from infra.keys.wrapping import ID_BYTES, DataKey
from infra.postgres import TenantConnections

_CLASS = "import"
_FORMAT = b"rapport/import/1\0"
_NONCE = 12

_KEEP_KEY: LiteralString = "SELECT store.keep_import_key(%s, %s, %s, %s, %s, %s, %s)"
_PUT: LiteralString = "SELECT store.keep_import_part(%s, %s, %s, %s)"
_GET: LiteralString = """SELECT data FROM store.import_part
    WHERE tenant_id = %s AND import_id = %s AND kind = %s AND n = %s"""
_NUMBERS: LiteralString = """SELECT n FROM store.import_part
    WHERE tenant_id = %s AND import_id = %s AND kind = %s ORDER BY n"""
_DROP: LiteralString = "SELECT store.drop_import(%s)"


class PostgresParts:
    """Implements commands.imports.ports.Parts."""

    def __init__(self, connections: TenantConnections, keyring: Keyring, clock: Clock) -> None:
        self._connections = connections
        self._keyring = keyring
        self._clock = clock

    async def begin(self, tenant_id: UUID, import_id: UUID) -> None:
        """See the port."""
        now: datetime = self._clock()
        forgotten = self._keyring.forgotten
        key, row, tenant_key = await self._keyring.make(tenant_id, import_id, _CLASS, now.year)
        master, wrapped = (tenant_key.master, tenant_key.wrapped) if tenant_key else (None, None)
        values = (import_id, row.id, row.year, row.tenant_key, row.wrapped, master, wrapped)
        await self._connections.rows(tenant_id, _KEEP_KEY, values)
        self._keyring.stored(tenant_id, [(key, row)], forgotten)

    async def put(self, tenant_id: UUID, import_id: UUID, kind: str, number: int, data: bytes) -> None:
        """See the port."""
        key = await self._key(tenant_id, import_id)
        nonce = os.urandom(_NONCE)
        sealed = key.id + nonce + key.box.encrypt(nonce, data, _place(tenant_id, import_id, kind, number))
        await self._connections.rows(tenant_id, _PUT, (import_id, kind, number, sealed))

    async def get(self, tenant_id: UUID, import_id: UUID, kind: str, number: int) -> bytes | None:
        """See the port. Raises BrokenSealError when it was changed or stands elsewhere."""
        rows = await self._connections.rows(tenant_id, _GET, (tenant_id, import_id, kind, number))
        if not rows:
            return None
        sealed = bytes(rows[0][0])
        key_id, nonce = sealed[:ID_BYTES], sealed[ID_BYTES : ID_BYTES + _NONCE]
        if self._keyring.lacks(tenant_id, import_id):
            await self._keyring.load(tenant_id, [import_id])
        box = self._keyring.find(tenant_id, import_id, key_id)
        if box is None:
            return None
        try:
            return box.decrypt(nonce, sealed[ID_BYTES + _NONCE :], _place(tenant_id, import_id, kind, number))
        except InvalidTag:
            raise BrokenSealError(f"part {number} of import {import_id} was changed") from None

    async def numbers(self, tenant_id: UUID, import_id: UUID, kind: str) -> Sequence[int]:
        """See the port."""
        rows = await self._connections.rows(tenant_id, _NUMBERS, (tenant_id, import_id, kind))
        return [int(number) for (number,) in rows]

    async def drop(self, tenant_id: UUID, import_id: UUID) -> None:
        """See the port."""
        await self._connections.rows(tenant_id, _DROP, (import_id,))

    async def _key(self, tenant_id: UUID, import_id: UUID) -> DataKey:
        if self._keyring.lacks(tenant_id, import_id):
            await self._keyring.load(tenant_id, [import_id])
        if key := self._keyring.latest(tenant_id, import_id):
            return key
        raise UnknownKeyError(tenant_id, import_id, b"")


def _place(tenant_id: UUID, import_id: UUID, kind: str, number: int) -> bytes:
    return _FORMAT + tenant_id.bytes + import_id.bytes + kind.encode() + b"\0" + number.to_bytes(4)
