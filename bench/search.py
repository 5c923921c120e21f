"""search.BACKEND_p95, _p50, _found1, _found2: how long a search with a typo takes, and how often it finds who is meant.

100,000 contacts, 30,000 of them in one tenant (with --full a million and 300,000), whose search is asked 20 times a
second for names, e-mail addresses, and names with companies, each with one typo, whatever is still being answered.
Times are from when a question was due, in the search store with its adapter, without HTTP. The references are 50 ms at
the 95th percentile for OpenSearch and 100 ms for Postgres, and 95 % found among the first ten (80 % with two typos).
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import uvloop

from bench.backbone import Backbone, prepare
from bench.people import Person, people
from bench.report import Figure, show
from bench.search_fill import contact_id, fill, index, tidy
from bench.search_quality import FIRST, KINDS, LIMITS, mistyped
from infra.embedded.client import Embedded, start
from infra.postgres import SERVICE, TenantConnections
from infra.search.opensearch import OpenSearchContactSearch, open_client
from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
from infra.search.postgres import PostgresContactSearch
from projections.contacts.search import ContactSearch, Sought
from projections.contacts.values import text

LIMITS_MS = {"opensearch": 50.0, "postgres": 100.0}
RATE = 20
ASKED = ("name", "turned", "email", "name_company")
_WARMING = 40


def main() -> None:
    """Measure and report."""
    largest, others, seconds = (300_000, 7, 60) if "--full" in sys.argv else (30_000, 7, 15)
    show(uvloop.run(figures(largest, others, seconds)))


async def figures(largest: int, others: int, seconds: int) -> list[Figure]:
    """A tenant with so many people beside so many others with a third of them each."""
    everybody, tenant = list(people(7, largest)), uuid4()
    tenants: dict[UUID, Sequence[Person]] = {tenant: everybody}
    tenants |= {uuid4(): everybody[: largest // 3] for _ in range(others)}
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder,
        start(Path(folder), ["postgres", "opensearch"]) as embedded,
    ):
        async with AsyncExitStack() as stack:
            found: list[Figure] = []
            for search in (await _postgres(stack, embedded, tenants), await _opensearch(stack, embedded, tenants)):
                found += await measured(search, tenant, everybody, seconds)
            return found


async def measured(search: ContactSearch, tenant: UUID, everybody: Sequence[Person], seconds: int) -> list[Figure]:
    """The figures of one backend."""
    times: list[float] = []
    shares: list[Figure] = []
    for typos in (1, 2):
        random = Random(11)
        asked = [_asked(random, everybody, typos) for _ in range(RATE * seconds)]
        for query, _, _ in asked[:_WARMING]:
            await search.search(tenant, Sought(query, 0, FIRST))
        started = time.perf_counter()
        answers = await asyncio.gather(
            *(_answer(search, tenant, query, started + n / RATE) for n, (query, _, _) in enumerate(asked))
        )
        names = {contact_id(tenant, number): person for number, person in enumerate(everybody)}
        right = sum(
            tuple(map(text, KINDS[kind](wanted))) in {tuple(map(text, KINDS[kind](names[hit]))) for hit in hits}
            for (_, kind, wanted), (_, hits) in zip(asked, answers, strict=True)
        ) / len(asked)
        shares.append(_figure(f"{search.backend}_found{typos}", right, LIMITS[typos], right / LIMITS[typos], "of 1"))
        times = times or sorted(each for each, _ in answers)
    limit = LIMITS_MS[search.backend]
    return [
        *(
            _figure(f"{search.backend}_p{part}", value, limit, limit / value, "ms")
            for part in (50, 95)
            for value in (times[len(times) * part // 100],)
        ),
        *shares,
    ]


def _figure(name: str, ours: float, reference: float, ratio: float, unit: str) -> Figure:
    return Figure(f"search.{name}", ours, reference, ratio, unit, f"{RATE} requests/s")


def _asked(random: Random, everybody: Sequence[Person], typos: int) -> tuple[str, str, Person]:
    wanted, kind = random.choice(everybody), random.choice(ASKED)
    return mistyped(" ".join(KINDS[kind](wanted)), typos, random), kind, wanted


async def _answer(search: ContactSearch, tenant: UUID, query: str, due: float) -> tuple[float, list[UUID]]:
    """How many milliseconds after it was due a question was answered, and who was found."""
    await asyncio.sleep(due - time.perf_counter())
    hits = await search.search(tenant, Sought(query, 0, FIRST))
    return (time.perf_counter() - due) * 1000, [hit.id for hit in hits]


async def _postgres(
    stack: AsyncExitStack, embedded: Embedded, tenants: dict[UUID, Sequence[Person]]
) -> PostgresContactSearch:
    dsn = embedded.wait("postgres", 60)
    prepare(dsn)
    for tenant, some in tenants.items():
        fill(dsn, tenant, some)
    tidy(dsn)
    pool = await Backbone(dsn, None).pool(SERVICE)
    stack.push_async_callback(pool.close)
    return PostgresContactSearch(TenantConnections(pool))


async def _opensearch(
    stack: AsyncExitStack, embedded: Embedded, tenants: dict[UUID, Sequence[Person]]
) -> OpenSearchContactSearch:
    client = await stack.enter_async_context(open_client(embedded.wait("opensearch", 120)))
    written = OpenSearchContactIndex(client, alias_of(uuid4()))
    await written.ensure()
    for tenant, some in tenants.items():
        await index(written, tenant, some)
    return OpenSearchContactSearch(client, written.alias, timeout=10)


if __name__ == "__main__":
    main()
