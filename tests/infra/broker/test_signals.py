"""Pokes and announcements: heard when they can be, and never waited for."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from infra.broker.connection import NatsConnection
from infra.broker.signals import NatsSignals
from infra.embedded.client import Embedded, start
from tests.infra.broker.streams import open_connection
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def hear(self, *said: object) -> None:
        self.heard.append(said)

    async def has(self, count: int) -> list[tuple[object, ...]]:
        await until(lambda: len(self.heard) >= count)
        return self.heard


@pytest.fixture
def frozen(tmp_path: Path) -> "Embedded":
    """A broker of its own, to be stopped in mid-sentence."""
    return start(tmp_path, ["nats"])


@pytest.fixture
async def frozen_connection(frozen: Embedded) -> AsyncIterator[NatsConnection]:
    connection = await open_connection(frozen.wait("nats", 30))
    pid = frozen.pids()["nats"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield connection
    finally:
        os.kill(pid, signal.SIGCONT)
        await connection.close()
        await asyncio.to_thread(frozen.stop)


async def test_a_poke_tells_who_has_grown_and_to_where(connection: NatsConnection) -> None:
    signals, ear, one, other = NatsSignals(connection), Ear(), uuid4(), uuid4()
    await signals.on_poke(ear.hear)
    await signals.poke({one: 7, other: 12})
    assert await ear.has(2) == [(one, 7), (other, 12)]


async def test_an_announcement_tells_what_has_been_applied(connection: NatsConnection) -> None:
    signals, ear, tenant = NatsSignals(connection), Ear(), uuid4()
    await signals.on_applied(ear.hear)
    await signals.applied(tenant, ["contact_v1", "company_v1"], 9)
    assert await ear.has(1) == [(tenant, ["contact_v1", "company_v1"], 9)]


@pytest.mark.parametrize("noise", [b"", b"?", b"a:b", b"\xff", b"1:2:3:4"])
async def test_noise_on_the_wire_does_not_deafen(connection: NatsConnection, client: Client, noise: bytes) -> None:
    signals, pokes, announcements, tenant = NatsSignals(connection), Ear(), Ear(), uuid4()
    await signals.on_poke(pokes.hear)
    await signals.on_applied(announcements.hear)
    await client.publish("poke", noise)
    await client.publish("applied", noise)
    await client.flush()
    await signals.poke({tenant: 1})
    await signals.applied(tenant, ["contact_v1"], 1)
    assert await pokes.has(1) == [(tenant, 1)]
    assert await announcements.has(1) == [(tenant, ["contact_v1"], 1)]


async def test_without_a_broker_a_signal_is_lost_and_nobody_waits() -> None:
    signals = NatsSignals(NatsConnection("nats://127.0.0.1:1", "tests"))
    async with asyncio.timeout(PATIENCE):
        await signals.poke({uuid4(): 1})
        await signals.applied(uuid4(), ["contact_v1"], 1)


async def test_a_frozen_broker_holds_nobody_up(frozen_connection: NatsConnection) -> None:
    """Fault 6: it takes nothing any more, and the connection stands. A poke stands in the way of every command."""
    signals = NatsSignals(frozen_connection)
    tenants: dict[UUID, int] = {uuid4(): 10**9 for _ in range(500)}
    async with asyncio.timeout(PATIENCE):
        for _ in range(600):  # far more than the sockets on the way hold
            await signals.poke(tenants)
            await asyncio.sleep(0)
    client = frozen_connection.client
    assert client is not None
    assert client.pending_data_size > 0, "it does take nothing any more"
