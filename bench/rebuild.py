"""rebuild.vs_copy, rebuild.vs_eventsourcing: building the contact read model anew from its events.

The first reference is the bare minimum in Postgres: COPY out of the events, and COPY in of the rows into a table like
the read model's, indexes and all. The second is the eventsourcing library's own projection runner, which keeps a table
of contacts from the same events in its own recorder; its rate does not depend on how many there are, so it gets fewer.

100,000 events, or 500,000 with --full; four for each contact, of 20 tenants.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import psycopg
import uvloop
from msgspec import UNSET

from bench.backbone import SECRET, SECRET_TEXT, Backbone, backbone
from bench.library import rate
from bench.report import Figure, show
from bench.writers import METADATA
from commands.ports import Append, StreamEvents
from domain.contact import ContactChanged, ContactRegistered, Email, Name, Phone
from domain.event import Event
from infra.clock import now
from infra.event_store.log import PostgresLog
from infra.event_store.store import PostgresEventStore
from infra.fillers import fillers
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from infra.postgres import PROJECTOR, TenantConnections, open_pool, role_dsn
from infra.rebuilding import ASIDE_PATH, PostgresAside
from projections.contacts import contact
from projections.rebuild import Rebuild
from settings import Settings

EVENTS = 100_000
FULL = 500_000
TENANTS = 20
LIBRARY = 2_000
_STREAMS_AT_A_TIME = 50


def events_of(number: int) -> tuple[Event, ...]:
    """What happened to one contact."""
    name = Name(given="Ada", family=f"Lovelace {number}", display=f"Ada Lovelace {number}")
    return (
        ContactRegistered(
            name=name,
            emails=(Email(value=f"ada.{number}@engines.example", primary=True),),
            phones=(Phone(value=f"+4420{number:08}", primary=True),),
            title="Analyst",
            tags=("imported", f"list {number % 50}"),
        ),
        ContactChanged(title="Engineer"),
        ContactChanged(tags=("customer", f"list {number % 50}"), company_id=UNSET),
        ContactChanged(emails=(Email(value=f"ada.{number}@analytical.example", primary=True),)),
    )


async def fill(store: PostgresEventStore, tenants: Sequence[UUID], count: int) -> None:
    """Append so many events, several contacts at a time; their changes alternate, as they do in life."""
    limit = asyncio.Semaphore(8)

    async def some(tenant: UUID, first: int) -> None:
        async with limit:
            streams = [(uuid4(), events_of(first + n)) for n in range(_STREAMS_AT_A_TIME)]
            for version in range(4):
                made = tuple(StreamEvents(stream, version, (events[version],)) for stream, events in streams)
                await store.append(
                    Append(tenant_id=tenant, command_id=uuid4(), metadata=METADATA, streams=made, occurred_at=now())
                )

    async with asyncio.TaskGroup() as tasks:
        for number in range(0, count // 4, _STREAMS_AT_A_TIME):
            tasks.create_task(some(tenants[number // _STREAMS_AT_A_TIME % len(tenants)], number))


async def rebuilt(servers: Backbone) -> float:
    """Seconds that a rebuild takes, from the first event read to the swap."""
    dsn = role_dsn(servers.dsn, PROJECTOR, SECRET)
    async with AsyncExitStack() as stack:
        pools = [
            await open_pool(dsn, name="bench", size=6),
            await open_pool(dsn, name="aside", size=8, durable=False, search_path=ASIDE_PATH, statement_seconds=0),
        ]
        for pool in pools:
            stack.push_async_callback(pool.close)
        work = Rebuild(
            contact.PROJECTION,
            log=PostgresLog(pools[0], Keyring(TenantConnections(pools[0]), local_master(SECRET))),
            aside=PostgresAside(pools[1]),
            fill=fillers(Settings(postgres_dsn=servers.dsn, secret=SECRET_TEXT), os.cpu_count() or 1),
            followers=(),
            on_progress=lambda stage, done, total: None,  # noqa: ARG005
        )
        started = time.perf_counter()
        await work.run()
        return time.perf_counter() - started


def copied(dsn: str) -> tuple[float, float]:
    """Seconds of COPY out of the events, and of COPY in of the rows."""
    with psycopg.connect(dsn, autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY read.contact_v1 TO STDOUT") as copy:
            rows = b"".join(copy)
        started = time.perf_counter()
        with cursor.copy("COPY (SELECT * FROM store.event) TO STDOUT") as copy:
            for _ in copy:
                pass
        out = time.perf_counter() - started
        cursor.execute("DROP TABLE IF EXISTS public.contact_copy")
        cursor.execute("CREATE TABLE public.contact_copy (LIKE read.contact_v1 INCLUDING ALL)")
        started = time.perf_counter()
        with cursor.copy("COPY public.contact_copy FROM STDIN") as copy:
            copy.write(rows)
        return out, time.perf_counter() - started


async def prepared(servers: Backbone, count: int) -> None:
    """The log."""
    async with servers.store() as store:
        await fill(store, [uuid4() for _ in range(TENANTS)], count)


def main() -> None:
    """Measure and report: the better of two of each, turn about."""
    count = FULL if "--full" in sys.argv else EVENTS
    with backbone() as servers:
        uvloop.run(prepared(servers, count))
        uvloop.run(rebuilt(servers))  # makes the rows that the others are compared with
        ours, copies = [], []
        for _ in range(2):
            ours.append(uvloop.run(rebuilt(servers)))
            copies.append(copied(servers.dsn))
        seconds, (out, into) = min(ours), min(copies, key=sum)
        library = rate(servers.dsn, LIBRARY)
    note = f"COPY out {out:.2f} s + COPY in {into:.2f} s; {count:,} events"
    per_second = count / seconds
    show(
        [
            Figure("rebuild.vs_copy", seconds, out + into, (out + into) / seconds, "s", note),
            Figure("rebuild.vs_eventsourcing", per_second, library, per_second / library, "events/s"),
        ]
    )


if __name__ == "__main__":
    main()
