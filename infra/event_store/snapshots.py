"""Snapshots in Postgres: sealed with a key of the subject, written behind the back of whoever asks for a state."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import PoolTimeout

from commands.ports import Snapshot
from domain.errors import kind_of
from domain.event import Event, Recorded
from infra.event_store import codec, opened
from infra.keys.keyring import Keyring, UnknownKeyError
from infra.postgres import Pool, TenantConnections

# The snapshot goes before the events as a row without a topic: one statement is one round trip.
_LOAD: LiteralString = f"""
WITH snapshot AS MATERIALIZED (
    SELECT * FROM store.snapshot WHERE tenant_id = %s AND stream_id = %s AND fold = %s AND position <= %s)
SELECT tenant_id, position, stream_id, version, '', sealed, key_id, NULL::uuid, NULL::timestamptz, NULL::timestamptz
  FROM snapshot
 UNION ALL
SELECT {codec.COLUMNS} FROM store.stream_events(%s, coalesce((SELECT version FROM snapshot), 0), %s)
 ORDER BY version
"""
_EVENTS: LiteralString = f"SELECT {codec.COLUMNS} FROM store.stream_events(%s, 0, %s) ORDER BY version"
_KEEP: LiteralString = "SELECT store.keep_snapshots(%s, %s, %s, %s, %s, %s, %s)"

_FORMAT = b"rapport/snapshot/1\0"
_NONCE = 12
_NO_LIMIT = 2**63 - 1
_MOST_WAITING = 1_000

_log = structlog.get_logger()


class PostgresSnapshots:
    """Implements commands.ports.Snapshots. What is to be kept waits for `run`; of too much the oldest is lost."""

    def __init__(self, reads: TenantConnections, appends: Pool, keyring: Keyring) -> None:
        self._reads = reads
        self._appends = appends
        self._keyring = keyring
        self._waiting: dict[tuple[UUID, UUID], tuple[str, Snapshot]] = {}
        self._wake = asyncio.Event()

    async def load(
        self, tenant_id: UUID, stream_id: UUID, fold: str, *, up_to: int | None = None
    ) -> tuple[Snapshot | None, Sequence[Recorded[Event]]]:
        """See the port. One that can't be opened is as if it were not there."""
        limit = _NO_LIMIT if up_to is None else up_to
        parameters = (tenant_id, stream_id, fold, limit, stream_id, limit)
        rows = await self._reads.rows(tenant_id, _LOAD, parameters)
        snapshot = None
        if rows and not rows[0][4]:
            snapshot = await self._opened(fold, rows[0])
            rows = rows[1:] if snapshot else await self._reads.rows(tenant_id, _EVENTS, (stream_id, limit))
        return snapshot, await opened.recorded(rows, self._keyring)

    def keep(self, tenant_id: UUID, stream_id: UUID, fold: str, snapshot: Snapshot) -> None:
        """See the port."""
        self._waiting[tenant_id, stream_id] = (fold, snapshot)
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._wake.set()

    async def run(self) -> None:
        """Write what waits until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("snapshots.not_kept", error=kind_of(error))

    async def flush(self) -> None:
        """Write what waits now.

        Raises:
            psycopg.Error, PoolTimeout: Postgres does not take it; what waited is lost.
        """
        waiting, self._waiting = self._waiting, {}
        rows = [self._sealed(*key, fold, snapshot) for key, (fold, snapshot) in waiting.items()]
        columns = [list(column) for column in zip(*filter(None, rows), strict=True)]
        if columns:
            async with self._appends.connection() as connection:
                await connection.execute(_KEEP, columns)

    def _sealed(self, tenant_id: UUID, stream_id: UUID, fold: str, snapshot: Snapshot) -> tuple[Any, ...] | None:
        """A row; None for what has no key: nothing personal is in it, or the keys are destroyed."""
        key = self._keyring.latest(tenant_id, stream_id)
        if key is None:
            return None
        nonce, place = os.urandom(_NONCE), _place(tenant_id, stream_id, fold, snapshot.version, snapshot.position)
        sealed = nonce + key.box.encrypt(nonce, snapshot.state, place + key.id)
        return tenant_id, stream_id, fold, snapshot.version, snapshot.position, key.id, sealed

    async def _opened(self, fold: str, row: Sequence[Any]) -> Snapshot | None:
        tenant_id, position, stream_id, version, _, sealed, key_id, *_ = row
        place = _place(tenant_id, stream_id, fold, version, position)
        try:
            if box := await self._box(tenant_id, stream_id, key_id):
                return Snapshot(version, position, box.decrypt(sealed[:_NONCE], sealed[_NONCE:], place + key_id))
        except (UnknownKeyError, InvalidTag, ValueError) as error:
            _log.warning("snapshot.not_opened", tenant_id=str(tenant_id), error=type(error).__name__)
        return None

    async def _box(self, tenant_id: UUID, stream_id: UUID, key_id: bytes) -> AESGCM | None:
        try:
            return self._keyring.find(tenant_id, stream_id, key_id)
        except UnknownKeyError:
            await self._keyring.load(tenant_id, [stream_id])
            return self._keyring.find(tenant_id, stream_id, key_id)


def _place(tenant_id: UUID, stream_id: UUID, fold: str, version: int, position: int) -> bytes:
    """What a sealed state is bound to: it opens nowhere else."""
    numbers = version.to_bytes(4, signed=True) + position.to_bytes(8, signed=True)
    return _FORMAT + tenant_id.bytes + stream_id.bytes + numbers + fold.encode() + b"\0"
