"""growth.*: what an append, a load and a page of the feed cost when the log is a hundred times as long.

Two databases of the same server, one with 100,000 events and one with 10 million (1 million without --full, which fits
into three minutes). They are measured turn about, and each figure is the median of the rounds: the rate with many
events over the rate with few. `feed.raw` reads a tenant's log in order from one connection, without decoding it; its
reference is the 100,000 a second that are wanted.
"""

import itertools
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import uvloop
from msgspec import Struct

from bench.backbone import Backbone, another, backbone
from bench.fill import EVENTS_PER_STREAM, fill, stream_of
from bench.report import Figure, show
from bench.writers import Writers
from infra.event_store import codec
from infra.event_store.store import PostgresEventStore
from infra.postgres import SERVICE, TenantConnections

FEW = 100_000
MANY, FULL = 1_000_000, 10_000_000
TENANTS = 5
ROUNDS = 9
SECONDS = 0.7
PAGE = 500
RAW_PAGE = 5_000
CALLERS = 8
WANTED_RAW = 100_000.0


class Log(Struct, frozen=True):
    """A database, its tenants, and how many events each of them has."""

    servers: Backbone
    tenants: list[UUID]
    each: int


def make(servers: Backbone, name: str, events: int) -> Log:
    """A database of its own with so many events."""
    other = another(servers, name)
    tenants = [uuid4() for _ in range(TENANTS)]
    fill(other.dsn, tenants, events // TENANTS)
    return Log(other, tenants, events // TENANTS)


class Measures:
    """What is measured on one log; each gives a rate per second."""

    def __init__(self, log: Log, store: PostgresEventStore, reads: TenantConnections) -> None:
        self._log = log
        self._store = store
        self._reads = reads
        self._chance = random.Random(1)
        self._writers = Writers(store, log.tenants)
        self._tenants = itertools.cycle(log.tenants)

    async def append(self) -> float:
        """Single events of several callers."""
        return len(await self._writers.flat_out(CALLERS, SECONDS)) / SECONDS

    async def load(self) -> float:
        """Streams from all over the log."""

        async def one() -> None:
            tenant, number = next(self._tenants), self._chance.randrange(self._log.each // EVENTS_PER_STREAM)
            events = await self._store.load(tenant, stream_of(number))
            if len(events) != EVENTS_PER_STREAM:
                raise SystemExit(f"{len(events)} events in a stream")

        return await _repeated(one)

    async def feed(self) -> float:
        """Pages from all over the log, decoded."""

        async def one() -> None:
            after = self._chance.randrange(self._log.each - PAGE)
            if len(await self._store.read(next(self._tenants), after=after, limit=PAGE)) != PAGE:
                raise SystemExit("a page with a gap")

        return await _repeated(one)

    async def raw(self) -> float:
        """Events per second of one reader from the beginning to the end, page by page."""
        query = f"""SELECT {codec.COLUMNS} FROM store.event
                    WHERE tenant_id = %s AND position > %s ORDER BY position LIMIT {RAW_PAGE}"""
        count, tenant, started = 0, next(self._tenants), time.perf_counter()
        while rows := await self._reads.rows(tenant, query, (tenant, count)):
            count += len(rows)
            if time.perf_counter() - started > 2 * SECONDS:
                break
        return count / (time.perf_counter() - started)


async def _repeated(one: Callable[[], Awaitable[None]]) -> float:
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        await one()
        count += 1
    return count / (time.perf_counter() - started)


async def measure(few: Log, many: Log) -> list[Figure]:
    """Turn about, so that both see the machine as it is at the time."""
    async with AsyncExitStack() as stack:
        both = []
        for log in (few, many):
            pool = await log.servers.pool(SERVICE, 1)
            stack.push_async_callback(pool.close)
            store = await stack.enter_async_context(log.servers.store())
            both.append(Measures(log, store, TenantConnections(pool)))
        small, large = both
        rates: dict[str, list[tuple[float, float]]] = {"append": [], "load": [], "feed": []}
        raw = []
        for number in range(ROUNDS + 1):
            for name, found in rates.items():
                pair = (await getattr(large, name)(), await getattr(small, name)())
                if number:  # the first is to warm up
                    found.append(pair)
            raw.append(await large.raw())
    units = {"append": "appends/s", "load": "loads/s", "feed": "pages/s"}
    sizes = f"{many.each * TENANTS:,} events against {few.each * TENANTS:,}"
    return [*(_figure(f"growth.{name}", units[name], found, sizes) for name, found in rates.items()), _raw(raw)]


def _figure(name: str, unit: str, pairs: list[tuple[float, float]], sizes: str) -> Figure:
    pairs.sort(key=lambda pair: pair[0] / pair[1])
    ours, reference = pairs[len(pairs) // 2]
    lowest, highest = (pairs[n][0] / pairs[n][1] for n in (0, -1))
    return Figure(name, ours, reference, ours / reference, unit, f"{sizes}; {lowest:.2f} to {highest:.2f}")


def _raw(rates: list[float]) -> Figure:
    ours = statistics.median(rates)
    return Figure(
        "feed.raw", ours, WANTED_RAW, ours / WANTED_RAW, "events/s", "one connection; the reference is wanted"
    )


def main() -> None:
    """Measure and report."""
    many = FULL if "--full" in sys.argv else MANY
    with backbone() as servers:
        logs = (make(servers, "few", FEW), make(servers, "many", many))
        show(uvloop.run(measure(*logs)))


if __name__ == "__main__":
    main()
