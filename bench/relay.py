"""relay.*: the relay's own process, from the log to JetStream, with Postgres and NATS beside it on the same machine.

`relay.events_per_second` is how fast it publishes a log that is there, every message acknowledged; its reference is the
20,000 that are wanted. `relay.wakeup_p99` is the time from an append's poke until the event arrives at a subscriber,
while nothing else is going on; its reference is a limit.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID, uuid4

import nats
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from bench.backbone import SECRET_TEXT, Backbone, backbone
from bench.fill import fill
from bench.report import Figure, show
from bench.writers import Writers
from infra.broker.connection import NatsConnection
from infra.broker.signals import NatsSignals

WANTED = 20_000.0
LIMIT_MS = 10.0
TENANTS = 20
EVENTS_EACH = 20_000
WAKES = 300
RAW_MESSAGES = 100_000


@contextmanager
def relay(servers: Backbone) -> Iterator[None]:
    """The relay's process, as `rapport up` starts it."""
    environment = {
        **os.environ,
        "RAPPORT_SECRET": SECRET_TEXT,
        "RAPPORT_POSTGRES_DSN": servers.dsn,
        "RAPPORT_NATS_URL": servers.nats or "",
        "RAPPORT_LOG_LEVEL": "critical",  # the hashes of a log that was filled are made up, which it would tell
    }
    process = subprocess.Popen([sys.executable, "-m", "bootstrap", "role", "relay"], env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)


async def stored(client: Client) -> int:
    """Messages in all streams of events."""
    infos = await client.jetstream().streams_info()
    return sum(info.state.messages for info in infos if str(info.config.name).startswith("EVT-"))


async def catch_up(client: Client, total: int) -> float:
    """Messages per second from the first that are there until all are."""
    first, started = 0, 0.0
    async with asyncio.timeout(120):
        while (count := await stored(client)) < total:
            if count and not first:
                first, started = count, time.perf_counter()
            await asyncio.sleep(0.05)
    return (total - first) / (time.perf_counter() - started)


async def wake_ups(servers: Backbone, client: Client) -> list[float]:
    """Seconds from a poke until its event is published, one at a time, after pauses of many lengths."""
    poked, arrived = [0.0], asyncio.Event()
    took: list[float] = []
    connection = NatsConnection(servers.nats, "bench")
    await connection.open()
    await connection.connected()
    signals = NatsSignals(connection)

    async def poke(grown: Mapping[UUID, int]) -> None:
        poked[0] = time.perf_counter()
        await signals.poke(grown)

    async def hear(_: Msg) -> None:
        took.append(time.perf_counter() - poked[0])
        arrived.set()

    await client.subscribe("evt.>", cb=hear)
    async with servers.store(poke) as store:
        writers = Writers(store, [uuid4() for _ in range(5)])
        for number in range(WAKES):
            arrived.clear()
            await writers.one()
            async with asyncio.timeout(5):
                await arrived.wait()
            await asyncio.sleep(0.005 + number % 10 * 0.004)
    await connection.close()
    return took


async def raw(client: Client) -> float:
    """Messages per second that nats-py alone publishes to such a stream, all acknowledged."""
    await client.jetstream().add_stream(name="RAW", subjects=["raw"], max_bytes=256 * 1024 * 1024)
    inbox, payload = client.new_inbox(), b"x" * 700
    done, acks = asyncio.Event(), 0

    async def acknowledged(_: Msg) -> None:
        nonlocal acks
        acks += 1
        if acks == RAW_MESSAGES:
            done.set()

    await client.subscribe(inbox, cb=acknowledged)
    started = time.perf_counter()
    for _ in range(RAW_MESSAGES):
        await client.publish("raw", payload, reply=inbox)
    async with asyncio.timeout(60):
        await done.wait()
    took = time.perf_counter() - started
    await client.jetstream().delete_stream("RAW")
    return RAW_MESSAGES / took


async def measure(servers: Backbone) -> list[Figure]:
    """A log that is there, then single events."""
    client = await nats.connect(servers.nats or "")
    alone = await raw(client)
    with relay(servers):
        rate = await catch_up(client, TENANTS * EVENTS_EACH)
        await asyncio.sleep(2)
        took = sorted(await wake_ups(servers, client))
    await client.close()
    p99 = statistics.quantiles(took, n=100)[98] * 1000
    note = f"{TENANTS} tenants, {TENANTS * EVENTS_EACH:,} events; nats-py's bare publish {alone:,.0f}/s"
    woken = f"poke to subscriber, p50 {statistics.median(took) * 1000:.1f} ms; the reference is a limit"
    return [
        Figure("relay.events_per_second", rate, WANTED, rate / WANTED, "events/s", note),
        Figure("relay.wakeup_p99", p99, LIMIT_MS, LIMIT_MS / p99, "ms", woken),
    ]


def main() -> None:
    """Measure and report."""
    with backbone("nats") as servers:
        fill(servers.dsn, [uuid4() for _ in range(TENANTS)], EVENTS_EACH)
        show(uvloop.run(measure(servers)))


if __name__ == "__main__":
    main()
