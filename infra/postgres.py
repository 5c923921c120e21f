"""Connections to Postgres: one pool per database role, and a connection only ever with a tenant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from commands.ports import StoreUnavailableError
from infra.secret import Secret

SERVICE = "rapport_service"
APPEND = "rapport_append"
RELAY = "rapport_relay"
PROJECTOR = "rapport_projector"
OWNER = "rapport_owner"
LOGIN_ROLES = (SERVICE, APPEND, RELAY, PROJECTOR)

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

_SET_TENANT: LiteralString = "SELECT set_config('app.tenant', %s, true)"


def role_dsn(dsn: str, role: str, secret: Secret) -> str:
    """The same database under another role, whose password `rapport migrate` set from the secret."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(secret.password(f'postgres/{role}'))}@{host}"))


async def open_pool(dsn: str, *, name: str, size: int, durable: bool = True) -> Pool:
    """A pool of autocommit connections; waits until the first one is there.

    Commits that are not `durable` do not wait for the disk: for what can be derived again and says how far it is.

    Raises:
        psycopg_pool.PoolTimeout: Postgres can't be reached or refuses the role.
    """

    async def prepare(connection: Connection) -> None:
        await connection.set_autocommit(True)
        connection.prepare_threshold = 1

    options: dict[str, Any] = {
        "application_name": f"rapport-{name}",
        "options": f"-c statement_timeout=30s -c jit=off -c synchronous_commit={'on' if durable else 'off'}",
    }
    pool: Pool = AsyncConnectionPool(
        dsn, min_size=1, max_size=size, kwargs=options, configure=prepare, open=False, name=name, timeout=5
    )
    await pool.open(wait=True, timeout=10)
    return pool


@asynccontextmanager
async def unavailable_as_such() -> AsyncIterator[None]:
    """Turn "can't reach Postgres" into the ports' word for it."""
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise StoreUnavailableError from error


class TenantConnections:
    """The one way to a connection for tenant data: it is never without a tenant.

    The tenant is set with the transaction and gone with it, so nothing leaks through the pool.
    Everything raises StoreUnavailableError while Postgres can't be reached.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def of(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """A transaction that sees one tenant's rows only."""
        async with unavailable_as_such(), self._pool.connection() as connection, connection.transaction():
            await connection.execute(_SET_TENANT, (str(tenant_id),))
            yield connection

    async def rows(self, tenant_id: UUID, query: LiteralString, parameters: tuple[Any, ...]) -> list[TupleRow]:
        """One query under a tenant, in one round trip."""
        async with (
            unavailable_as_such(),
            self._pool.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            await connection.execute(_SET_TENANT, (str(tenant_id),))
            cursor = await connection.execute(query, parameters, binary=True)
            return await cursor.fetchall()


async def is_up(pool: Pool) -> bool:
    """Whether Postgres answers."""
    try:
        async with asyncio.timeout(2), pool.connection(timeout=1) as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, PoolTimeout, TimeoutError):
        return False
    return True
