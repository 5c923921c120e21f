"""Whose turn it is among the imports, in Postgres."""

from typing import Any, LiteralString
from uuid import UUID

from commands.imports.ports import Job
from infra.postgres import Pool, TenantConnections, unavailable_as_such

LEASE = "4 seconds"
"""So long after the death of a worker another one goes on."""
KEPT = "7 days"
_GRACE = "10 seconds"
_SWEPT_AT_ONCE = 1000

_QUEUE: LiteralString = "SELECT store.queue_import(%s)"
_TAKE: LiteralString = "SELECT tenant_id, import_id FROM store.take_import(%s, %s::interval)"
_HOLD: LiteralString = "SELECT store.hold_import(%s, %s, %s, %s::interval)"
_LEAVE: LiteralString = "SELECT store.leave_import(%s, %s, %s, %s, %s::interval)"
_SWEEP: LiteralString = "SELECT store.sweep_imports(%s::interval, %s)"


class PostgresQueue:
    """Implements commands.imports.ports.Queue."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def queue(self, tenant_id: UUID, import_id: UUID) -> None:
        """See the port."""
        await self._connections.rows(tenant_id, _QUEUE, (import_id,))


class PostgresJobs:
    """Implements commands.imports.ports.Jobs. The pool is the one that may append: turns are given across tenants.

    Everything raises StoreUnavailableError while Postgres can't be reached.
    """

    def __init__(self, pool: Pool, worker: UUID, *, lease: str = LEASE, kept: str = KEPT) -> None:
        self._pool = pool
        self._worker = worker
        self._lease = lease
        self._kept = kept

    async def take(self) -> Job | None:
        """See the port."""
        rows = await self._ask(_TAKE, (self._worker, self._lease))
        return Job(*rows[0]) if rows else None

    async def hold(self, job: Job) -> bool:
        """See the port."""
        rows = await self._ask(_HOLD, (self._worker, job.tenant_id, job.import_id, self._lease))
        return bool(rows[0][0])

    async def leave(self, job: Job, *, done: bool) -> None:
        """See the port. One that was queued a moment ago stays: what it is queued for may not be in the log yet."""
        await self._ask(_LEAVE, (self._worker, job.tenant_id, job.import_id, done, _GRACE))

    async def sweep(self) -> int:
        """See the port."""
        return int((await self._ask(_SWEEP, (self._kept, _SWEPT_AT_ONCE)))[0][0])

    async def _ask(self, query: LiteralString, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        async with unavailable_as_such(), self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall()
