"""interactions.batch_per_second, timeline.lag_p99: POST /v1/interactions/batch flat out, and its timelines' lag.

Batches of 500 of one tenant go out over a few connections, once all processes have started and what follows from the
contacts is done. Reference of the first is COPY of the same rows into a plain table with an index, in the same server;
of the second a limit. The lag is from the answer of a batch until the timelines show all of it, while interactions come
at the wanted rate, or at four fifths of the measured one where that is less. Processor time per interaction, of every
process, is in the note: on a machine that others use too it says more than the rate.
"""

import asyncio
import itertools
import math
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil
import psycopg
import uvloop

from bench.installation import call, installation
from bench.lag import sign_up_with_id
from bench.load import length_of, request
from bench.report import Figure, show

CONTACTS = 1_000
BATCH = 500
CONNECTIONS = 4
WARM_UP_SECONDS = 3.0
SECONDS = 10.0
WANTED_PER_SECOND = 5_000
LIMIT_SECONDS = 1.0
_LOOK_SECONDS = 0.01
_QUIET_SECONDS = 4
_QUIET_SHARE = 0.2
_PATIENCE_SECONDS = 90.0
_SHOWN_MS = 0.0005
_TYPES = ("call", "email", "meeting", "message")
_TEXT = "Talked about the offer of {n}: wants fewer seats, a longer term, and an answer until the end of week {w}."


def item(number: int, contact: str) -> dict[str, Any]:
    """An interaction as another system would send it."""
    return {
        "type": _TYPES[number % len(_TYPES)],
        "contact_id": contact,
        "occurred_at": f"2026-0{number % 9 + 1}-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00Z",
        "subject": f"Offer {number % 997}",
        "body": _TEXT.format(n=number, w=number % 52),
        "outcome": "interested",
        "duration_seconds": number % 3600,
        "external_id": f"dialer-{number}",
    }


def contacts(url: str, headers: dict[str, str]) -> list[str]:
    """Contacts that the interactions are about."""
    found: list[str] = []
    for start in range(0, CONTACTS, BATCH):
        items = [{"name": f"Given{n} Family{n}"} for n in range(start, start + BATCH)]
        made = call(url, "POST", "/v1/contacts/batch", {"items": items}, headers)
        found += [each["id"] for each in made["results"]]
    return found


class Run:
    """What came of a run: how many were answered, and how long their timelines took.

    With a `rate` no more than so many interactions are sent in a second.
    """

    def __init__(self, rate: float = math.inf) -> None:
        self.done = 0
        self._each = BATCH / rate
        self._next = time.perf_counter()
        self.lags: list[float] = []
        self.open: dict[int, float] = {}  # when a position was answered
        self.ended = False
        self.answered = 0.0

    async def turn(self) -> None:
        """Wait until the next batch may go."""
        self._next += self._each
        await asyncio.sleep(self._next - self._each - time.perf_counter())


async def send(url: str, token: str, bodies: Any, run: Run, until: float) -> None:
    """Batches over one connection, each as soon as the one before it is answered."""
    host = urlsplit(url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    while time.perf_counter() < until:
        await run.turn()
        writer.write(request("POST", "/v1/interactions/batch", next(bodies), headers))
        head = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(length_of(head))
        made = answer.count(b'"status":201')
        if made != BATCH:
            raise SystemExit(f"{made} of {BATCH} interactions were logged: {answer[:300]!r}")
        position = int(head.lower().partition(b"\r\nevent-position:")[2].partition(b"\r\n")[0])
        run.done += made
        run.answered = run.open[position] = time.perf_counter()
    writer.close()


async def watch(dsn: str, tenant: str, run: Run) -> None:
    """Note when timelines have got to what was answered."""
    query = "SELECT position FROM read.checkpoint WHERE tenant_id = %s AND projection = 'timeline_v1'"
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while run.open or not run.ended:
            found = await (await connection.execute(query, (tenant,))).fetchone()
            now, reached = time.perf_counter(), found[0] if found else 0
            for position in [each for each in run.open if each <= reached]:
                run.lags.append(now - run.open.pop(position))
            await asyncio.sleep(_LOOK_SECONDS)


def made_bodies(ids: list[str]) -> Any:
    """Batches without end, encoded."""
    numbers = itertools.count()
    while True:
        some = itertools.islice(numbers, BATCH)
        yield msgspec.json.encode({"items": [item(n, ids[n * 7 % len(ids)]) for n in some]})


async def run_for(
    ready: dict[str, Any], tenant: str, token: str, bodies: Any, seconds: float, rate: float = math.inf
) -> Run:
    """One run, with its timelines waited for."""
    run = Run(rate)
    until = time.perf_counter() + seconds
    watching = asyncio.create_task(watch(ready["postgres_admin"], tenant, run))
    await asyncio.gather(*(send(ready["url"], token, bodies, run, until) for _ in range(CONNECTIONS)))
    run.ended = True
    await watching
    return run


def copied(dsn: str, ids: list[str]) -> float:
    """Rows a second that COPY of the same values writes, committed."""
    count = 20_000
    lines = "\n".join("\t".join(str(value) for value in item(n, ids[n % len(ids)]).values()) for n in range(count))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE public.plain (type text, contact uuid, at timestamptz, subject text, body text, outcome text,"
            " seconds integer, known_as text)"
        )
        connection.execute("CREATE INDEX ON public.plain (contact, at)")
        started = time.perf_counter()
        with connection.cursor().copy("COPY public.plain FROM STDIN") as copy:
            copy.write(lines + "\n")
        taken = time.perf_counter() - started
        connection.execute("DROP TABLE public.plain")
    return count / taken


def processor_times(pid: int) -> dict[str, float]:
    """Seconds of processor time by what runs: a role, Postgres, NATS, Valkey; and this program."""
    found: dict[str, float] = {"load": time.process_time()}
    for process in psutil.Process(pid).children(recursive=True):
        try:
            name, times, last = process.name(), process.cpu_times(), process.cmdline()[-1:]
        except psutil.NoSuchProcess:
            continue
        name = last[0] if last and last[0] in {"api", "relay", "projector", "worker"} else name.partition("-")[0]
        found[name] = found.get(name, 0.0) + times.user + times.system
    return found


def settle(pid: int) -> None:
    """Wait until everything has been quiet for some seconds: what starts, or follows later, is none of interactions."""
    quiet, deadline, before = 0, time.monotonic() + _PATIENCE_SECONDS, 0.0
    while quiet < _QUIET_SECONDS and time.monotonic() < deadline:
        time.sleep(1.0)
        now = sum(processor_times(pid).values())
        quiet = quiet + 1 if now - before < _QUIET_SHARE else 0
        before = now


def main() -> None:
    with installation("--search", "postgres") as ready:
        tenant, token = sign_up_with_id(str(ready["url"]))
        ids = contacts(str(ready["url"]), {"Authorization": f"Bearer {token}"})
        copying = copied(ready["postgres_admin"], ids)
        settle(ready["pid"])
        bodies = made_bodies(ids)
        uvloop.run(run_for(ready, tenant, token, bodies, WARM_UP_SECONDS))
        before, started = processor_times(ready["pid"]), time.perf_counter()
        run = uvloop.run(run_for(ready, tenant, token, bodies, SECONDS))
        after = processor_times(ready["pid"])
        rate = run.done / (run.answered - started)
        pace = WANTED_PER_SECOND if rate >= WANTED_PER_SECOND else rate * 0.8
        paced = uvloop.run(run_for(ready, tenant, token, bodies, SECONDS, pace))
    used = {name: (after[name] - before.get(name, 0.0)) / run.done * 1000 for name in after}
    each = ", ".join(f"{name} {ms:.3f}" for name, ms in sorted(used.items(), key=lambda one: -one[1]) if ms > _SHOWN_MS)
    note = f"target {WANTED_PER_SECOND:,}/s; ms of processor per interaction: {sum(used.values()):.3f} ({each})"
    lag = statistics.quantiles(paced.lags, n=100)[-1]
    at = f"a limit; at {paced.done / SECONDS:,.0f} interactions/s"
    show(
        [
            Figure("interactions.batch_per_second", rate, copying, rate / copying, "rows/s", note),
            Figure("timeline.lag_p99", lag, LIMIT_SECONDS, LIMIT_SECONDS / lag, "s", at),
        ]
    )


if __name__ == "__main__":
    main()
