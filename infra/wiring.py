"""Adapters of one process: opened as its role asks for them, closed in reverse order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from infra import postgres, secret
from infra.postgres import Pool
from infra.secret import Secret
from settings import Settings

if TYPE_CHECKING:
    from opensearchpy import AsyncOpenSearch

    from infra.broker.connection import NatsConnection
    from infra.broker.signals import NatsSignals


class NotConfiguredError(Exception):
    """A setting is missing that this process needs."""


def secret_of(settings: Settings) -> Secret:
    """The root of all keys: from the setting, else from the data folder."""
    return secret.secret_from(settings.secret) if settings.secret else secret.secret_in(settings.data)


def postgres_dsn(settings: Settings) -> str:
    """The database. Raises NotConfiguredError when none is set."""
    if not settings.postgres_dsn:
        raise NotConfiguredError("RAPPORT_POSTGRES_DSN is not set, and no `rapport up` runs on this data folder")
    return settings.postgres_dsn


class Wiring:
    """Opens adapters and closes them in reverse order."""

    def __init__(self, settings: Settings, role: str) -> None:
        self.settings = settings
        self.role = role
        self.secret = secret_of(settings)
        self.stack = AsyncExitStack()

    async def pool(self, database_role: str, size: int | None = None, *, durable: bool = True) -> Pool:
        """A pool under one database role."""
        dsn = postgres.role_dsn(postgres_dsn(self.settings), database_role, self.secret)
        pool = await postgres.open_pool(dsn, name=self.role, size=size or self.settings.pool_size, durable=durable)
        self.stack.push_async_callback(pool.close, 2)
        return pool

    async def nats(self) -> "tuple[NatsConnection, NatsSignals]":
        """The connection to NATS, made in the background."""
        from infra.broker.connection import NatsConnection
        from infra.broker.signals import NatsSignals

        connection = NatsConnection(self.settings.nats_url, self.role)
        await connection.open()
        self.stack.push_async_callback(connection.close)
        return connection, NatsSignals(connection)

    @property
    def uses_opensearch(self) -> bool:
        """Whether contacts are searched in OpenSearch, as long as it is there."""
        return self.settings.search == "opensearch" and bool(self.settings.opensearch_url)

    def opensearch(self) -> "AsyncOpenSearch":
        """A client of OpenSearch."""
        from infra.search.opensearch import open_client

        client = open_client(self.settings.opensearch_url or "")
        self.stack.push_async_callback(client.close)
        return client

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run something beside the role until the role ends."""
        task = asyncio.ensure_future(work)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.stack.push_async_callback(end)


@asynccontextmanager
async def wiring(settings: Settings, role: str) -> AsyncIterator[Wiring]:
    """Adapters for one role."""
    made = Wiring(settings, role)
    async with made.stack:
        yield made
