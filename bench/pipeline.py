"""pipeline.*: how long a look at the pipeline takes with 200,000 leads, and how much longer than with 20,000.

The first is of whole requests, against a limit. The others are of the statement alone, by the server's own clock, in
turns between a tenant with the one number of leads and a tenant with the other: of everything, of one owner and one
source, and of a period that begins and ends within days.
"""

import statistics
import time
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.installation import call, installation
from bench.pipeline_fill import fill, tidy
from bench.report import Figure, show

FEW, MANY = 20_000, 200_000
MOST_MS = 50.0
MOST_GROWTH = 1.3
_TURNS = 40
_LOOKS: dict[str, tuple[Any, ...]] = {
    "all": (None, None, None, None),
    "owner": ([UUID(int=7)], "web", None, None),
    "period": (None, None, "2024-06-03T10:00:00Z", "2025-03-05T16:00:00Z"),
}
_LOOK = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT read.pipeline_v1(%s::uuid[], %s, %s, %s)"


def registered(url: str) -> tuple[UUID, dict[str, str]]:
    """A new tenant, and what its requests carry."""
    email = f"{uuid4().hex}@bench.example"
    body = {"tenant_name": "Bench", "name": "Bench", "email": email, "password": "a long enough password"}
    made = call(url, "POST", "/v1/auth/register", body)
    return UUID(made["tenant_id"]), {"Authorization": f"Bearer {made['access_token']}"}


def requests(url: str, headers: dict[str, str]) -> float:
    """What nineteen of twenty requests stay under, in ms."""
    times = []
    for _ in range(5 * _TURNS):
        started = time.perf_counter()
        figures = call(url, "GET", "/v1/pipeline", None, headers)
        times.append((time.perf_counter() - started) * 1000)
    if sum(each["count"] for each in figures["statuses"]) != MANY:
        raise ValueError("the pipeline is not that of all leads")
    return statistics.quantiles(times, n=20)[-1]


def statements(dsn: str, few: UUID, many: UUID, look: tuple[Any, ...]) -> tuple[float, float]:
    """The median of what the statement takes with few and with many leads, in ms."""
    times: dict[UUID, list[float]] = {few: [], many: []}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(_TURNS):
            for tenant, found in times.items():
                with connection.transaction():
                    connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
                    row = connection.execute(_LOOK, look).fetchone()
                found.append(float(row[0][0]["Execution Time"]) if row else 0.0)
    return statistics.median(times[few]), statistics.median(times[many])


def main() -> None:
    with installation("--search", "postgres") as ready:
        url, dsn = str(ready["url"]), str(ready["postgres_admin"])
        (few, _), (many, headers) = registered(url), registered(url)
        fill(dsn, few, FEW)
        fill(dsn, many, MANY)
        tidy(dsn)
        whole = requests(url, headers)
        taken = {name: statements(dsn, few, many, look) for name, look in _LOOKS.items()}
    show([Figure("pipeline.p95_200000", whole, MOST_MS, MOST_MS / whole, "ms", "a limit")])
    for name, (before, after) in taken.items():
        grown = after / before
        note = f"a limit; {before:.1f} ms with 20,000 leads, {after:.1f} with 200,000"
        show([Figure(f"pipeline.growth_{name}", grown, MOST_GROWTH, MOST_GROWTH / grown, "times", note)])


if __name__ == "__main__":
    main()
