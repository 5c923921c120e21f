"""R7.1, R7.3: limits that are exact over all that share a Valkey, and a local share of them while it is away."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from valkey.asyncio import Valkey

from commands.limits import Count, Limit
from infra.cache.limits import ValkeyLimiter
from infra.cache.windows import LocalLimiter
from infra.embedded.client import Embedded
from tests.waiting import PATIENCE, until

LIMIT = Limit("user", 50, 60)


class Ahead:
    """A clock that goes as usual, and can be put ahead, with what Valkey keeps of one window and one limiter of it."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._seconds

    async def go(self, seconds: float, limiter: ValkeyLimiter, limit: Limit, key: str) -> None:
        self._seconds += seconds
        limiter._clock = self
        client, name = limiter._client, f"limit:{limit.name}:{limit.seconds}:{key}"
        assert client is not None
        if kept := await client.get(name):
            start, *counts = struct.unpack("<ddd", kept)
            await client.set(name, struct.pack("<ddd", start - 1000 * seconds, *counts), keepttl=True)


@pytest.fixture
async def limiters(servers: Embedded) -> AsyncIterator[list[ValkeyLimiter]]:
    """Three, as three processes have them."""
    clients = [Valkey.from_url(servers.wait("valkey", 60)) for _ in range(3)]
    await clients[0].flushall()
    found = [ValkeyLimiter(client, timeout=PATIENCE) for client in clients]
    for limiter in (*found, *found):  # the second time, each knows of all
        await limiter.open()
    yield found
    for client in clients:
        await client.aclose()


@pytest.mark.servers
async def test_over_several_processes_exactly_the_limit_is_let_through(limiters: list[ValkeyLimiter]) -> None:
    key, tenant = uuid4().hex, Limit("tenant", 500, 60)
    asked = [limiters[n % 3].count([(LIMIT, key), (tenant, key)]) for n in range(300)]
    answers = await asyncio.gather(*asked)
    assert sum(all(count.wait == 0 for count in counts) for counts in answers) == 50
    assert min(count.left for counts in answers for count in counts if count.limit == tenant) == 450, (
        "what was refused did not count against the tenant"
    )
    refused = [counts[0] for counts in answers if counts[0].wait]
    assert {count.left for count in refused} == {0}
    assert all(55 < count.wait <= 63 for count in refused)


@pytest.mark.servers
async def test_both_ways_of_counting_agree(limiters: list[ValkeyLimiter]) -> None:
    alone, limit, key = LocalLimiter(ahead := Ahead()), Limit("user", 3, 60), uuid4().hex
    ours: list[Count] = []
    theirs: list[Count] = []
    for pause in (0.0, 90.0):  # then half of what the window before counted still weighs
        await ahead.go(pause, limiters[0], limit, key)
        for _ in range(4):
            ours += await limiters[0].count([(limit, key)])
            theirs += alone.count([(limit, key)])
    assert [count.left for count in ours] == [count.left for count in theirs] == [2, 1, 0, 0, 0, 0, 0, 0]
    assert [count.wait > 0 for count in ours] == [count.wait > 0 for count in theirs]
    assert [count.wait == 0 for count in ours] == [True] * 3 + [False] + [True] + [False] * 3


@pytest.mark.servers
async def test_whom_a_limit_refused_it_refuses_without_asking_until_the_wait_is_over(
    limiters: list[ValkeyLimiter],
) -> None:
    limit, key = Limit("user", 1, 60), uuid4().hex
    limiter, uses = limiters[0], [(limit, key)]
    assert (await limiter.count(uses))[0].wait == 0
    assert limiter.refused(uses) == (), "one more does not fit, but nobody was told so"
    (refused,) = await limiter.count(uses)
    (known,) = limiter.refused(uses)
    assert 0 < known.wait <= refused.wait
    assert (known.limit, known.left) == (limit, 0)
    await Ahead().go(refused.wait + 0.01, limiter, limit, key)
    assert not limiter.refused(uses)
    assert (await limiter.count(uses))[0].wait == 0


@pytest.mark.servers
async def test_without_valkey_a_process_counts_its_share_and_with_it_again_for_all(
    limiters: list[ValkeyLimiter], servers: Embedded
) -> None:
    limiter, key = limiters[0], uuid4().hex
    client = Valkey.from_url(servers.wait("valkey", 60))
    await client.client_pause(1500)  # it takes no commands, as when it is frozen
    limiter._timeout = 0.02
    answers = [(await limiter.count([(LIMIT, key)]))[0] for _ in range(60)]
    assert sum(count.wait == 0 for count in answers) == 50 // 3
    limiter._timeout = PATIENCE

    async def is_back() -> bool:
        await limiter.open()
        return limiter.shared

    await until(is_back)
    assert (await limiter.count([(LIMIT, key)]))[0].wait == 0
    await client.aclose()


@pytest.mark.servers
async def test_a_valkey_that_has_lost_the_script_gets_it_again(
    limiters: list[ValkeyLimiter], servers: Embedded
) -> None:
    limiter, client = limiters[0], Valkey.from_url(servers.wait("valkey", 60))
    await client.script_flush()
    for _ in range(3):
        assert (await limiter.count([(LIMIT, uuid4().hex)]))[0].left == 50 // 3 - 1, "counted alone"
    assert not limiter.shared
    await limiter.open()
    assert (await limiter.count([(LIMIT, uuid4().hex)]))[0].left == 49
    await client.aclose()


async def test_where_there_is_no_valkey_a_process_counts_for_itself() -> None:
    client = Valkey.from_url("redis://127.0.0.1:9")
    for limiter in (ValkeyLimiter(client, timeout=PATIENCE), ValkeyLimiter(None, timeout=PATIENCE)):
        await limiter.open()
        answers = [(await limiter.count([(LIMIT, "ada")]))[0] for _ in range(60)]
        assert sum(count.wait == 0 for count in answers) == 50
    await client.aclose()
