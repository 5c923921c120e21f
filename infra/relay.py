"""Carries committed events from Postgres to the broker, each tenant's in order.

It makes things fast, not right: whatever it loses or sends twice, projectors read the log themselves.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, LiteralString, Protocol
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from infra.broker.envelope import Message, message
from infra.broker.jetstream import PublishError
from infra.postgres import Pool

_log = structlog.get_logger()

_TENANTS = 200
_EVENTS = 500
_POLL_SECONDS = 1.0
_SAVE_SECONDS = 1.0
_LEASE_SECONDS = 3.0
_SWEEP_SECONDS = 60.0
_SWEPT_AT_ONCE = 1000

_BEHIND: LiteralString = "SELECT tenant_id, published FROM store.relay_behind(%s)"
_READ: LiteralString = "SELECT * FROM store.relay_read(%s, %s, %s)"
_SAVE: LiteralString = """
INSERT INTO ops.relay_checkpoint SELECT * FROM unnest(%s::uuid[], %s::bigint[])
ON CONFLICT (tenant_id) DO UPDATE SET position = greatest(relay_checkpoint.position, excluded.position)
"""
_LEASE: LiteralString = """
INSERT INTO ops.lease VALUES ('relay', %s, clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
 WHERE lease.holder = excluded.holder OR lease.expires_at < clock_timestamp()
RETURNING holder
"""
_RELEASE: LiteralString = "UPDATE ops.lease SET expires_at = clock_timestamp() WHERE name = 'relay' AND holder = %s"
_PURGE: LiteralString = "SELECT store.purge_expired_commands(%s)"


class Publisher(Protocol):
    """Where events are published to."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order; returns when all are stored.

        Raises:
            PublishError: not all are known to be stored; publishing them again is harmless.
        """
        ...


class Relay:
    """Publishes what each tenant's log has beyond what was published.

    The lease only saves the work of a second relay; two at once make duplicates, which positions drop.
    """

    def __init__(self, pool: Pool, publisher: Publisher, *, incarnation: UUID, partitions: int) -> None:
        self._pool = pool
        self._publisher = publisher
        self._incarnation = incarnation
        self._partitions = partitions
        self._holder = uuid4()
        self._published: dict[UUID, int] = {}
        self._unsaved: set[UUID] = set()
        self._dirty: dict[UUID, None] = {}
        self._wake = asyncio.Event()
        self._leads = False

    def poke(self, tenant_id: UUID, position: int) -> None:
        """A tenant's log has grown to a position."""
        if position > self._published.get(tenant_id, -1):
            self._dirty[tenant_id] = None
            self._wake.set()

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_lease())
                tasks.create_task(self._poll())
                tasks.create_task(self._save())
                tasks.create_task(self._sweep())
                tasks.create_task(self._relay())
        finally:
            with suppress(psycopg.Error, PoolTimeout):
                await self._save_positions()
                await self._execute(_RELEASE, (self._holder,))

    async def _relay(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty and self._leads:
                tenants = list(self._dirty)[:_TENANTS]
                for tenant_id in tenants:
                    del self._dirty[tenant_id]
                try:
                    await self._publish(tenants)
                except (PublishError, psycopg.Error, PoolTimeout) as error:
                    _log.warning("relay.failed", error=repr(error))
                    await asyncio.sleep(0.2)  # the poll finds these tenants again

    async def _publish(self, tenants: Sequence[UUID]) -> None:
        known = [tenant_id for tenant_id in tenants if tenant_id in self._published]
        rows = await self._execute(_READ, (known, [self._published[tenant_id] for tenant_id in known], _EVENTS))
        unknown = [tenant_id for tenant_id in tenants if tenant_id not in self._published]
        if unknown:
            # The poll knows from where they have to go on.
            await self._look()
        if not rows:
            return
        await self._publisher.publish(
            [message(row, incarnation=self._incarnation, partitions=self._partitions) for row in rows]
        )
        counts: dict[UUID, int] = {}
        for row in rows:
            self._published[row[0]] = max(row[1], self._published.get(row[0], 0))
            self._unsaved.add(row[0])
            counts[row[0]] = counts.get(row[0], 0) + 1
        for tenant_id, count in counts.items():
            if count >= _EVENTS:
                self._dirty[tenant_id] = None

    async def _poll(self) -> None:
        """The safety net under the pokes."""
        while True:
            with suppress(psycopg.Error, PoolTimeout):
                if self._leads:
                    await self._look()
            await asyncio.sleep(_POLL_SECONDS)

    async def _look(self) -> None:
        for tenant_id, published in await self._execute(_BEHIND, (10_000,)):
            self._published[tenant_id] = max(published, self._published.get(tenant_id, 0))
            self._dirty[tenant_id] = None
        if self._dirty:
            self._wake.set()

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            with suppress(psycopg.Error, PoolTimeout):
                await self._save_positions()

    async def _sweep(self) -> None:
        """Idempotency keys that nobody can use any more."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            with suppress(psycopg.Error, PoolTimeout):
                while self._leads and await self._execute(_PURGE, (_SWEPT_AT_ONCE,)) == [(_SWEPT_AT_ONCE,)]:
                    pass

    async def _save_positions(self) -> None:
        tenants = sorted(self._unsaved)
        if tenants:
            await self._execute(_SAVE, (tenants, [self._published[tenant_id] for tenant_id in tenants]))
            self._unsaved.difference_update(tenants)

    async def _keep_lease(self) -> None:
        while True:
            try:
                leads = bool(await self._execute(_LEASE, (self._holder, _LEASE_SECONDS)))
            except (psycopg.Error, PoolTimeout):
                leads = False
            if leads and not self._leads:
                self._published.clear()
                self._leads = True
                with suppress(psycopg.Error, PoolTimeout):
                    await self._look()
            self._leads = leads
            await asyncio.sleep(_LEASE_SECONDS / 3)

    async def _execute(self, query: LiteralString, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters, binary=True)
            return await cursor.fetchall() if cursor.description else []
