"""Calls to Valkey over one connection, and what comes when there is none any more."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from valkey.asyncio import Valkey
from valkey.exceptions import ConnectionError as LostError
from valkey.exceptions import ResponseError

from infra.cache.wire import Wire, written
from infra.embedded.client import Embedded

pytestmark = pytest.mark.servers


@pytest.fixture
async def client(servers: Embedded) -> AsyncIterator[Valkey]:
    found = Valkey.from_url(servers.wait("valkey", 60))
    yield found
    await found.aclose()


async def test_answers_come_to_those_who_asked_however_many_and_however_long(client: Valkey) -> None:
    wire = await Wire.of(client)
    values = [b"%d\r\n$" % n * n for n in range(0, 2000, 7)]
    assert await asyncio.gather(*(wire.call(b"ECHO", value) for value in values)) == values


async def test_a_refusal_is_told_to_its_caller_alone(client: Valkey) -> None:
    wire = await Wire.of(client)
    before, wrong, after = wire.call(b"ECHO", b"1"), wire.call(b"EVALSHA", b"0" * 40, b"0"), wire.call(b"ECHO", b"2")
    with pytest.raises(ResponseError, match="NOSCRIPT"):
        await wrong
    assert (await before, await after) == (b"1", b"2")


async def test_an_answer_that_nobody_waits_for_any_more_is_not_taken_for_the_next(client: Valkey) -> None:
    wire = await Wire.of(client)
    wire.call(b"ECHO", b"given up").cancel()
    assert await wire.call(b"ECHO", b"waited for") == b"waited for"


async def test_whoever_waits_or_comes_later_is_told_that_the_connection_is_lost(client: Valkey) -> None:
    wire = await Wire.of(client)
    asked = wire.call(b"CLIENT", b"KILL", b"SKIPME", b"no", b"TYPE", b"normal")
    with pytest.raises(LostError):
        await asked
    assert wire.is_lost
    with pytest.raises(LostError):
        await wire.call(b"ECHO", b"1")
    await wire.close()


async def test_what_is_no_string_ends_the_connection(client: Valkey) -> None:
    wire = await Wire.of(client)
    first, second = wire.call(b"INCR", b"wire:test"), wire.call(b"ECHO", b"1")
    for asked in (first, second):
        with pytest.raises(LostError):
            await asked
    await wire.close()


async def test_it_closes_with_its_client(servers: Embedded) -> None:
    client = Valkey.from_url(servers.wait("valkey", 60))
    wire = await Wire.of(client)
    assert await wire.call(b"ECHO", b"1") == b"1"
    await client.aclose()
    assert wire.is_lost


def test_commands_are_arrays_of_strings() -> None:
    assert written((b"ECHO", b"")) == b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"
