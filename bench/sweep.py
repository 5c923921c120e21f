"""sweep.seconds, sweep.worker_cpu, sweep.neighbour_p95: 200,000 leads of 1,000 tenants looked through for quiet ones.

All of them are quiet by their own events. Of four in five an interaction tells that they are not; the others are
flagged (40,000 events). The neighbour is another tenant that reads one contact over and over, before and meanwhile.
"""

import time
from typing import Any
from uuid import uuid4

import psutil
import psycopg

from bench.imports import p95
from bench.installation import call, installation, sign_up
from bench.report import Figure, show
from projections.registry import POSTGRES

TENANTS, LEADS, FLAGGED = 1_000, 200, 40
WANTED_SECONDS = 60.0
_MOST_SECONDS = 170.0

# Tenants and leads by number. What the read models have is what the log says: nobody has anything to catch up with.
_FILL = """
CREATE TEMP TABLE t AS SELECT md5('sweep' || n || %(run)s)::uuid AS tenant_id FROM generate_series(1, %(tenants)s) n;
CREATE TEMP TABLE l AS
SELECT t.tenant_id, n, md5(t.tenant_id || '/' || n)::uuid AS id FROM t, generate_series(1, %(leads)s) n;
INSERT INTO store.event
    (tenant_id, position, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at, hash)
SELECT tenant_id, n, id, 1, 'lead.registered.v1', '{"title":""}',
       '{"actor":{"kind":"system"},"correlation_id":"bench"}',
       id, now() - interval '40 days', now(), sha256(n::text::bytea)
  FROM l;
INSERT INTO read.lead_v1 (tenant_id, id, position, version, title, owner_id, tags, custom, external_ids, status,
                          status_since, stays, lent_company, occurred_at, last_activity_at, created_at, updated_at)
SELECT tenant_id, id, n, 1, 'Engine', md5(tenant_id || '/' || n %% 10)::uuid, '{}', '{}', '{}', 'new', o.at,
       jsonb_build_array(jsonb_build_object('status', 'new', 'since', o.at)), false, o.at, o.at, o.at, o.at
  FROM l, (SELECT now() - interval '40 days' AS at) o;
INSERT INTO read.timeline_v1 (tenant_id, record_id, id, since, stream_id, kind, at, told_at, said, refs, words)
SELECT tenant_id, id, md5(id || 'call')::uuid, n, md5(id || 'call')::uuid, 'interaction', now() - o.ago, now() - o.ago,
       '', '{}', ''
  FROM l, LATERAL (SELECT CASE WHEN n <= %(flagged)s THEN interval '35 days' ELSE interval '5 days' END AS ago) o;
INSERT INTO read.checkpoint SELECT tenant_id, p, %(leads)s FROM t, unnest(%(checkpoints)s::text[]) p;
INSERT INTO store.tenant_head (tenant_id, position, recorded_at, hash)
SELECT tenant_id, %(leads)s, now(), sha256('head') FROM t;
"""
_NOT_SWEPT = "coalesce(s.swept_at, '-infinity') = '-infinity'"
_COUNT = "SELECT count(*) FROM store.event WHERE topic = 'lead.flagged_inactive.v1'"


def fill(dsn: str) -> None:
    """All of it in one transaction: the worker sees tenants when all is there."""
    values = {
        "run": uuid4().hex,
        "tenants": TENANTS,
        "leads": LEADS,
        "flagged": FLAGGED,
        "checkpoints": [each.checkpoint for each in POSTGRES],
    }
    with psycopg.connect(dsn, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_FILL, values)
        connection.execute("ANALYZE read.lead_v1, read.timeline_v1, store.event")


def figures() -> list[Figure]:
    """One run; the worker is the installation's own."""
    with installation("--search", "postgres") as ready:
        url, dsn = str(ready["url"]), str(ready["postgres_admin"])
        others = {"Authorization": f"Bearer {sign_up(url)}"}
        contact = call(url, "POST", "/v1/contacts", {"name": "Ada"}, others)["id"]
        worker = next(p for p in psutil.Process(ready["pid"]).children() if p.cmdline()[-1] == "worker")

        def read() -> Any:
            return call(url, "GET", f"/v1/contacts/{contact}", None, others)

        with psycopg.connect(dsn, autocommit=True) as connection:

            def is_done() -> bool:
                query = f"""SELECT count(*) FROM store.tenant_head h LEFT JOIN store.sweep s USING (tenant_id)
                             WHERE h.position >= {LEADS} AND {_NOT_SWEPT}"""
                row = connection.execute(query).fetchone()
                if time.perf_counter() - started > _MOST_SECONDS:
                    raise SystemExit(f"sweep: {row} tenants are still left")
                return row == (0,)

            started = time.perf_counter()
            alone = p95(read, lambda: True)
            cpu = sum(worker.cpu_times()[:2])
            fill(dsn)
            started = time.perf_counter()
            beside = p95(read, is_done)
            taken = time.perf_counter() - started
            cpu = sum(worker.cpu_times()[:2]) - cpu
            flagged = connection.execute(_COUNT).fetchone()
    if flagged != (TENANTS * FLAGGED,):
        raise SystemExit(f"sweep: {flagged} leads were flagged, not {TENANTS * FLAGGED}")
    setting = f"{TENANTS:,} tenants, {TENANTS * LEADS:,} leads, {TENANTS * FLAGGED:,} flagged"
    return [
        Figure("sweep.seconds", taken, WANTED_SECONDS, WANTED_SECONDS / taken, "s", f"{setting}; a limit"),
        Figure("sweep.worker_cpu", cpu, WANTED_SECONDS, WANTED_SECONDS / cpu, "s", "of one core, beside the limit"),
        Figure("sweep.neighbour_p95", beside, alone, alone / beside, "ms", "0.67 is the limit"),
    ]


def main() -> None:
    """Measure and report."""
    show(figures())


if __name__ == "__main__":
    main()
