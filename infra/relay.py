"""Carries committed events from Postgres to the broker, each tenant's in order.

It makes things fast, not right: whatever it loses or sends twice, projectors read the log themselves. While a batch is
on its way to the broker, the next is read.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, LiteralString, Protocol
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from domain.errors import kind_of
from infra.broker.envelope import Message, messages
from infra.broker.jetstream import PublishError
from infra.event_store import codec
from infra.event_store.opened import Row
from infra.postgres import Pool
from infra.times import lacks_datetime

_log = structlog.get_logger()

_TENANTS = 100
_EVENTS = 1_000
_BEHIND_AT_ONCE = 10_000
_POLL_SECONDS = 1.0
_SAVE_SECONDS = 1.0
_LEASE_SECONDS = 3.0
_SWEEP_SECONDS = 60.0
_SWEPT_AT_ONCE = 1000
_PAUSE_SECONDS = 0.2
_BUSY_SECONDS = 0.02
_TOGETHER_SECONDS = 0.004
"""When one poke follows another as soon as that, a moment is waited for more: a round trip serves several then, and the
processors have time for those who apply what was published."""

_BEHIND: LiteralString = "SELECT tenant_id, published, head FROM store.relay_behind(%s)"
_READ: LiteralString = f"SELECT {codec.COLUMNS} FROM store.relay_read(%s, %s, %s)"
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
_PURGES: tuple[LiteralString, ...] = (
    "SELECT store.purge_expired_commands(%s)",
    "SELECT store.purge_attempts(%s)",
)


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
        self._read: dict[UUID, int] = {}  # and on its way to being published
        self._unsaved: set[UUID] = set()
        self._dirty: dict[UUID, None] = {}
        self._wake = asyncio.Event()
        self._leads = False

    def poke(self, tenant_id: UUID, position: int) -> None:
        """A tenant's log has grown to a position."""
        if position > self._read.get(tenant_id, -1):
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
        loop, ended = asyncio.get_running_loop(), 0.0
        while True:
            await self._wake.wait()
            if loop.time() - ended < _BUSY_SECONDS:
                await asyncio.sleep(_TOGETHER_SECONDS)
            self._wake.clear()
            try:
                while self._dirty and self._leads:
                    await self._drain()
                ended = loop.time()
            except (PublishError, psycopg.Error, PoolTimeout) as error:
                _log.warning("relay.failed", error=kind_of(error))
                self._read = dict(self._published)
                await asyncio.sleep(_PAUSE_SECONDS)  # the poll finds these tenants again

    async def _drain(self) -> None:
        """Batch after batch until nobody is known to have more; one is read while the one before it is published."""
        rows = await self._next()
        while rows:
            # Both to their end, also when one fails: what is on its way must not overlap with the next try.
            sent, more = await asyncio.gather(self._publish(rows), self._next(), return_exceptions=True)
            if isinstance(sent, BaseException):
                raise sent
            if isinstance(more, BaseException):
                raise more
            rows = more

    async def _next(self) -> Sequence[Row]:
        """Events of some tenants that have more, in order: a share of each, so that none waits for another's many."""
        if not self._leads:
            return []
        tenants = list(islice(self._dirty, _TENANTS))
        for tenant_id in tenants:
            del self._dirty[tenant_id]
        if any(tenant_id not in self._read for tenant_id in tenants):
            await self._look()  # which knows from where they have to go on
        known = [tenant_id for tenant_id in tenants if tenant_id in self._read]
        if not known:
            return []
        share = _EVENTS // len(known)
        rows = await self._execute(_READ, (known, [self._read[tenant_id] for tenant_id in known], share))
        for tenant_id, count in Counter(row[0] for row in rows).items():
            if count == share:
                self._dirty[tenant_id] = None
        for tenant_id, position, *_ in rows:
            self._read[tenant_id] = position
        return rows

    async def _publish(self, rows: Sequence[Row]) -> None:
        able = [row for row in rows if _can_travel(row)]
        await self._publisher.publish(messages(able, incarnation=self._incarnation, partitions=self._partitions))
        for tenant_id, position, *_ in rows:
            self._published[tenant_id] = max(position, self._published.get(tenant_id, 0))
            self._unsaved.add(tenant_id)

    async def _poll(self) -> None:
        """The safety net under the pokes."""
        while True:
            with suppress(psycopg.Error, PoolTimeout):
                if self._leads:
                    await self._look()
            await asyncio.sleep(_POLL_SECONDS)

    async def _look(self) -> None:
        for tenant_id, saved, head in await self._execute(_BEHIND, (_BEHIND_AT_ONCE,)):
            self._published[tenant_id] = max(saved, self._published.get(tenant_id, 0))
            self._read[tenant_id] = max(self._published[tenant_id], self._read.get(tenant_id, 0))
            if head > self._read[tenant_id]:
                self._dirty[tenant_id] = None
        if self._dirty:
            self._wake.set()

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            with suppress(psycopg.Error, PoolTimeout):
                await self._save_positions()

    async def _save_positions(self) -> None:
        unsaved, self._unsaved = self._unsaved, set()
        # Sorted, so that two relays that save at once don't wait for each other in a circle.
        positions = sorted((tenant_id, self._published[tenant_id]) for tenant_id in unsaved & self._published.keys())
        try:
            if positions:
                await self._execute(_SAVE, tuple(map(list, zip(*positions, strict=True))))
        except BaseException:
            self._unsaved |= unsaved
            raise

    async def _sweep(self) -> None:
        """Idempotency keys that nobody can use any more."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            with suppress(psycopg.Error, PoolTimeout):
                for purge in _PURGES:
                    while self._leads and await self._execute(purge, (_SWEPT_AT_ONCE,)) == [(_SWEPT_AT_ONCE,)]:
                        pass

    async def _keep_lease(self) -> None:
        while True:
            try:
                leads = bool(await self._execute(_LEASE, (self._holder, _LEASE_SECONDS)))
            except (psycopg.Error, PoolTimeout):
                leads = False
            if leads and not self._leads:
                for known in (self._published, self._read, self._unsaved):
                    known.clear()
                self._leads = True
                with suppress(psycopg.Error, PoolTimeout):
                    await self._look()
            self._leads = leads
            await asyncio.sleep(_LEASE_SECONDS / 3)

    async def _execute(self, query: LiteralString, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        (rows,) = await self._pool.lines.rows([(query, parameters)])
        return rows


def _can_travel(row: Row) -> bool:
    """Whether there is a message for an event. Who misses its position reads it from the log, where trouble is told."""
    if lacks_datetime(row):
        _log.warning("event.not_published", tenant_id=str(row[0]), position=row[1], reason="a time of it can't be read")
        return False
    return True
