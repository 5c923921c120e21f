"""NATS without a stream, before and after each test: two histories can't share subjects."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from infra.broker.connection import NatsConnection
from infra.embedded.client import Embedded
from tests.infra.broker.streams import delete_streams, open_connection, raw_client


@pytest.fixture
async def nats_url(servers: Embedded) -> str:
    return await asyncio.to_thread(servers.wait, "nats", 60)


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """An outsider, for what our own code doesn't do."""
    made = await raw_client(nats_url)
    await delete_streams(made)
    yield made
    await delete_streams(made)
    await made.close()


@pytest.fixture
async def connection(client: Client, nats_url: str) -> AsyncIterator[NatsConnection]:
    assert client.is_connected
    made = await open_connection(nats_url)
    yield made
    await made.close()


@pytest.fixture
def incarnation() -> UUID:
    return uuid4()
