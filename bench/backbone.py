"""A throwaway event store with nothing in front of it: embedded servers, the schema, and the adapters over it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from msgspec import Struct, structs

from infra.embedded.client import start
from infra.embedded.memory import buffers_mb, memory
from infra.embedded.protocol import ServerName
from infra.event_store.appender import Poke
from infra.event_store.migrate import ReadModel, migrate
from infra.event_store.store import PostgresEventStore
from infra.postgres import APPEND, SERVICE, Pool, TenantConnections, open_pool, role_dsn
from infra.secret import Secret
from projections.registry import POSTGRES

SECRET_TEXT = "a secret for benchmarks only, the same every time"  # noqa: S105  it guards nothing
SECRET = Secret(SECRET_TEXT.encode())


class Backbone(Struct, frozen=True):
    """Addresses of the servers; `dsn` is the superuser's."""

    dsn: str
    nats: str | None

    async def pool(self, role: str, size: int = 4) -> Pool:
        """A pool as a process of the installation opens it."""
        return await open_pool(role_dsn(self.dsn, role, SECRET), name="bench", size=size)

    @asynccontextmanager
    async def store(self, poke: Poke | None = None) -> AsyncIterator[PostgresEventStore]:
        """An event store as the API process has it."""
        async with AsyncExitStack() as stack:
            pools = [await self.pool(role) for role in (APPEND, SERVICE)]
            for pool in pools:
                stack.push_async_callback(pool.close)
            yield PostgresEventStore(pools[0], TenantConnections(pools[1]), SECRET, poke=poke)


@contextmanager
def backbone(*servers: ServerName) -> Iterator[Backbone]:
    """Postgres and other servers, durable as those of an installation, and a migrated database."""
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder,
        start(Path(folder), ("postgres", *servers), buffers_mb=buffers_mb(memory())) as embedded,
    ):
        dsn = embedded.wait("postgres", 60)
        prepare(dsn)
        yield Backbone(dsn, embedded.endpoints.nats)


def prepare(dsn: str) -> None:
    """Bring a database to the current schema."""
    migrate(dsn, SECRET, [ReadModel(name=p.name, version=p.version, ddl=p.ddl, tables=p.tables) for p in POSTGRES])


def fill_wal(dsn: str) -> None:
    """Have 1.3 GB of WAL in files that Postgres uses again, as a server has that has been running for a while.

    To make another one, of 16 MB, takes it 40 to 60 ms, for which every append waits.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(90):
            connection.execute("SELECT pg_logical_emit_message(false, 'bench', repeat('x', 15000000))")
        connection.execute("CHECKPOINT")


def another(servers: Backbone, name: str) -> Backbone:
    """One more database of the same server, with the current schema."""
    with psycopg.connect(servers.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    made = structs.replace(servers, dsn=f"{servers.dsn.rpartition('/')[0]}/{name}")
    prepare(made.dsn)
    return made
