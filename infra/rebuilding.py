"""Tables of read models beside those that are read: for rebuilds, which outlive a process, and for comparisons."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from psycopg import sql
from psycopg_pool import PoolTimeout

from domain.errors import DomainError, kind_of
from infra.postgres import Connection, Pool, TenantConnections, unavailable_as_such
from projections import ports
from projections.aside import Gap, RebuildRunsError, Sum, SwapBusyError
from projections.projection import Projection

ASIDE_PATH = "aside,read,public"
"""search_path of the pool that `PostgresAside` takes, unless it is to sweep only."""

_SHORT = 0.7
_INDEXES_SIDE_BY_SIDE = 2
_CLAIM = 0x7261_7071
_MOST_KEYS = 10
_SWEEP_SECONDS = 60.0
"""Longer than any statement of the services may take."""
_log = structlog.get_logger()

_GAPS: LiteralString = "SELECT tenant_id, next, live FROM read.rebuild_gaps(%s)"
_SET_TENANT: LiteralString = "SELECT set_config('app.tenant', %s, true)"
_KEY: LiteralString = """
SELECT array_agg(a.attname ORDER BY array_position(x.indkey, a.attnum))
  FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
 WHERE x.indrelid = %s::regclass AND x.indisprimary
"""


class _Tables(TenantConnections):
    """Implements projections.aside.Tables."""

    async def copy(self, connection: Any, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """See the port."""
        statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
        async with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)


class PostgresAside(_Tables):
    """Implements projections.aside.Aside, over connections that find tables aside first (see ASIDE_PATH).

    What claims, fills or swaps raises DomainError (rebuild.not_aside) on a connection that does not, for its writes
    would go to what is read.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._pool = pool

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """See the port."""
        async with super().of(tenant_id) as connection:
            await _must_be_aside(connection)
            yield connection

    @asynccontextmanager
    async def claimed(self) -> AsyncIterator[None]:
        """See the port. Held by a session, so it goes with the process."""
        async with self._pool.connection() as connection:
            await _must_be_aside(connection)
            found = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (_CLAIM,))).fetchone()
            if not found or not found[0]:
                raise RebuildRunsError
            try:
                yield
            finally:
                await connection.execute("SELECT pg_advisory_unlock(%s)", (_CLAIM,))

    async def begin(self, projection: Projection) -> bool:
        """See the port."""
        query = "SELECT read.rebuild_begin(%s, %s)"
        return bool((await self._execute(query, projection.checkpoint, list(projection.tables)))[0][0])

    async def forget(self, projection: Projection) -> None:
        """See the port."""
        await self._execute("SELECT read.rebuild_forget(%s)", projection.checkpoint)

    async def index(self, projection: Projection) -> None:
        """See the port."""
        query: LiteralString = "SELECT table_name, index_name FROM read.rebuild_indexes(%s)"
        limit = asyncio.Semaphore(_INDEXES_SIDE_BY_SIDE)

        async def make(table: str, name: str) -> None:
            async with limit:
                await self._execute("SELECT read.rebuild_index(%s, %s)", table, name)

        await asyncio.gather(*(make(*row) for row in await self._execute(query, projection.checkpoint)))
        await self._execute("SELECT read.rebuild_fence(%s)", projection.checkpoint)

    async def analyze(self, projection: Projection) -> None:
        """See the port."""
        await self._execute("SELECT read.rebuild_analyze(%s)", projection.checkpoint)

    async def sums(self, connection: Any, table: str, tenant_id: UUID) -> tuple[Sum, Sum]:
        """See the port."""
        live = await _sum(connection, sql.Identifier("read", table), table, tenant_id)
        return live, await _sum(connection, sql.Identifier("aside", table), table, tenant_id)

    async def gaps(self, projection: Projection) -> Sequence[Gap]:
        """See the port."""
        return [Gap(*row) for row in await self._execute(_GAPS, projection.checkpoint)]

    @asynccontextmanager
    async def swapping(self, projection: Projection, *, patience: float) -> AsyncIterator["PostgresSwap"]:
        """See the port."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await _must_be_aside(connection)
                await connection.execute("SET LOCAL synchronous_commit = on")
                await _patience(connection, patience)
                # Projectors lock their checkpoints before they write, so that none is under way from here on.
                await connection.execute("LOCK TABLE read.checkpoint IN EXCLUSIVE MODE")
                yield PostgresSwap(connection, projection)
                for table in projection.tables:
                    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier("read", table))
                    await connection.execute(lock)
                    # With one table in hand, give up on the next before Postgres looks for deadlocks (after 1 s): it
                    # would be somebody's read that is sacrificed.
                    await _patience(connection, min(patience, _SHORT))
                await connection.execute("SELECT read.rebuild_swap(%s)", (projection.checkpoint,))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            raise SwapBusyError from error

    async def sweep(self, seconds: float) -> int:
        """Drop tables that were replaced that long ago; returns of how many projections."""
        return int((await self._execute("SELECT read.rebuild_sweep(make_interval(secs => %s))", seconds))[0][0])

    async def _execute(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, parameters)).fetchall()


async def sweep(aside: PostgresAside) -> None:
    """Drop tables some time after they were replaced, for as long as the process runs."""
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        try:
            await aside.sweep(_SWEEP_SECONDS)
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("rebuild.sweep_failed", error=kind_of(error))


class PostgresSwap:
    """Implements projections.aside.Swap."""

    def __init__(self, connection: Connection, projection: Projection) -> None:
        self._connection = connection
        self._projection = projection

    async def gaps(self) -> Sequence[Gap]:
        """See the port."""
        cursor = await self._connection.execute(_GAPS, (self._projection.checkpoint,))
        return [Gap(*row) for row in await cursor.fetchall()]

    async def of(self, tenant_id: UUID) -> ports.Connection:
        """See the port."""
        await self._connection.execute(_SET_TENANT, (str(tenant_id),))
        return self._connection


class PostgresScratch(_Tables):
    """Implements projections.aside.Scratch with temporary tables, in the session of a pool's only connection."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._pool = pool

    async def prepare(self, projection: Projection) -> None:
        """See the port."""
        async with self._pool.connection() as connection, connection.transaction():
            for table in projection.tables:
                here, read = sql.Identifier("pg_temp", table), sql.Identifier("read", table)
                await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(here))
                await connection.execute(sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING ALL)").format(here, read))

    @asynccontextmanager
    async def snapshot(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """See the port."""
        async with unavailable_as_such(), self._pool.connection() as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            try:
                async with connection.transaction(force_rollback=True):
                    await connection.execute(_SET_TENANT, (str(tenant_id),))
                    yield connection
            finally:
                await connection.set_isolation_level(None)

    async def differences(self, connection: Any, table: str, tenant_id: UUID) -> tuple[int, Sequence[str]]:
        """See the port."""
        live = sql.Identifier("read", table)
        (key,) = await (await connection.execute(_KEY, (live.as_string(connection),))).fetchone()
        query = sql.SQL(
            """
            WITH different AS (
                SELECT concat_ws('/', {names}) AS key
                  FROM (SELECT * FROM {live} WHERE tenant_id = %(tenant)s) l
                  FULL JOIN (SELECT * FROM {here} WHERE tenant_id = %(tenant)s) n USING ({columns})
                 WHERE ROW(l.*) IS DISTINCT FROM ROW(n.*)
            )
            SELECT count(*), (array_agg(key ORDER BY key))[:{most}] FROM different
            """
        ).format(
            names=sql.SQL(", ").join(map(sql.Identifier, key[1:])),
            columns=sql.SQL(", ").join(map(sql.Identifier, key)),
            live=live,
            here=sql.Identifier("pg_temp", table),
            most=sql.Literal(_MOST_KEYS),
        )
        count, keys = await (await connection.execute(query, {"tenant": tenant_id})).fetchone()
        return count, keys or ()

    async def replace(self, connection: Any, table: str, tenant_id: UUID) -> None:
        """See the port."""
        names = {"live": sql.Identifier("read", table), "here": sql.Identifier("pg_temp", table)}
        await connection.execute(sql.SQL("DELETE FROM {live} WHERE tenant_id = %s").format(**names), (tenant_id,))
        await connection.execute(sql.SQL("INSERT INTO {live} SELECT * FROM {here}").format(**names))


async def _must_be_aside(connection: Connection) -> None:
    """Something between here and Postgres may have dropped the start-up options, and so the search path."""
    found = await (await connection.execute("SELECT (current_schemas(false))[1] = 'aside'")).fetchone()
    if not found or not found[0]:
        raise DomainError(
            "rebuild.not_aside",
            "connections to Postgres don't look into the schema aside, so a rebuild would write to what is read",
            hint="Connect to Postgres itself: poolers like PgBouncer drop the start-up options that say so.",
        )


async def _patience(connection: Connection, seconds: float) -> None:
    await connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{seconds * 1000:.0f}ms",))


async def _sum(connection: Any, table: sql.Identifier, name: str, tenant_id: UUID) -> Sum:
    query = sql.SQL(
        "SELECT count(*), coalesce(bit_xor(hashtextextended(t::text, 0)), 0) FROM {} t WHERE tenant_id = %s"
    )
    rows, checksum = await (await connection.execute(query.format(table), (tenant_id,))).fetchone()
    return Sum(name, rows, checksum)
