"""What the hash chain costs an append: `store.append_columns` with and without it, in turn, on one server.

Both take batches as 64 callers make them (32 appends of one event, while the other half is under way; here one after
the other). CPU is that of the server's process: it is disturbed least by other work on the machine.
"""

import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from msgspec import Struct
from psycopg.pq import ExecStatus, Format

from bench.backbone import SECRET, backbone
from bench.report import Figure, show
from bench.writers import METADATA, registered
from commands.ports import StreamEvents
from infra.clock import now
from infra.event_store import codec
from infra.event_store.calls import SEVERAL
from infra.event_store.sealed import SealedAppend

BATCH = 32
ROUNDS = 15
CALLS = 40

_APPEND = Path(__file__).parents[1] / "infra/event_store/sql/034_append_columns.sql"
_DATA = msgspec.json.encode({
    "name": {"given": "Ada", "family": "Lovelace", "display": "Ada Lovelace"},
    "emails": [{"value": "ada@engines.example", "kind": "work", "primary": True}],
    "company": "Analytical Engines Ltd", "title": "Countess", "tags": ["a"], "owner_id": UUID(int=1),
})  # fmt: skip
_METADATA = msgspec.json.encode(METADATA)
_CUTS = (
    (r"    SELECT array_agg\('.*?INTO e_what, e_bytes.*?;\n", ""),
    (r"    -- Chain them:.*?\n(?=    IF moved)", ""),
    (r", u\.hash\n", ", genesis\n"),
    (r", hashes\)\n", ")\n"),
    (r"occurred, hash, n\)", "occurred, n)"),
    (r"CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
)


class Cost(Struct, frozen=True):
    """Microseconds an event."""

    cpu: float
    wait: float


def unchained() -> str:
    """The SQL of `store.append_columns` without the chain; it writes zeros for hashes."""
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
    """Replace `store.append_columns` of a database of benchmarks by one without the chain; nothing else has this."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(unchained().encode())


def with_chain(dsn: str) -> None:
    """Put `store.append_columns` back as the migration has it."""
    text = _APPEND.read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
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
        connection.pgconn.prepare(b"append", SEVERAL)
        cpu, waits = [], []
        for _ in range(CALLS + 5):
            arguments = (*_batch(tenant), b"\1")
            before, started = _cpu(connection), time.perf_counter()
            result = connection.pgconn.exec_prepared(b"append", arguments, [Format.BINARY] * len(arguments))
            waits.append(time.perf_counter() - started)
            cpu.append(_cpu(connection) - before)
            if result.status != ExecStatus.TUPLES_OK:
                raise SystemExit(result.get_error_message())
    return Cost(*(1e6 * statistics.median(each[5:]) / BATCH for each in (cpu, waits)))


def _batch(tenant: UUID) -> tuple[bytes, ...]:
    appends = [
        SealedAppend(
            tenant_id=tenant,
            command_id=uuid4(),
            metadata=METADATA,
            streams=(StreamEvents(uuid4(), 0, (registered(number),)),),
            occurred_at=now(),
            data=(_DATA,),
            sealed_metadata=_METADATA,
        )
        for number in range(BATCH)
    ]
    return codec.batch(appends, SECRET, "1 hour")


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
