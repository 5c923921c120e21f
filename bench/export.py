"""export.*: contacts a second through GET /v1/contacts/export, and what others' requests wait for meanwhile.

The reference of the rates is Postgres's own COPY of the same rows to CSV, over one connection. The contacts are copies
of one that was registered, with something in every field, put where exports read.
"""

import http.client
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.installation import call, installation, sign_up
from bench.report import Figure, show

CONTACTS = 50_000
ROUNDS = 3
LIMIT_MS = 20.0
_SETTLING_SECONDS = 2.0

CONTACT: dict[str, Any] = {
    "name": "Ada Lovelace",
    "emails": [{"value": "ada@engines.example"}, {"value": "ada@home.example", "kind": "home"}],
    "phone": "+44 20 7946 0018",
    "company": "Analytical Engines Ltd",
    "title": "Countess",
    "tags": ["mathematics", "vip"],
    "external_ids": {"erp": "7"},
}
_COPIES = """
INSERT INTO read.contact_past_v1
SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'since', 1, 'until', NULL,
        'created_at', p.created_at - n * interval '1 millisecond'))).*
  FROM read.contact_past_v1 p, generate_series(1, %s) AS n WHERE p.until IS NULL
"""
_SAME = """
COPY (SELECT c.*, f.name AS company FROM read.contact_past_v1 c
        LEFT JOIN read.company_past_v1 f ON f.tenant_id = c.tenant_id AND f.id = c.company_id
       ORDER BY c.tenant_id, c.created_at, c.id) TO STDOUT (FORMAT csv)
"""


def exported(url: str, token: str, kind: str) -> float:
    """Contacts a second, from the request to the last byte of the file."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    started = time.perf_counter()
    connection.request("GET", f"/v1/contacts/export?format={kind}", headers={"Authorization": f"Bearer {token}"})
    answer, found = connection.getresponse(), 0
    mark, kept = (b"\r\n", b"") if kind == "csv" else (b"END:VCARD", b"")
    while chunk := answer.read1(1 << 20):
        whole = kept + chunk
        found += whole.count(mark) - kept.count(mark)
        kept = whole[-len(mark) + 1 :]
    connection.close()
    if found < CONTACTS:
        raise SystemExit(f"export: {found} of {CONTACTS} contacts")
    return found / (time.perf_counter() - started)


def copied(dsn: str) -> float:
    """Rows a second of COPY."""
    started, size = time.perf_counter(), 0
    with psycopg.connect(dsn) as connection, connection.cursor().copy(_SAME) as copy:
        for block in copy:
            size += len(block)
    return CONTACTS / (time.perf_counter() - started)


@contextmanager
def exporting(url: str, token: str) -> Iterator[None]:
    """Exports, one after the other, as long as it lasts."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            exported(url, token, "csv")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def waited(url: str, token: str) -> float:
    """How many milliseconds the slowest in twenty of others' requests takes."""
    connection, times = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30), []
    for _ in range(200):
        started = time.perf_counter()
        connection.request("GET", "/v1/me", headers={"Authorization": f"Bearer {token}"})
        connection.getresponse().read()
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.005)
    connection.close()
    return statistics.quantiles(times, n=20)[-1]


def figures() -> list[Figure]:
    """Turn about, since the speed of a shared machine changes from second to second."""
    with installation("--search", "postgres") as ready:
        url, dsn = ready["url"], ready["postgres_admin"]
        token = sign_up(url)
        call(url, "POST", "/v1/contacts", CONTACT, {"Authorization": f"Bearer {token}"})
        time.sleep(_SETTLING_SECONDS)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(_COPIES, (CONTACTS - 1,))
            connection.execute("ANALYZE read.contact_past_v1, read.company_past_v1")
        rounds = [(exported(url, token, "csv"), exported(url, token, "vcard"), copied(dsn)) for _ in range(ROUNDS)]
        with exporting(url, token):
            meanwhile = waited(url, token)
    csv, vcard, copy = (statistics.median(each) for each in zip(*rounds, strict=True))
    note = f"{CONTACTS:,} contacts, median of {ROUNDS}"
    return [
        Figure("export.rows_per_second", csv, copy, csv / copy, "contacts/s", f"CSV, {note}"),
        Figure("export.vcard_rows_per_second", vcard, copy, vcard / copy, "contacts/s", f"vCard, {note}"),
        Figure("export.neighbour_p95", meanwhile, LIMIT_MS, LIMIT_MS / meanwhile, "ms", "GET /v1/me during exports"),
    ]


def main() -> None:
    """Measure and report."""
    show(figures())


if __name__ == "__main__":
    main()
