"""Connections to Postgres: one pool per database role, and a connection only ever with a tenant."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, LiteralString, Protocol, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

import infra.cancellation  # noqa: F401  its asyncio.wait_for is what the pool waits with
from commands.ports import StoreUnavailableError
from infra.arrays import QuickListDumper
from infra.line import Command
from infra.lines import Lines, Question
from infra.pipeline import pipelined
from infra.secret import Secret
from projections.ports import CheckpointMovedError
from projections.ports import Connection as Queried
from projections.position import Level

T = TypeVar("T")
Again = Callable[[UUID, Level], Awaitable[bool]]
"""Waits until a level is there that had been thought to be; False when that takes too long."""

SERVICE = "rapport_service"
APPEND = "rapport_append"
RELAY = "rapport_relay"
PROJECTOR = "rapport_projector"
RECORDER = "rapport_recorder"
AUDITOR = "rapport_auditor"
MONITOR = "rapport_monitor"
OWNER = "rapport_owner"
LOGIN_ROLES = (SERVICE, APPEND, RELAY, PROJECTOR, RECORDER, AUDITOR, MONITOR)

Connection = AsyncConnection[TupleRow]

READ_PATH = "read,public"
"""Projections name their own tables without a schema; `public` has the extensions."""

_NOT_PASSING = ("22", "23", "54", "P0")
"""Classes of errors that come of what is written: data, constraints, limits (a row too long to index), our own."""
_CHECKPOINT_MOVED = "RP001"

_REACHED: LiteralString = """SELECT count(*) FROM read.checkpoint
    WHERE tenant_id = %s AND projection = ANY(%s) AND position >= %s"""
_SET_TENANT: LiteralString = "SELECT set_config('app.tenant', %s, true)"
_ADVANCE: LiteralString = "SELECT set_config('app.tenant', %s, true), read.advance(%s, %s, %s, %s, %s)"


class Pool(AsyncConnectionPool[Connection]):
    """Connections of one role, and the lines over some of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lines = Lines(self)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  as psycopg has it
        """Close the connections, those of the lines with them."""
        await self.lines.close()
        await super().close(timeout)


def role_dsn(dsn: str, role: str, secret: Secret) -> str:
    """The same database under another role, whose password `rapport migrate` set from the secret."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(secret.password(f'postgres/{role}'))}@{host}"))


async def open_pool(
    dsn: str,
    *,
    name: str,
    size: int,
    durable: bool = True,
    patient: bool = True,
    search_path: str = READ_PATH,
    statement_seconds: int = 30,
    started: Callable[[int], Awaitable[None]] | None = None,
) -> Pool:
    """A pool of autocommit connections; waits until the first one is there.

    Commits that are not `durable` do not wait for the disk: for what can be derived again and says how far it is.
    One that is not `patient` waits neither for the first connection nor long for any other: for a server that another
    can stand in for. A statement may take `statement_seconds`; 0 is as long as it likes. `started` is told the process
    id of each connection's backend.

    Raises:
        psycopg_pool.PoolTimeout: Postgres can't be reached or refuses the role.
    """

    async def prepare(connection: Connection) -> None:
        await connection.set_autocommit(True)
        connection.prepare_threshold = 1
        connection.adapters.register_dumper(list, QuickListDumper)
        if started:
            await started(connection.info.backend_pid)

    options: dict[str, Any] = {
        "application_name": f"rapport-{name}",
        "options": f"-c statement_timeout={statement_seconds}s -c jit=off -c search_path={search_path}"
        f" -c synchronous_commit={'on' if durable else 'off'}",
    }
    timeout, reconnect_timeout = (5.0, 300.0) if patient else (0.5, 2.0)
    if not patient:
        options |= {"connect_timeout": 2, "tcp_user_timeout": 3000}
    pool = Pool(
        dsn,
        min_size=1,
        max_size=size,
        kwargs=options,
        configure=prepare,
        open=False,
        name=name,
        timeout=timeout,
        reconnect_timeout=reconnect_timeout,
    )
    await pool.open(wait=patient, timeout=10)
    return pool


@asynccontextmanager
async def unavailable_as_such() -> AsyncIterator[None]:
    """Turn "can't reach Postgres" into the ports' word for it."""
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise StoreUnavailableError from error


class TenantReads(Protocol):
    """Queries under a tenant, wherever they are answered; the first part is api.http.services.Reads."""

    async def ask(
        self, tenant_id: UUID, query: Callable[[Queried], Awaitable[T]], *, at_least: Level | None = None
    ) -> T:
        """What a query finds, each statement in a transaction that sees one tenant's rows; it may be run twice."""
        ...

    async def rows(
        self, tenant_id: UUID, query: LiteralString, parameters: Sequence[Any], *, at_least: Level | None = None
    ) -> list[TupleRow]:
        """What one statement finds."""
        ...


class TenantConnections:
    """The one way to a connection for tenant data: it is never without a tenant.

    The tenant is set with the transaction and gone with it, so nothing leaks through the pool.
    Everything raises StoreUnavailableError while Postgres can't be reached.
    """

    def __init__(self, pool: Pool, *, again: Again | None = None) -> None:
        self._pool = pool
        self._lines = pool.lines
        self._again = again

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """A transaction that sees one tenant's rows only."""
        async with unavailable_as_such(), self._pool.connection() as connection, connection.transaction():
            await connection.execute(_SET_TENANT, (str(tenant_id),))
            yield connection

    @asynccontextmanager
    async def advancing(
        self,
        tenant_id: UUID,
        checkpoints: Sequence[str],
        before: int,
        after: int,
        *,
        followed: Sequence[str] = (),
        along: Sequence[str] = (),
    ) -> AsyncIterator[Connection]:
        """See projections.ports.Sessions."""
        try:
            async with unavailable_as_such(), self._pool.connection() as connection, pipelined(connection):
                parameters = (str(tenant_id), checkpoints, list(followed), list(along), before, after)
                await connection.execute(_ADVANCE, parameters)
                yield connection
        except psycopg.Error as error:
            if error.sqlstate == _CHECKPOINT_MOVED:
                raise CheckpointMovedError from error
            raise

    def passing(self, error: BaseException) -> bool:
        """See projections.ports.Sessions."""
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
            return False
        if isinstance(error, psycopg.Error):
            return not (error.sqlstate or "").startswith(_NOT_PASSING)
        return isinstance(error, StoreUnavailableError | PoolTimeout | OSError | TimeoutError)

    async def ask(
        self, tenant_id: UUID, query: Callable[[Queried], Awaitable[T]], *, at_least: Level | None = None
    ) -> T:
        """See api.http.services.Reads.

        Raises:
            BehindError: `at_least` is not there, and nobody can be waited for.
        """
        return await query(OneByOne(self, tenant_id, at_least))

    async def rows(
        self, tenant_id: UUID, query: LiteralString, parameters: Sequence[Any], *, at_least: Level | None = None
    ) -> list[TupleRow]:
        """One statement under a tenant, in one round trip and a transaction of its own. Raises as `ask`."""
        return await self.found(tenant_id, query, parameters, at_least)

    async def found(
        self, tenant_id: UUID, query: str, parameters: Sequence[Any], at_least: Level | None
    ) -> list[TupleRow]:
        """The same for a query that was put together."""
        try:
            return await self._found(tenant_id, query, parameters, at_least)
        except BehindError:
            # It was there once: a projector's last commits do not survive a crash of Postgres.
            if at_least is None or self._again is None or not await self._again(tenant_id, at_least):
                raise
        return await self._found(tenant_id, query, parameters, at_least)

    async def _found(
        self, tenant_id: UUID, query: str, parameters: Sequence[Any], level: Level | None
    ) -> list[TupleRow]:
        asked: list[Question] = []
        if level:
            # On the connection that is read from, which behind a balancer may be any server's.
            asked.append((_REACHED, (tenant_id, list(level.checkpoints), level.position)))
        async with unavailable_as_such():
            answers = await self._lines.rows([*asked, (query, parameters)], first=_under(tenant_id))
        if level and answers[0][0][0] < len(level.checkpoints):
            raise BehindError(f"position {level.position} is not there")
        return answers[-1]


@lru_cache(maxsize=4096)
def _under(tenant_id: UUID) -> Command:
    return Command((b"SELECT set_config('app.tenant', $1, true)", ()), (str(tenant_id).encode(),), [Format.TEXT])


class Found(Struct):
    """Implements projections.ports.Rows."""

    rows: list[TupleRow]

    async def fetchall(self) -> list[TupleRow]:
        """All rows."""
        return self.rows

    async def fetchone(self) -> TupleRow | None:
        """The next row, or None."""
        return self.rows.pop(0) if self.rows else None


class OneByOne(Struct, frozen=True):
    """Implements projections.ports.Connection for reads, each in a transaction of its own."""

    connections: TenantConnections
    tenant_id: UUID
    at_least: Level | None = None

    async def execute(self, query: str, params: Sequence[Any] = (), *, binary: bool = True) -> Found:  # noqa: ARG002
        """Run one statement; all answers are `binary`."""
        return Found(await self.connections.found(self.tenant_id, query, params, self.at_least))


class BehindError(StoreUnavailableError):
    """What is read from does not have yet what a query needs."""


async def is_up(pool: Pool) -> bool:
    """Whether Postgres answers."""
    try:
        async with asyncio.timeout(2), pool.connection(timeout=1) as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, PoolTimeout, TimeoutError):
        return False
    return True
