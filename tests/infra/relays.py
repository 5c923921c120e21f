"""Relays of one installation, and what they have published."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg

from infra.broker import envelope
from infra.broker.memory import MemoryPublisher
from infra.postgres import RELAY
from infra.relay import Relay
from tests.conftest import Database
from tests.infra.event_store.appends import call, one
from tests.waiting import PATIENCE, until

INCARNATION = uuid4()


class World:
    """Relays of one installation, all publishing to the same place."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.publisher = MemoryPublisher()
        self.tenant = uuid4()

    def relay(self) -> Relay:
        return Relay(self.database.pools[RELAY], self.publisher, incarnation=INCARNATION, partitions=4)

    @asynccontextmanager
    async def running(self, relay: Relay | None = None) -> AsyncIterator[Relay]:
        made = relay or self.relay()
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            assert not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def write(self, count: int, tenant: UUID | None = None) -> None:
        await call(self.database.appends, *(one(tenant or self.tenant) for _ in range(count)))

    def published(self, tenant: UUID | None = None) -> list[int]:
        rows = [row for message in self.publisher.messages for row in envelope.rows(message.payload)]
        return [position for tenant_id, position, *_ in rows if tenant_id == (tenant or self.tenant)]

    async def reached(self, position: int, seconds: float = PATIENCE, tenant: UUID | None = None) -> None:
        await until(lambda: position in self.published(tenant), seconds)

    async def checkpoint(self) -> int:
        async with await psycopg.AsyncConnection.connect(self.database.admin_dsn) as connection:
            query = "SELECT position FROM ops.relay_checkpoint WHERE tenant_id = %s"
            row = await (await connection.execute(query, (self.tenant,))).fetchone()
        return row[0] if row else 0


async def gone(*_: Any) -> Any:
    raise psycopg.OperationalError("the server closed the connection")
