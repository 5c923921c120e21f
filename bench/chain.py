"""What the hash chain costs an append: `store.append` with and without it, in turn, on one server.

Both take batches as 64 callers make them (32 appends of one event, while the other half is under way; here one after
the other). CPU is that of the server's process: it is disturbed least by other work on the machine.
"""

import json
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from msgspec import Struct

from bench.backbone import backbone
from bench.report import Figure, show

BATCH = 32
ROUNDS = 15
CALLS = 40

_APPEND = Path(__file__).parents[1] / "infra/event_store/sql/002_append.sql"
_DATA = json.dumps({
    "name": {"given": "Ada", "family": "Lovelace", "display": "Ada Lovelace"},
    "emails": [{"value": "ada@engines.example", "kind": "work", "primary": True}],
    "company": "Analytical Engines Ltd", "title": "Countess", "tags": ["a"], "owner_id": str(UUID(int=1)),
})  # fmt: skip
_METADATA = json.dumps({"actor": {"kind": "user", "id": str(UUID(int=1))}, "correlation_id": "5f0c9a52c1d74c0e"})
_CUTS = (
    (r"array_agg\(x\.occurred_at\),\n +array_agg\('.*?\n      INTO", "array_agg(x.occurred_at)\n      INTO"),
    (r", e_what, e_bytes\n", "\n"),
    (r"    -- Chain them:.*?\n(?=    IF moved)", ""),
    (r", u\.hash\n", ", genesis\n"),
    (r", hashes\)\n", ")\n"),
    (r"occurred, hash, n\)", "occurred, n)"),
    (r"CREATE FUNCTION store\.append", "CREATE OR REPLACE FUNCTION store.append"),
)


class Cost(Struct, frozen=True):
    """Microseconds an event."""

    cpu: float
    wait: float


def unchained() -> str:
    """The SQL of `store.append` without the chain; it writes zeros for hashes."""
    return cut(_APPEND, _CUTS)


def cut(path: Path, cuts: Sequence[tuple[str, str]]) -> str:
    """A file of SQL in which each pattern, which is there once, is replaced.

    Raises:
        ValueError: the file is not the one that this knows how to cut.
    """
    text = path.read_text()
    for pattern, replacement in cuts:
        text, count = re.subn(pattern, lambda _, put=replacement: put, text, flags=re.DOTALL)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{pattern!r} is {count} times in {path.name}")
    return text


def without_chain(dsn: str) -> None:
    """Replace `store.append` of a database of benchmarks by one without the chain; nothing else has this."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(unchained().encode())


def with_chain(dsn: str) -> None:
    """Put `store.append` back as the migration has it."""
    text = _APPEND.read_text().replace("CREATE FUNCTION store.append", "CREATE OR REPLACE FUNCTION store.append")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def measure(dsn: str) -> tuple[Cost, Cost]:
    """An event's cost with and without the chain; of rounds taken in turn the best, for other work only adds to it."""
    found: dict[bool, list[Cost]] = {True: [], False: []}
    tenant = uuid4()
    for number in range(2 * ROUNDS + 2):
        chained = number % 2 == 0
        (with_chain if chained else without_chain)(dsn)
        cost = _round(dsn, tenant)
        if number > 1:  # the first of each has cold caches
            found[chained].append(cost)
    return _best(found[True]), _best(found[False])


def _round(dsn: str, tenant: UUID) -> Cost:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.prepare_threshold = 1
        cpu, waits = [], []
        for _ in range(CALLS + 5):
            argument = _batch(tenant)
            before, started = _cpu(connection), time.perf_counter()
            connection.execute("SELECT * FROM store.append(%s::jsonb, true)", (argument,), binary=True).fetchall()
            waits.append(time.perf_counter() - started)
            cpu.append(_cpu(connection) - before)
    return Cost(*(1e6 * statistics.median(each[5:]) / BATCH for each in (cpu, waits)))


def _batch(tenant: UUID) -> str:
    event = {"version": 1, "first": True, "topic": "contact.registered.v1", "data": _DATA, "metadata": _METADATA}
    times = {"occurred_at": "2026-02-03T04:05:06.123456Z"}
    return json.dumps({
        "appends": [{"tenant": str(tenant), "command": str(uuid4())} for _ in range(BATCH)],
        "events": [{"a": number + 1, "stream": str(uuid4())} | event | times for number in range(BATCH)],
    })  # fmt: skip


def _cpu(connection: psycopg.Connection[Any]) -> float:
    """Seconds that the server's process of this connection has been running."""
    return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9


def _best(costs: list[Cost]) -> Cost:
    return Cost(min(each.cpu for each in costs), min(each.wait for each in costs))


def main() -> None:
    with backbone() as store:
        chained, plain = measure(store.dsn)
    size = len(_DATA) + len(_METADATA)
    note = f"{chained.cpu - plain.cpu:.1f} us of CPU for {size} bytes of data and metadata"
    show([Figure("append.chain", chained.cpu, plain.cpu, plain.cpu / chained.cpu, "us/event", note)])


if __name__ == "__main__":
    main()
