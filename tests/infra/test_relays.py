"""Fault 4: several relays, one after another or at once, only make duplicates."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from infra.relay import Relay
from tests.infra.relays import World, gone
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers


async def test_two_relays_at_once_only_make_duplicates(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 4: the lease is an economy; without it nothing is missing and nothing out of order."""

    async def always(self: Relay) -> None:
        self._leads = True
        await self._look()
        await asyncio.sleep(3600)

    async def saved() -> bool:
        return await world.checkpoint() == 200

    monkeypatch.setattr(Relay, "_keep_lease", always)
    async with world.running() as one_relay, world.running() as other:
        for position in range(10, 210, 10):
            await world.write(10)
            for relay in (one_relay, other):
                relay.poke(world.tenant, position)
            await asyncio.sleep(0.005)
        await world.reached(200)
        await until(lambda: world.publisher.received > 200)
        await until(saved)
    assert world.published() == list(range(1, 201))


async def test_with_the_lease_only_one_publishes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.relay._LEASE_SECONDS", PATIENCE / 2)  # so that a busy machine takes it from nobody
    async with AsyncExitStack() as running:
        relays = [await running.enter_async_context(world.running()) for _ in range(3)]
        await world.write(10)
        for relay in relays:
            relay.poke(world.tenant, 10)
        await world.reached(10)
        await asyncio.sleep(1.2)
        assert sum(relay._leads for relay in relays) == 1
        assert world.publisher.received == 10


async def test_another_takes_over_when_the_leader_stops(world: World) -> None:
    async with AsyncExitStack() as running:
        async with world.running():
            await world.write(1)
            await world.reached(1)
            await running.enter_async_context(world.running())
        await world.write(1)
        await world.reached(2)


async def test_a_killed_relay_costs_a_moment_and_duplicates(world: World) -> None:
    """Fault 1: neither its checkpoint is saved nor its lease given back."""
    await world.write(20)
    killed = world.relay()
    task = asyncio.create_task(killed.run())
    await world.reached(20)
    for name in ("_save_positions", "_execute"):
        setattr(killed, name, gone)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await world.write(5)
    async with world.running():
        await world.reached(25)
    assert world.published() == list(range(1, 26))
