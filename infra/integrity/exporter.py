"""Signs checkpoints of every tenant's chain on a schedule, and exports them.

Before anything is signed, the chain is computed again from the last checkpoint on: what was altered since is not
signed, but told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from msgspec import Struct
from psycopg_pool import PoolTimeout

from commands.ports import StoreUnavailableError, UnreadableEventError
from domain.errors import kind_of
from infra.integrity import chain
from infra.integrity.archive import Archive, UntrustedRecordError
from infra.integrity.keys import SigningKey
from infra.integrity.merkle import Tree
from infra.integrity.records import Checkpoint, sign, to_lines
from infra.postgres import Pool, TenantConnections

MOST_EVENTS = 65_536
"""Events of a checkpoint, at most: so many hashes it takes to prove that one of them is in it."""

LOCK = 0x7261_7070_6368
"""Of the session that adds to the archive."""

_PAGE = 200
_KEPT_AT_ONCE = 500

_INCARNATION: LiteralString = "SELECT incarnation FROM ops.installation"
_TENANTS: LiteralString = "SELECT tenant_id, head FROM store.tenants()"
_HASH: LiteralString = "SELECT hash FROM store.event WHERE tenant_id = %s AND position = %s"
_EVENTS: LiteralString = f"""SELECT {chain.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND position > %s AND position <= %s ORDER BY position LIMIT {_PAGE}"""
_KEEP: LiteralString = "SELECT store.keep_checkpoints(%s, %s, %s)"

_log = structlog.get_logger()


class BrokenChainError(Exception):
    """The log is not what it was; the message says where."""


class Exported(Struct):
    """What a run has done; `refused` says of tenants why nothing of theirs was signed."""

    checkpoints: int = 0
    events: int = 0
    refused: dict[UUID, str] = {}


class Exporter:
    """Signs and exports. Several may run at once: one of them works, the others leave it to that one."""

    def __init__(self, pool: Pool, archive: Archive, key: SigningKey, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._connections = TenantConnections(pool)
        self._archive = archive
        self._key = key
        self._clock = clock

    async def run(self, seconds: float) -> None:
        """Export now and every so many seconds, until cancelled."""
        while True:
            try:
                done = await self.export()
                _log.info("checkpoints.exported", checkpoints=done.checkpoints, events=done.events)
            except (psycopg.Error, PoolTimeout, OSError, UntrustedRecordError, StoreUnavailableError) as error:
                _log.error("checkpoints.failed", error=kind_of(error))
            await asyncio.sleep(seconds)

    async def export(self, tenants: Collection[UUID] | None = None) -> Exported:
        """Sign what the tenants' logs (by default all) have beyond their last checkpoints.

        A tenant in trouble doesn't stop the others.

        Raises:
            UntrustedRecordError: the archive is not this installation's.
            psycopg.Error, OSError: the database or the exports can't be reached.
        """
        done = Exported(refused={})
        async with self._alone() as (mine, incarnation, heads):
            if not mine:
                return done
            await asyncio.to_thread(self._archive.publish_key)
            latest = await asyncio.to_thread(self._archive.latest)
            made: list[Checkpoint] = []
            for tenant_id, head in heads:
                if tenants is None or tenant_id in tenants:
                    made += await self._guarded(tenant_id, incarnation, latest.get(tenant_id), head, done)
                if len(made) >= _KEPT_AT_ONCE:
                    await self._keep(made)
                    made = []
            await self._keep(made)
        return done

    async def _guarded(
        self, tenant_id: UUID, incarnation: UUID, last: Checkpoint | None, head: int, done: Exported
    ) -> list[Checkpoint]:
        try:
            made = [sign(each, self._key) async for each in self._new(tenant_id, incarnation, last, head)]
        except (BrokenChainError, UnreadableEventError, StoreUnavailableError) as error:
            # What Postgres says may quote rows; what is wrong with a chain is said in words of ours.
            done.refused[tenant_id] = kind_of(error) if isinstance(error, StoreUnavailableError) else str(error)
            _log.error("checkpoint.refused", tenant_id=str(tenant_id), reason=done.refused[tenant_id])
            return []
        done.checkpoints += len(made)
        done.events += sum(each.last - each.first + 1 for each in made)
        return made

    async def _new(
        self, tenant_id: UUID, incarnation: UUID, last: Checkpoint | None, head: int
    ) -> AsyncIterator[Checkpoint]:
        """Checkpoints from the last one to the head, unsigned."""
        position = last.last if last else 0
        link = bytes.fromhex(last.chain) if last else chain.GENESIS
        if last:
            await self._must_still_be_there(last)
        while position < head:
            tree, first = Tree(), position + 1
            until = min(head, position + MOST_EVENTS)
            while position < until:
                rows = await self._connections.rows(tenant_id, _EVENTS, (tenant_id, position, until))
                for position, link in _linked(rows, position, link):  # noqa: B007, B020  where it got
                    tree.add(link)
            yield Checkpoint(
                incarnation=incarnation, tenant=tenant_id, first=first, last=position,
                chain=link.hex(), root=tree.root().hex(), time=self._clock(), kid=self._key.public.kid,
            )  # fmt: skip

    async def _must_still_be_there(self, last: Checkpoint) -> None:
        rows = await self._connections.rows(last.tenant, _HASH, (last.tenant, last.last))
        if not rows or rows[0][0].hex() != last.chain:
            raise BrokenChainError(f"position {last.last} is not what the last checkpoint says")

    async def _keep(self, made: Sequence[Checkpoint]) -> None:
        """Outside first: a crash in between only means that they are signed once more."""
        if not made:
            return
        await asyncio.to_thread(self._archive.add, made, self._clock())
        for tenant_id, group in groupby(made, key=lambda each: each.tenant):
            mine = list(group)
            values = ([c.first for c in mine], [c.last for c in mine], [to_lines([c]).decode() for c in mine])
            await self._connections.rows(tenant_id, _KEEP, values)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[tuple[bool, UUID, list[tuple[UUID, int]]]]:
        """Whether no other exporter is at work, the incarnation, and every tenant's head."""
        async with self._pool.connection() as connection:

            async def ask(query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
                return await (await connection.execute(query, parameters)).fetchall()

            mine = bool((await ask("SELECT pg_try_advisory_lock(%s)", LOCK))[0][0])
            try:
                yield mine, (await ask(_INCARNATION))[0][0], [(row[0], row[1]) for row in await ask(_TENANTS)]
            finally:
                if mine and not connection.closed:
                    await connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def _linked(rows: Sequence[Sequence[Any]], position: int, link: bytes) -> Iterator[tuple[int, bytes]]:
    """Positions and hashes of the rows that continue a chain.

    Raises:
        BrokenChainError: they don't.
    """
    if not rows:
        raise BrokenChainError(f"position {position + 1} is missing")
    for row in rows:
        event, kept = chain.stored(row)
        if event.position != position + 1:
            raise BrokenChainError(f"position {position + 1} is missing")
        position, link = event.position, chain.link(link, chain.fields(event))
        if link != kept:
            raise BrokenChainError(f"position {position} has another hash than its content")
        yield position, link
