"""import.vs_copy, import.searchable, import.neighbour_p95, import.rss: 20,000 contacts, duplicates looked for.

The reference of the first is COPY of the same rows into a plain table with an index on the e-mail, in the same server.
The neighbour is another tenant that reads one contact over and over, before the import and while it goes on.
"""

import http.client
import statistics
import time
from collections.abc import Callable
from typing import Any

import psutil
import psycopg

from bench.installation import call, installation, sign_up
from bench.report import Figure, show

ROWS = 20_000
WANTED_SECONDS = 5.0
WANTED_MB = 300.0
_READS = 400
_HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="c.csv"\r\n\r\n'


def rows() -> list[str]:
    """Names, e-mails, phones and companies of people who are nobody's doubles."""
    return [f"Given{n} Family{n % 977},p{n}@x.example,+4930{1_000_000 + n},Company {n % 300}" for n in range(ROWS)]


def copied(dsn: str, lines: list[str]) -> float:
    """Seconds that COPY of the rows takes, committed."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.plain (name text, email text, phone text, company text)")
        connection.execute("CREATE INDEX ON public.plain (email)")
        started = time.perf_counter()
        with connection.cursor().copy("COPY public.plain FROM STDIN (FORMAT csv)") as copy:
            copy.write("\n".join(lines) + "\n")
        taken = time.perf_counter() - started
        connection.execute("DROP TABLE public.plain")
    return taken


def p95(read: Callable[[], Any], until: Callable[[], bool]) -> float:
    """What nineteen of twenty reads stay under, in ms; there are _READS at least."""
    times: list[float] = []
    while not until() or len(times) < _READS:
        started = time.perf_counter()
        read()
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.01)
    return statistics.quantiles(times, n=20)[-1]


def uploaded(url: str, headers: dict[str, str], lines: list[str]) -> str:
    """The path of the import that a file became."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    body = _HEAD + "\n".join(["name,email,phone,company", *lines]).encode() + b"\r\n--b--\r\n"
    connection.request("POST", "/v1/imports", body, headers | {"Content-Type": "multipart/form-data; boundary=b"})
    made = connection.getresponse()
    connection.close()
    return str(made.headers["Location"])


def main() -> None:
    with installation("--search", "postgres") as ready:
        url, lines = str(ready["url"]), rows()
        mine, others = ({"Authorization": f"Bearer {sign_up(url)}"} for _ in range(2))
        contact = call(url, "POST", "/v1/contacts", {"name": "Ada"}, others)["id"]
        worker = next(p for p in psutil.Process(ready["pid"]).children() if p.cmdline()[-1] == "worker")

        def read() -> Any:
            return call(url, "GET", f"/v1/contacts/{contact}", None, others)

        copying = copied(ready["postgres_admin"], lines)
        alone = p95(read, lambda: True)
        path = uploaded(url, mine, lines)
        started = time.perf_counter()
        call(url, "POST", f"{path}/start", {}, mine)
        beside = p95(read, lambda: call(url, "GET", path, None, mine)["status"] != "running")
        taken = time.perf_counter() - started
        memory = worker.memory_info().rss / 1e6
        ended = time.perf_counter()
        while not call(url, "GET", f"/v1/contacts/search?q=p{ROWS - 1}@x.example", None, mine)["data"]:
            time.sleep(0.05)
        visible = time.perf_counter() - ended
    note = "20,000 contacts; the target is 5,000/s"
    show(
        [
            Figure("import.vs_copy", ROWS / taken, ROWS / copying, copying / taken, "rows/s", note),
            Figure("import.searchable", visible, WANTED_SECONDS, WANTED_SECONDS / visible, "s", "a limit"),
            Figure("import.neighbour_p95", beside, alone, alone / beside, "ms", "0.5 is the limit"),
            Figure("import.rss", memory, WANTED_MB, WANTED_MB / memory, "MB", "the worker; a limit"),
        ]
    )


if __name__ == "__main__":
    main()
