"""report.*: a report on interactions, against a plain GROUP BY of the same figures in the same server.

100,000 interactions of three years by 50 authors with 20,000 contacts, one in two in a conversation; 1,000,000 with
--full. Of each report the slowest in twenty is told, of all of the time and of one month. report.mirrored is how many
interactions a second the read model takes in; its reference is COPY of the same rows into a plain table with an index.
"""

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import uvloop

from bench.backbone import Backbone, backbone
from bench.report import Figure, show
from infra.postgres import PROJECTOR, SERVICE, TenantConnections
from projections.reports.figures import GroupBy
from projections.reports.queries import Asked, report
from projections.reports.report import PROJECTION

INTERACTIONS = 100_000
FULL = 1_000_000
TIMES = 10
BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
MONTH = (datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))

_FILL = """
INSERT INTO read.interaction_v1
    (tenant_id, id, version, position, at, type, channel, direction, occurred_at, recorded_at, contact_id, author_id,
     outcome, due_at, participants, attachments, missing, created_at, updated_at)
SELECT %(tenant)s, md5('i' || n)::uuid, 1, n, t.at, t.type, t.channel, t.direction, t.at, t.at,
       md5('c' || n * 7919 %% 20000)::uuid, md5('a' || n %% 50)::uuid,
       (ARRAY['reached', 'no answer', 'interested', NULL])[n * 31 %% 4 + 1],
       CASE WHEN n %% 10 = 0 THEN t.at + interval '30 days' END, '[]', '[]', '{}', t.at, t.at
  FROM (SELECT n, %(begin)s::timestamptz + n * %(step)s::interval AS at,
               (ARRAY['call', 'email', 'meeting', 'web_visit'])[n * 13 %% 4 + 1] AS type,
               (ARRAY['phone', 'email', 'in_person', 'web'])[n * 13 %% 4 + 1] AS channel,
               (ARRAY['inbound', 'outbound', 'internal'])[n * 17 %% 3 + 1] AS direction
          FROM generate_series(1, %(count)s) n) t
"""
_PLAIN = """
SELECT author_id, type, outcome, count(*),
       count(*) FILTER (WHERE due_at > now()),
       count(*) FILTER (WHERE due_at <= now())
  FROM read.interaction_v1
 WHERE tenant_id = %s AND at >= coalesce(%s, '-infinity'::timestamptz) AND at < coalesce(%s, 'infinity'::timestamptz)
 GROUP BY 1, 2, 3
"""
_COPIED = "CREATE TABLE public.plain (LIKE read.interaction_v1 INCLUDING ALL)"


async def mirrored(servers: Backbone, tenant: UUID) -> float:
    """Seconds that the read model takes to take it all in."""
    pool = await servers.pool(PROJECTOR)
    connections, after = TenantConnections(pool), UUID(int=0)
    refill = PROJECTION.refill
    assert refill is not None  # noqa: S101  it mirrors rows
    started = time.perf_counter()
    try:
        while True:
            async with connections.of(tenant) as connection:
                last = await refill(connection, tenant, after)
            if last is None:
                return time.perf_counter() - started
            after = last
    finally:
        await pool.close()


async def reported(servers: Backbone, tenant: UUID) -> dict[tuple[GroupBy, bool], float]:
    """Seconds of the slowest in twenty of each report: of all, and of a month."""
    pool = await servers.pool(SERVICE)
    connections = TenantConnections(pool)
    found = {}
    for group_by in GroupBy:
        for is_short in (False, True):
            since, until = MONTH if is_short else (None, None)
            about, taken = Asked(group_by=group_by, since=since, until=until), []
            for _ in range(TIMES):
                started = time.perf_counter()
                async with connections.of(tenant) as connection:
                    await report(connection, tenant, about, now=datetime.now(UTC), limit=50)
                taken.append(time.perf_counter() - started)
            found[group_by, is_short] = p95(taken)
    await pool.close()
    return found


def p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


def plain(dsn: str, tenant: UUID, *, is_short: bool) -> float:
    """The same of one GROUP BY over all rows, without response times."""
    taken = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(TIMES):
            started = time.perf_counter()
            connection.execute(_PLAIN, (tenant, *(MONTH if is_short else (None, None)))).fetchall()
            taken.append(time.perf_counter() - started)
    return p95(taken)


def filled(dsn: str, tenant: UUID, count: int) -> float:
    """Put the interactions there; gives the seconds of COPY of as many rows."""
    step = timedelta(days=3 * 365) / count
    with psycopg.connect(dsn, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(_FILL, {"tenant": tenant, "begin": BEGIN, "step": step, "count": count})
        cursor.execute("VACUUM (ANALYZE) read.interaction_v1")
        cursor.execute(_COPIED)
        with cursor.copy("COPY read.interaction_v1 TO STDOUT") as copy:
            rows = b"".join(copy)
        started = time.perf_counter()
        with cursor.copy("COPY public.plain FROM STDIN") as copy:
            copy.write(rows)
        return time.perf_counter() - started


def main() -> None:
    """Measure and report."""
    count = FULL if "--full" in sys.argv else INTERACTIONS
    tenant = uuid4()
    with backbone() as servers:
        copied = filled(servers.dsn, tenant, count)
        seconds = uvloop.run(mirrored(servers, tenant))
        with psycopg.connect(servers.dsn, autocommit=True) as connection:
            for table in PROJECTION.tables:
                connection.execute(f"VACUUM (ANALYZE) read.{table}")
        references = {is_short: plain(servers.dsn, tenant, is_short=is_short) for is_short in (False, True)}
        taken = uvloop.run(reported(servers, tenant))
    figures = [Figure("report.mirrored", count / seconds, count / copied, copied / seconds, "rows/s", f"{count:,}")]
    for (group_by, is_short), ours in taken.items():
        name, reference = f"report.{group_by.value}_{'month' if is_short else 'all'}", references[is_short]
        figures.append(Figure(name, ours * 1000, reference * 1000, reference / ours, "ms", "p95"))
    show(figures)


if __name__ == "__main__":
    main()
