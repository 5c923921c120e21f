"""From the log to the broker: each tenant's events in order, whoever else relays, whatever was lost (fault 4)."""

import asyncio
from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from infra.broker.envelope import Message
from infra.broker.jetstream import PublishError
from tests.infra.event_store.appends import append, call, key, stream
from tests.infra.relays import World, gone
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.servers


async def test_what_was_written_before_it_started_is_published_in_order(world: World) -> None:
    await world.write(700)
    await world.write(600)
    async with world.running():
        await world.reached(1300)
    assert world.published() == list(range(1, 1301))


async def test_a_poke_is_followed_without_looking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.relay._POLL_SECONDS", 10 * PATIENCE)
    await world.write(1)  # before it looks for the first and the last time
    async with world.running() as relay:
        await world.reached(1)
        for position in range(2, 8):
            await world.write(1)
            relay.poke(world.tenant, position)
            await world.reached(position)
    assert world.published() == list(range(1, 8))


async def test_a_poke_about_a_tenant_never_heard_of_is_followed_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.relay._POLL_SECONDS", 10 * PATIENCE)
    async with world.running() as relay:
        await until(lambda: relay._leads)
        await asyncio.sleep(0.2)  # it has looked for the first and the last time
        tenant = uuid4()
        await world.write(3, tenant)
        relay.poke(tenant, 3)
        await world.reached(3, tenant=tenant)


async def test_what_no_poke_told_is_found_by_looking(world: World) -> None:
    async with world.running():
        await asyncio.sleep(0.2)
        await world.write(5)
        await world.reached(5)
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
            await until(lambda: refused > 0)
            patched.undo()
            await world.reached(5)
    assert await world.checkpoint() == 5


@pytest.mark.parametrize("time", ["20000-01-01", "0001-01-01 BC", "infinity"])
@pytest.mark.parametrize("column", ["occurred_at", "recorded_at"])
async def test_an_event_that_cannot_travel_is_left_out_and_the_rest_goes_on(
    world: World, column: LiteralString, time: str
) -> None:
    """R6.5: it stopped everybody. Who misses the position reads it from the log."""
    other = uuid4()
    await world.write(3)
    await world.write(2, other)
    with psycopg.connect(world.database.admin_dsn) as admin:
        spoil: LiteralString = f"UPDATE store.event SET {column} = %s WHERE tenant_id = %s AND position = 2"
        admin.execute(spoil, (time, world.tenant))
    async with world.running():
        await world.reached(3)
        await world.reached(2, tenant=other)
    assert world.published() == [1, 3]
    assert await world.checkpoint() == 3


async def test_one_with_much_to_publish_keeps_nobody_waiting(world: World) -> None:
    """R6.5: a tenant's backlog goes out in shares."""
    other, sizes = uuid4(), []
    for _ in range(10):
        await world.write(500)
    await world.write(1, other)
    publish = world.publisher.publish

    async def noted(messages: Sequence[Message]) -> None:
        sizes.append(len(messages))
        await publish(messages)

    world.publisher.publish = noted  # type: ignore[method-assign]
    async with world.running():
        await world.reached(5000)
    assert world.published() == list(range(1, 5001))
    assert world.published(other) == [1]
    subjects = [message.subject for message in world.publisher.messages]
    assert next(place for place, subject in enumerate(subjects) if str(other) in subject) < 1000
    assert max(sizes) <= 1000


async def test_a_batch_is_read_while_the_one_before_it_is_published(world: World) -> None:
    await world.write(1500)
    relay, log = world.relay(), []
    publish, execute = world.publisher.publish, relay._execute

    async def noted(messages: Sequence[Message]) -> None:
        log.append("publishing")
        await asyncio.sleep(0.2)
        await publish(messages)
        log.append("published")

    async def asked(query: LiteralString, parameters: tuple[object, ...]) -> list[Any]:
        if "relay_read" in query:
            log.append("read")
        return await execute(query, parameters)

    world.publisher.publish = noted  # type: ignore[method-assign]
    relay._execute = asked  # type: ignore[method-assign]
    async with world.running(relay):
        await world.reached(1500)
    assert log[:4] == ["read", "publishing", "read", "published"]


async def test_what_is_published_while_positions_are_saved_is_saved_the_next_time(world: World) -> None:
    await world.write(2)
    relay = world.relay()
    execute = relay._execute
    relay._published[world.tenant] = 1
    relay._unsaved.add(world.tenant)

    async def meanwhile(query: LiteralString, parameters: tuple[object, ...]) -> list[Any]:
        relay._published[world.tenant] = 2
        relay._unsaved.add(world.tenant)
        return await execute(query, parameters)

    relay._execute = meanwhile  # type: ignore[method-assign]
    await relay._save_positions()
    assert await world.checkpoint() == 1
    relay._execute = execute  # type: ignore[method-assign]
    await relay._save_positions()
    assert await world.checkpoint() == 2


async def test_positions_that_could_not_be_saved_are_saved_the_next_time(world: World) -> None:
    relay = world.relay()
    execute = relay._execute
    relay._published[world.tenant] = 7
    relay._unsaved.add(world.tenant)
    relay._execute = gone  # type: ignore[method-assign, assignment]
    with pytest.raises(psycopg.OperationalError):
        await relay._save_positions()
    relay._execute = execute  # type: ignore[method-assign]
    await relay._save_positions()
    assert await world.checkpoint() == 7


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
        await world.reached(2)
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
            await until(swept)
