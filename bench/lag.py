"""lag.p99: from "command acknowledged" to "visible in the Postgres read model", at 200 commands per second.

Beside it, in the same run and under the same load, how long NATS alone takes from publish to fetch of one message.
The ratio is the limit of 50 ms over what was measured.
"""

import asyncio
import re
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
import nats
import psycopg
import uvloop

from bench.installation import installation, sign_up
from bench.load import request
from bench.report import Figure, show

RATE = 200
SECONDS = 10.0
WARM_UP_SECONDS = 2.0
"""Not measured: the first turns of a tenant and the first use of a statement take longer, once."""
LIMIT_MS = 50.0
TENANTS = 8
_LOOK_SECONDS = 0.003


async def visible(dsn: str, ids: dict[str, float], lags: list[float], done: asyncio.Event) -> None:
    """Look for acknowledged contacts in the read model, and note how long each took to appear."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while ids or not done.is_set():
            waiting = list(ids)
            cursor = await connection.execute(
                "SELECT id::text FROM read.contact_v1 WHERE (tenant_id, id) IN "
                "(SELECT split_part(x, '/', 1)::uuid, split_part(x, '/', 2)::uuid FROM unnest(%s::text[]) x)",
                (waiting,),
            )
            now = time.perf_counter()
            found = {row[0] for row in await cursor.fetchall()}
            lags.extend(now - ids.pop(name) for name in waiting if name.partition("/")[2] in found)
            await asyncio.sleep(_LOOK_SECONDS)


async def broker(url: str, latencies: list[float], done: asyncio.Event) -> None:
    """Publish to fetch on a stream of its own, twenty times a second."""
    client = await nats.connect(url)
    jetstream = client.jetstream()
    await jetstream.add_stream(name="bench", subjects=["bench"])
    subscription = await jetstream.subscribe("bench", durable="bench")
    while not done.is_set():
        started = time.perf_counter()
        await jetstream.publish("bench", b"x" * 500)
        message = await subscription.next_msg(5)
        latencies.append(time.perf_counter() - started)
        await message.ack()
        await asyncio.sleep(0.05)
    await jetstream.delete_stream("bench")
    await client.close()


async def measure(ready: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Lags of commands and latencies of the broker, in seconds."""
    tenants = [sign_up_with_id(ready["url"]) for _ in range(TENANTS)]
    ids: dict[str, float] = {}
    lags: list[float] = []
    latencies: list[float] = []
    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(visible(ready["postgres_admin"], ids, lags, done))
        tasks.create_task(broker(ready["nats"], latencies, done))
        await asyncio.gather(*(send(ready["url"], *tenant, n, ids) for n, tenant in enumerate(tenants)))
        done.set()
    return lags, latencies


async def send(url: str, tenant_id: str, token: str, turn: int, ids: dict[str, float]) -> None:
    """One tenant's share of the commands over one connection, each noted at the moment of its acknowledgement."""
    host = urlsplit(url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    started = time.perf_counter() + turn / RATE
    warm_up = int(RATE * WARM_UP_SECONDS / TENANTS)
    for number in range(warm_up + int(RATE * SECONDS / TENANTS)):
        await asyncio.sleep(max(0.0, started + number * TENANTS / RATE - time.perf_counter()))
        body = msgspec.json.encode({"name": f"Ada {number}", "email": f"ada{number}@engines.example"})
        writer.write(request("POST", "/v1/contacts", body, headers))
        head = await reader.readuntil(b"\r\n\r\n")
        now = time.perf_counter()
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
        contact_id = msgspec.json.decode(await reader.readexactly(length))["id"]
        if number >= warm_up:
            ids[f"{tenant_id}/{contact_id}"] = now
    writer.close()


def sign_up_with_id(url: str) -> tuple[str, str]:
    """A tenant's id and its admin's token."""
    token = sign_up(url)
    import jwt  # noqa: PLC0415  only here, and only to read our own token

    return str(jwt.decode(token, options={"verify_signature": False})["tid"]), token


def main() -> None:
    """Measure and report."""
    with installation("--search", "postgres") as ready:
        lags, latencies = uvloop.run(measure(ready))
    figures = []
    for name, cut in (("lag.p50", 49), ("lag.p99", 98)):
        ours = statistics.quantiles(lags, n=100)[cut] * 1000
        nats_ms = statistics.quantiles(latencies, n=100)[cut] * 1000
        note = f"limit {LIMIT_MS:.0f} ms; NATS publish to fetch {nats_ms:.1f} ms; {len(lags)} commands at {RATE}/s"
        figures.append(Figure(name, ours, LIMIT_MS, LIMIT_MS / ours, "ms", note))
        vs = f"{name}_vs_nats"
        figures.append(Figure(vs, ours, nats_ms, nats_ms / ours, "ms", "NATS publish to fetch in the same run"))
    show(figures)


if __name__ == "__main__":
    main()
