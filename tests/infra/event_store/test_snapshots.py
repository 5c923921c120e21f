"""N-P1, N-S1, B3: snapshots on Postgres: how little is read, that no person is legible, what an erasure leaves."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from commands.folded import EVERY, FoldedStates
from commands.ports import Snapshot, StreamEvents
from domain import contact
from domain.contact import Contact
from infra.event_store import opened
from infra.event_store.snapshots import PostgresSnapshots
from infra.event_store.store import PostgresEventStore
from infra.keys.destruction import KeyDestroyer
from infra.keys.keyring import Keyring
from tests.conftest import SECRET, Database
from tests.given import changed, registered
from tests.infra.event_store.appends import append, stream
from tests.infra.event_store.catalogue import Connection
from tests.waiting import until

pytestmark = pytest.mark.servers

LONG = 10_000
_ROW: LiteralString = "SELECT version, sealed FROM store.snapshot WHERE tenant_id = %s AND stream_id = %s"


class Process:
    """One process: its keys, its snapshots and the states that it has folded."""

    def __init__(self, database: Database) -> None:
        self.keyring: Keyring = database.keyring
        self.snapshots = PostgresSnapshots(database.service, database.appends, self.keyring)
        self.log = PostgresEventStore(database.appends, database.service, SECRET, keyring=self.keyring)
        self.states = FoldedStates(self.log, self.snapshots)
        self.destroyer = KeyDestroyer(database.appends, self.keyring)

    async def load(self, tenant: UUID, stream_id: UUID, up_to: int | None = None) -> Contact:
        return await self.states.load(tenant, "contact", contact.evolve, stream_id, up_to=up_to)


@pytest.fixture
def process(database: Database) -> Process:
    return Process(database)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events were opened, load by load."""
    counts: list[int] = []
    original = opened.recorded

    async def counted(rows: Sequence[Any], keyring: Keyring) -> list[Any]:
        counts.append(len(rows))
        return await original(rows, keyring)

    monkeypatch.setattr(opened, "recorded", counted)
    return counts


async def test_of_10_000_events_a_process_reads_what_it_has_not_seen(
    database: Database, process: Process, tenant: UUID, read: list[int]
) -> None:
    ada = uuid4()
    for after in range(0, LONG, 1000):
        await process.log.append(append(tenant, stream(ada, after, 1000)))
    first = await process.load(tenant, ada)
    assert (first.version, first.title) == (LONG, f"Title {LONG - 1}")
    await process.log.append(append(tenant, stream(ada, LONG, 3)))
    await process.load(tenant, ada)
    await process.load(tenant, ada)
    assert read == [LONG, 3, 0]

    await process.snapshots.flush()
    read.clear()
    assert (await Process(database).load(tenant, ada)).version == LONG + 3
    early = await Process(database).load(tenant, ada, up_to=7)
    assert (early.version, early.title) == (7, "Title 5")
    assert await Process(database).load(tenant, ada) == await process.load(tenant, ada)
    assert read == [3, 7, 3, 0]


async def grown(process: Process, tenant: UUID) -> UUID:
    """A contact that a snapshot is kept of."""
    ada, first = uuid4(), registered("Ada Lovelace", external_ids={"erp": "secret-7"})
    await process.log.append(append(tenant, StreamEvents(ada, 0, (first, *[changed(title="Countess")] * EVERY))))
    await process.load(tenant, ada)
    await process.snapshots.flush()
    return ada


async def test_nothing_of_a_person_is_legible_on_disk(process: Process, tenant: UUID, admin: Connection) -> None:
    """N-S1."""
    ada = await grown(process, tenant)
    ((version, sealed),) = admin.execute(_ROW, (tenant, ada)).fetchall()
    assert version == EVERY + 1
    assert len(sealed) > 100
    for word in (b"Ada", b"Lovelace", b"Countess", b"secret", b"display", ada.bytes, str(ada).encode()):
        assert word not in sealed


async def test_with_the_keys_the_snapshot_goes_and_none_comes_back(
    database: Database, process: Process, tenant: UUID, admin: Connection
) -> None:
    """B3: also from a process that has the state in memory and does not know of the erasure yet."""
    ada, late = await grown(process, tenant), Process(database)
    await late.load(tenant, ada)
    await process.destroyer.destroy(tenant, ada)
    assert admin.execute(_ROW, (tenant, ada)).fetchall() == []
    late.snapshots.keep(tenant, ada, "contact/x", Snapshot(EVERY + 1, EVERY + 1, b"state"))
    await late.snapshots.flush()
    assert admin.execute(_ROW, (tenant, ada)).fetchall() == []
    process.states.forget(tenant, ada)
    assert "Lovelace" not in repr(await process.load(tenant, ada))


@pytest.mark.parametrize(
    "meddle",
    [
        "UPDATE store.snapshot SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE tenant_id = %s",
        "UPDATE store.snapshot SET version = version - 1 WHERE tenant_id = %s",
        "UPDATE store.snapshot SET sealed = '' WHERE tenant_id = %s",
        "UPDATE store.snapshot SET key_id = 'unknown' WHERE tenant_id = %s",
    ],
)
async def test_what_cannot_be_opened_is_as_if_it_were_not_there(
    database: Database, process: Process, tenant: UUID, admin: Connection, meddle: str
) -> None:
    ada = await grown(process, tenant)
    assert admin.execute(meddle.encode(), (tenant,)).rowcount == 1
    assert await Process(database).load(tenant, ada) == await process.load(tenant, ada)


async def test_a_key_that_another_process_has_made_since_is_looked_for(
    database: Database, process: Process, tenant: UUID, read: list[int]
) -> None:
    ada, reader = uuid4(), Process(database)
    await process.log.append(append(tenant, StreamEvents(ada, 0, (registered(),))))
    await reader.load(tenant, ada)
    later = structs.replace(append(tenant, stream(ada, 1, EVERY)), occurred_at=datetime(2027, 1, 1, tzinfo=UTC))
    await process.log.append(later)
    await process.load(tenant, ada)
    await process.snapshots.flush()
    reader.states.forget(tenant, ada)
    read.clear()
    assert (await reader.load(tenant, ada)).version == EVERY + 1
    assert read == [0]


async def test_they_are_written_behind_the_back_of_whoever_asks(
    process: Process, tenant: UUID, admin: Connection
) -> None:
    running = asyncio.create_task(process.snapshots.run())
    try:
        ada = uuid4()
        await process.log.append(append(tenant, stream(ada, 0, EVERY)))
        await process.load(tenant, ada)
        await until(lambda: bool(admin.execute(_ROW, (tenant, ada)).fetchall()))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_what_has_no_key_is_not_kept(process: Process, tenant: UUID, admin: Connection) -> None:
    """Nothing that is sealed with no key may be on disk, so nothing is."""
    process.snapshots.keep(tenant, tenant, "company/x", Snapshot(1, 1, b"state"))
    await process.snapshots.flush()
    assert admin.execute(_ROW, (tenant, tenant)).fetchall() == []
