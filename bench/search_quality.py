"""How often the search finds who is meant, on each backend, by queries with typos of names of many cultures.

For each kind of query and number of typos: the share of those among whose first ten hits is the person looked for, or
one equal in the fields that were searched. The references are 95 % with one typo and 80 % with two.

    python -m bench.search_quality [--people 20000] [--queries 300] [--seed 1] [--opensearch] [--misses] [--json]
"""

import argparse
import string
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import uvloop

from bench.backbone import Backbone, prepare
from bench.people import Person, people
from bench.report import Figure, head, show
from bench.search_fill import contact_id, fill, index, tidy
from infra.embedded.client import start
from infra.embedded.protocol import ServerName
from infra.postgres import SERVICE, TenantConnections
from infra.search.opensearch import OpenSearchContactSearch, open_client
from infra.search.opensearch_index import OpenSearchContactIndex, alias_of
from infra.search.postgres import PostgresContactSearch
from projections.contacts.search import ContactSearch, Sought
from projections.contacts.values import text

LIMITS = {0: 0.99, 1: 0.95, 2: 0.80}
FIRST = 10

KINDS: Mapping[str, Callable[[Person], tuple[str, ...]]] = {
    "name": lambda person: (person.given, person.family),
    "turned": lambda person: (person.family, person.given),
    "display": lambda person: (person.display,),
    "email": lambda person: (person.email,),
    "name_company": lambda person: (person.display, person.company),
    "family_company": lambda person: (person.family, person.company),
}
"""The fields that a query of each kind is made of."""


def mistyped(query: str, typos: int, random: Random) -> str:
    """A query with so many typos in its words."""
    for _ in range(typos):
        at = random.choice([n for n, letter in enumerate(query) if not letter.isspace()])
        letter = random.choice(string.ascii_lowercase)
        turn = query[at : at + 2][::-1] if not query[at : at + 2].endswith(" ") else query[at : at + 2]
        query = random.choice(
            (
                query[:at] + query[at + 1 :],
                query[:at] + letter + query[at:],
                query[:at] + letter + query[at + 1 :],
                query[:at] + turn + query[at + 2 :],
            )
        )
    return query


async def hits(
    search: ContactSearch, tenant: UUID, everybody: Sequence[Person], random: Random, queries: int
) -> AsyncIterator[tuple[str, int, str, Person, bool]]:
    """Kind, typos, query, person, and whether it was found."""
    numbers = {contact_id(tenant, number): person for number, person in enumerate(everybody)}
    for kind, fields in KINDS.items():
        for typos in LIMITS:
            for _ in range(queries):
                wanted = random.choice(everybody)
                query = mistyped(" ".join(fields(wanted)), typos, random)
                found = await search.search(tenant, Sought(query, 0, FIRST))
                equal = {tuple(map(text, fields(numbers[hit.id]))) for hit in found}
                yield kind, typos, query, wanted, tuple(map(text, fields(wanted))) in equal


async def figures(arguments: argparse.Namespace) -> list[Figure]:
    """The share that was found, of every kind on every backend."""
    found: list[Figure] = []
    async with filled(arguments) as (tenant, everybody, searches):
        for search in searches:
            right: dict[tuple[str, int], list[bool]] = defaultdict(list)
            random = Random(arguments.seed + 1)
            async for kind, typos, query, person, hit in hits(search, tenant, everybody, random, arguments.queries):
                right[kind, typos].append(hit)
                if not hit and arguments.misses:
                    print(f"{kind} {typos}: {query!r} is not {person.display} <{person.email}> {person.company}")
            found += (
                Figure(f"quality.{search.backend}.{kind}.{typos}", share, LIMITS[typos], share / LIMITS[typos], "of 1")
                for (kind, typos), each in right.items()
                for share in (sum(each) / len(each),)
            )
    return found


@asynccontextmanager
async def filled(
    arguments: argparse.Namespace,
) -> AsyncIterator[tuple[UUID, Sequence[Person], Sequence[ContactSearch]]]:
    """A tenant with people in it, and the searches that know them."""
    tenant, everybody = uuid4(), list(people(arguments.seed, arguments.people))
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        names: list[ServerName] = ["postgres", "opensearch"] if arguments.opensearch else ["postgres"]
        with start(Path(folder), names) as embedded:
            dsn = embedded.wait("postgres", 60)
            prepare(dsn)
            fill(dsn, tenant, everybody)
            tidy(dsn)
            async with AsyncExitStack() as stack:
                pool = await Backbone(dsn, None).pool(SERVICE)
                stack.push_async_callback(pool.close)
                searches: list[ContactSearch] = [PostgresContactSearch(TenantConnections(pool))]
                if arguments.opensearch:
                    client = await stack.enter_async_context(open_client(embedded.wait("opensearch", 120)))
                    written = OpenSearchContactIndex(client, alias_of(uuid4()))
                    await written.ensure()
                    await index(written, tenant, everybody)
                    searches.append(OpenSearchContactSearch(client, written.alias, timeout=10))
                yield tenant, everybody, searches


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--opensearch", action="store_true")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--json", action="store_true")
    head(["--json"] if parser.parse_args().json else [])
    show(uvloop.run(figures(parser.parse_args())))


if __name__ == "__main__":
    main()
