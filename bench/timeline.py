"""timeline.page_p95, timeline.growth: pages of a contact's timeline over HTTP, with 100,000 entries on one contact.

500,000 entries are in the tenant's read model, 5 million with --full; they are filled in past the log. Both ends, the
middle and filters are read, each kind of page by itself, and the slowest kind counts. Its reference is a limit. The
growth is the slowest kind's time over what it takes where there is a tenth of all this, in an installation of its own,
turn about.
"""

import http.client
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from msgspec import Struct
from psycopg import sql

from bench.installation import call, installation
from bench.lag import sign_up_with_id
from bench.report import Figure, show

ON_ONE, MANY, FULL = 100_000, 500_000, 5_000_000
TENTH = 10
ROUNDS = 5
READS = 40
LIMIT_MS = 30.0
WANTED_GROWTH = 1.3
_OTHERS = 5_000
_START = datetime(2020, 1, 1, tzinfo=UTC)
_MINUTES = 10

# One in a thousand has another outcome, one in ten thousand a word that no other has; the rest is spread evenly.
_FILL = """
INSERT INTO read.timeline_v1 (tenant_id, record_id, id, since, stream_id, kind, at, told_at, type, channel, author_id,
                              outcome, title, said, refs, words)
SELECT %(tenant)s, e.record, e.id, 1, e.id, 'interaction', e.at, e.at,
       e.type, e.channel, %(tenant)s, e.outcome, 'Offer ' || n %% 997,
       array_to_string(said, ' '), jsonb_build_object('contact_id', e.record),
       array_to_tsvector(ARRAY(
           SELECT DISTINCT right(e.record::text, 8) || w
             FROM unnest(said || ARRAY['offer', '=type=' || type, '=channel=' || channel, '=outcome=' || outcome]) w))
  FROM (SELECT n, gen_random_uuid() AS id, %(start)s + n * interval '10 minutes' AS at,
               CASE WHEN n <= %(on_one)s THEN %(contact)s ELSE md5((n %% %(others)s)::text)::uuid END AS record,
               (ARRAY['call', 'email', 'meeting', 'message'])[n %% 4 + 1] AS type,
               (ARRAY['phone', 'email', 'video'])[n %% 3 + 1] AS channel,
               CASE WHEN n %% 1000 = 7 THEN 'lost' ELSE 'interested' END AS outcome,
               ARRAY['talked', 'about', 'the', 'offer', 'wants', 'fewer', 'seats', 'week' || n %% 52, 'n' || n %% 997,
                     CASE WHEN n %% 10000 = 3 THEN 'zebra' ELSE 'answer' END] AS said
          FROM generate_series(1, %(all)s) n) e
"""

_READY = """
SELECT FROM read.contact_v1 k JOIN read.checkpoint c USING (tenant_id)
 WHERE k.id = %s AND c.projection = 'timeline_words_v1' AND c.position > 0
"""
# Of the crowded contact all words are in the index, as the projection keeps them.
_LIST = """
INSERT INTO read.timeline_word_v1
SELECT tenant_id, record_id, since, id, words
  FROM read.timeline_v1 WHERE tenant_id = %(tenant)s AND record_id = %(contact)s
    ON CONFLICT DO NOTHING
"""


class Timelines(Struct, frozen=True):
    """An installation with a contact that a lot has happened with."""

    url: str
    headers: dict[str, str]
    contact: str
    entries: int

    def pages(self) -> dict[str, str]:
        """What is read, by name: paths with queries."""
        path = f"/v1/contacts/{self.contact}/timeline?limit=50"
        end = quote((_START + timedelta(minutes=_MINUTES * self.entries // 2)).isoformat())
        middle = f"{path}&to={end}"
        cursor = quote(call(self.url, "GET", middle, None, self.headers)["next_cursor"])
        # As long a page with a tenth of the entries, where there are ten of these.
        rare = path.replace("limit=50", "limit=10")
        return {
            "newest": path,
            "oldest": f"{path}&order=asc",
            "middle": f"{middle}&cursor={cursor}",
            "type": f"{path}&type=meeting&channel=video",
            "rare": f"{rare}&outcome=lost&order=asc",
            "none": f"{path}&outcome=unheard",
            "word": f"{path}&q=offer%20seats",
            "rare_word": f"{path}&q=zeb",
        }


def filled(ready: dict[str, Any], on_one: int, count: int) -> Timelines:
    """The timelines of an installation, with so many entries."""
    url = str(ready["url"])
    tenant, token = sign_up_with_id(url)
    headers = {"Authorization": f"Bearer {token}"}
    contact = str(call(url, "POST", "/v1/contacts", {"name": "Ada"}, headers)["id"])
    values = {"tenant": tenant, "contact": contact, "on_one": on_one, "all": count, "others": _OTHERS, "start": _START}
    with psycopg.connect(ready["postgres_admin"], autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '256MB'")
        while not connection.execute(_READY, (contact,)).rowcount:
            time.sleep(0.05)
        # Indexes are made afterwards, in a tenth of the time.
        query = (
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename IN ('timeline_v1', 'timeline_word_v1') AND indexname NOT LIKE '%pkey'"
        )
        indexes = connection.execute(query).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("read", name)))
        connection.execute(_FILL, values)
        connection.execute(_LIST, values)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM (ANALYZE) read.timeline_v1, read.timeline_word_v1")
    return Timelines(url, headers, contact, on_one)


def times(timelines: Timelines, path: str) -> list[float]:
    """How long a page takes, in ms, several times over one connection."""
    connection = http.client.HTTPConnection(urlsplit(timelines.url).netloc, timeout=30)
    found = []
    for _ in range(READS):
        started = time.perf_counter()
        connection.request("GET", path, headers=timelines.headers)
        answer = connection.getresponse()
        body = answer.read()
        found.append((time.perf_counter() - started) * 1000)
        if answer.status != http.client.OK:
            raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
    connection.close()
    return found


def p95(values: list[float]) -> float:
    """What nineteen of twenty stay under."""
    return statistics.quantiles(values, n=20)[-1]


def measured(few: Timelines, many: Timelines) -> dict[str, tuple[float, float]]:
    """Of each kind of page how long nineteen of twenty take, with few and with many: the median of the rounds."""
    of_few, of_many = few.pages(), many.pages()
    rounds = [
        {name: (p95(times(few, of_few[name])), p95(times(many, of_many[name]))) for name in of_few}
        for _ in range(ROUNDS)
    ]
    return {
        name: (statistics.median(each[name][0] for each in rounds), statistics.median(each[name][1] for each in rounds))
        for name in of_few
    }


def main() -> None:
    count = FULL if "--full" in sys.argv else MANY
    with ExitStack() as stack:
        few, many = (
            filled(stack.enter_context(installation("--search", "postgres")), on_one, entries)
            for on_one, entries in ((ON_ONE // TENTH, count // TENTH), (ON_ONE, count))
        )
        found = measured(few, many)
    name, (before, slowest) = max(found.items(), key=lambda each: each[1][1])
    kinds = ", ".join(f"{kind} {ms:.1f}" for kind, (_, ms) in found.items())
    note = f"a limit; {ON_ONE:,} entries on the contact, {count:,} in all; by kind: {kinds}"
    growth = f"{name}; by kind: " + ", ".join(f"{kind} {late / early:.2f}" for kind, (early, late) in found.items())
    show(
        [
            Figure("timeline.page_p95", slowest, LIMIT_MS, LIMIT_MS / slowest, "ms", note),
            Figure(
                "timeline.growth", slowest, before, before / slowest, "ms", f"1/{WANTED_GROWTH} is the limit; {growth}"
            ),
        ]
    )


if __name__ == "__main__":
    main()
