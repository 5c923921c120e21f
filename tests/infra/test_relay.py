"""From the log to the broker: each tenant's events in order, whoever else relays, whatever was lost (fault 4)."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import psycopg
import pytest

from infra.broker.envelope import Message
from infra.broker.jetstream import PublishError
from tests.infra.event_store.appends import append, call, key, stream
from tests.infra.relays import World, gone
from tests.waiting import until

pytestmark = pytest.mark.servers


async def test_what_was_written_before_it_started_is_published_in_order(world: World) -> None:
    await world.write(700)
    await world.write(600)
    async with world.running():
        await world.reached(1300)
    assert world.published() == list(range(1, 1301))


async def test_a_poke_is_followed_at_once(world: World) -> None:
    async with world.running() as relay:
        await world.write(1)
        await world.reached(1)
        for position in range(2, 8):
            await world.write(1)
            relay.poke(world.tenant, position)
            await world.reached(position, seconds=0.5)
    assert world.published() == list(range(1, 8))


async def test_a_poke_about_a_tenant_never_heard_of_is_followed_at_once(world: World) -> None:
    async with world.running() as relay:
        await asyncio.sleep(0.2)
        tenant = uuid4()
        await world.write(3, tenant)
        relay.poke(tenant, 3)
        await world.reached(3, seconds=0.5, tenant=tenant)


async def test_what_no_poke_told_is_found_by_looking(world: World) -> None:
    async with world.running():
        await asyncio.sleep(0.2)
        await world.write(5)
        await world.reached(5, seconds=1.6)
    assert world.published() == [1, 2, 3, 4, 5]


async def test_after_a_restart_it_goes_on_from_its_checkpoint(world: World) -> None:
    await world.write(20)
    async with world.running():
        await world.reached(20)
    assert await world.checkpoint() == 20
    received = world.publisher.received
    await world.write(5)
    async with world.running():
        await world.reached(25)
    assert world.publisher.received == received + 5
    assert world.published() == list(range(1, 26))


async def test_what_the_broker_refuses_is_published_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.write(5)
    refused = 0

    async def refuse(_: Sequence[Message]) -> None:
        nonlocal refused
        refused += 1
        raise PublishError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(world.publisher, "publish", refuse)
        async with world.running():
            await asyncio.sleep(0.3)
            assert refused > 0
            patched.undo()
            await world.reached(5)
    assert await world.checkpoint() == 5


async def test_a_database_that_is_away_for_a_while_does_not_end_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 5."""
    async with world.running() as relay:
        await world.write(1)
        await world.reached(1)
        with monkeypatch.context() as patched:
            patched.setattr(relay, "_execute", gone)
            relay.poke(world.tenant, 2)
            await asyncio.sleep(1.2)
        await world.write(1)
        await world.reached(2, seconds=4)
    assert world.published() == [1, 2]


async def test_expired_keys_are_swept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.relay._SWEEP_SECONDS", 0.1)
    await call(world.database.appends, append(world.tenant, stream(uuid4()), key=key("k")))
    async with await psycopg.AsyncConnection.connect(world.database.admin_dsn, autocommit=True) as connection:
        expire = "UPDATE store.command SET expires_at = now() - interval '1 s' WHERE tenant_id = %s"
        await connection.execute(expire, (world.tenant,))

        async def swept() -> bool:
            query = "SELECT count(*) FROM store.command WHERE tenant_id = %s"
            return await (await connection.execute(query, (world.tenant,))).fetchone() == (0,)

        async with world.running():
            await until(swept, 3)
