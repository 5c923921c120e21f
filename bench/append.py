"""append.*: durable appends of one event each, against pgbench and the eventsourcing library on the same server.

As they come: chained, and what is personal is sealed. `plain` figures are without either, in a database of their own;
no installation can be had like that.

Ours and the references go turn about, for the speed of a shared machine changes from second to second; each figure is
the median of the rounds. Latencies are pooled over the rounds. The server's WAL goes to files that are there, as on one
that has been running for a while.
"""

import asyncio
import statistics
from collections.abc import Sequence
from uuid import uuid4

import uvloop
from msgspec import Struct, field

from bench.backbone import Backbone, backbone, fill_wal
from bench.peers import library, pgbench
from bench.plain import plain
from bench.report import Figure, show
from bench.writers import Writers
from commands.ports import EventStore
from infra.lean import collect_seldom

ROUNDS = 7
SECONDS = 1
CALLERS = 64
TENANTS = 1000
THREADS = (1, 4, 16)
LIMIT_MS = 15.0
NEIGHBOUR_RATE = 150.0


class Rounds(Struct):
    """What the rounds gave: events per second, one a round, and latencies in seconds."""

    many: list[float] = field(default_factory=list)
    many_plain: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    alone_plain: list[float] = field(default_factory=list)
    tenants: list[float] = field(default_factory=list)
    pgbench_many: list[float] = field(default_factory=list)
    pgbench_one: list[float] = field(default_factory=list)
    library: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    neighbour_alone: list[float] = field(default_factory=list)
    neighbour_beside: list[float] = field(default_factory=list)


class Programme:
    """One round after the other over one store."""

    def __init__(self, servers: Backbone, store: EventStore, plain_store: EventStore) -> None:
        tenants = [uuid4() for _ in range(TENANTS)]
        self._servers = servers
        self._plain = Writers(plain_store, tenants[:1], personal=False)
        self._one = Writers(store, tenants[:1])
        self._neighbour = Writers(store, tenants[1:2])
        self._all = Writers(store, tenants)
        self.rounds = Rounds()

    async def warm_up(self) -> None:
        """Every tenant has a contact, every statement is prepared."""
        for _ in range(0, TENANTS, CALLERS):
            await asyncio.gather(*(self._all.one() for _ in range(CALLERS)))
        for writers in (self._one, self._plain, self._neighbour):
            await writers.flat_out(CALLERS, 0.5)

    async def round(self) -> None:
        """Each figure beside what it is compared with."""
        dsn, got = self._servers.dsn, self.rounds
        got.pgbench_many.append(await pgbench(dsn, CALLERS, SECONDS))
        latencies = await self._one.flat_out(CALLERS, SECONDS)
        got.many.append(len(latencies) / SECONDS)
        got.latencies.extend(latencies)
        got.many_plain.append(len(await self._plain.flat_out(CALLERS, SECONDS)) / SECONDS)
        got.tenants.append(len(await self._all.flat_out(CALLERS, SECONDS)) / SECONDS)
        got.pgbench_one.append(await pgbench(dsn, 1, SECONDS))
        got.alone.append(len(await self._one.flat_out(1, SECONDS)) / SECONDS)
        got.alone_plain.append(len(await self._plain.flat_out(1, SECONDS)) / SECONDS)
        best = [await asyncio.to_thread(library, dsn, threads, SECONDS / 2) for threads in THREADS]
        got.library.append(max(best))
        got.neighbour_alone.extend(await self._neighbour.paced(NEIGHBOUR_RATE, SECONDS))
        beside = self._neighbour.paced(NEIGHBOUR_RATE, SECONDS)
        got.neighbour_beside.extend((await asyncio.gather(beside, self._one.flat_out(CALLERS, SECONDS)))[0])


async def measure(servers: Backbone, unchained: Backbone) -> Rounds:
    """All rounds."""
    async with servers.store() as store, unchained.store() as plain_store:
        programme = Programme(servers, store, plain_store)
        await programme.warm_up()
        collect_seldom()  # as every role does once it has started
        for _ in range(ROUNDS):
            await programme.round()
        return programme.rounds


def compared(name: str, ours: Sequence[float], theirs: Sequence[float], note: str) -> Figure:
    """The round with the median ratio."""
    pairs = sorted(zip(ours, theirs, strict=True), key=lambda pair: pair[0] / pair[1])
    mine, reference = pairs[len(pairs) // 2]
    lowest, highest = (pairs[n][0] / pairs[n][1] for n in (0, -1))
    spread = f"{note}; median of {len(pairs)}, {lowest:.2f} to {highest:.2f}"
    return Figure(name, mine, reference, mine / reference, "events/s", spread)


_PLAIN = "without chain and encryption"


def p99(latencies: Sequence[float]) -> float:
    """In milliseconds."""
    return statistics.quantiles(latencies, n=100)[98] * 1000


def figures(got: Rounds) -> list[Figure]:
    """Ratios such that more is better."""
    ours, alone, beside = p99(got.latencies), p99(got.neighbour_alone), p99(got.neighbour_beside)
    p50 = statistics.median(got.latencies) * 1000
    best = f"its best of {THREADS} threads"
    paced = f"p99, {NEIGHBOUR_RATE:.0f} appends/s, alone against beside {CALLERS} callers of another tenant"
    return [
        compared("append.64_vs_pgbench", got.many_plain, got.pgbench_many, f"{CALLERS} callers, 1 tenant; {_PLAIN}"),
        compared("append.64_sealed_vs_pgbench", got.many, got.pgbench_many, "the same as it comes, sealed and chained"),
        compared("append.64_sealed_vs_plain", got.many, got.many_plain, "what chain and encryption leave"),
        compared("append.64_vs_eventsourcing", got.many_plain, got.library, f"{best}; {_PLAIN}"),
        compared(
            "append.64_sealed_vs_eventsourcing", got.many, got.library, "the same as it comes, sealed and chained"
        ),
        compared("append.1_vs_pgbench", got.alone_plain, got.pgbench_one, f"1 caller; {_PLAIN}"),
        compared("append.1_sealed_vs_pgbench", got.alone, got.pgbench_one, "the same as it comes, sealed and chained"),
        compared("append.1000_tenants_vs_one", got.tenants, got.many, f"{CALLERS} callers"),
        Figure("append.p99_64", ours, LIMIT_MS, LIMIT_MS / ours, "ms", f"p50 {p50:.1f} ms; the reference is a limit"),
        Figure("append.neighbour_p99", beside, alone, alone / beside, "ms", paced),
    ]


def main() -> None:
    """Measure and report."""
    with backbone() as servers:
        fill_wal(servers.dsn)
        got = uvloop.run(measure(servers, plain(servers)))
    show(figures(got))


if __name__ == "__main__":
    main()
