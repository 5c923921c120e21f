"""N-S3: the audit trail, as the log is looked through for it."""

from datetime import datetime
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.ports import StreamEvents
from domain.company import CompanyRegistered
from domain.event import Actor, Event, Metadata
from infra.event_store.audit_log import ONE, WITHIN, PostgresAuditLog
from infra.event_store.store import PostgresEventStore
from infra.postgres import SERVICE
from projections.audit import Wanted
from tests.conftest import SECRET, Database
from tests.given import changed, registered
from tests.infra.event_store.appends import append

pytestmark = pytest.mark.servers

ADA, GRACE = uuid4(), uuid4()


class Case:
    """A tenant with a log."""

    def __init__(self, database: Database) -> None:
        self.store = PostgresEventStore(database.appends, database.service, SECRET)
        self.log = PostgresAuditLog(database.service, database.keyring, window=4)
        self.tenant, self.stream = uuid4(), uuid4()
        self.times: list[datetime] = []

    async def tell(self, actor: UUID, event: Event, stream: UUID | None = None, after: int = 0) -> None:
        metadata = Metadata(actor=Actor("user", actor), correlation_id="c", address="192.0.2.7")
        streams = StreamEvents(stream or uuid4(), after, (event,))
        self.times.append((await self.store.append(append(self.tenant, streams, metadata=metadata))).recorded_at)

    async def positions(self, *, limit: int = 50, **filters: object) -> list[list[int]]:
        """Page by page."""
        wanted, before, pages = Wanted(**filters), None, []  # type: ignore[arg-type]
        while True:
            trail = await self.log.trail(self.tenant, wanted, before=before, limit=limit)
            pages.append([item.position for item in trail.recorded])
            if (before := trail.before) is None:
                return pages


def together(pages: list[list[int]]) -> list[int]:
    """All pages."""
    return [position for page in pages for position in page]


@pytest.fixture
async def case(database: Database) -> Case:
    made = Case(database)
    await made.tell(ADA, registered(), made.stream)
    for number in range(1, 10):
        if number % 3:
            await made.tell(GRACE, CompanyRegistered(name=f"Engines {number}"))
        else:
            await made.tell(ADA, changed(title=f"Title {number}"), made.stream, number // 3)
    return made


async def test_it_is_read_from_its_end_page_by_page(case: Case) -> None:
    assert await case.positions(limit=3) == [[10, 9, 8], [7, 6, 5], [4, 3, 2], [1]]


async def test_what_happened_to_one_target_is_found_in_one_look_however_far_back(case: Case) -> None:
    assert await case.positions(target_id=case.stream) == [[10, 7, 4, 1]]
    assert await case.positions(target_id=case.stream, limit=3) == [[10, 7, 4], [1]]
    assert await case.positions(target_id=uuid4()) == [[]]


async def test_other_looks_are_bounded_and_go_on_where_the_last_one_ended(case: Case) -> None:
    assert await case.positions(actor_id=ADA) == [[10, 7], [4], [1]]
    assert await case.positions(topics=("contact.registered.v1",)) == [[], [], [1]]
    assert await case.positions(topics=()) == [[], [], []]


async def test_filters_hold_together(case: Case) -> None:
    assert together(await case.positions(actor_id=ADA, topics=("contact.changed.v1",))) == [10, 7, 4]
    assert await case.positions(target_id=case.stream, actor_id=GRACE) == [[]]


async def test_a_time_is_from_then_on_and_before_then(case: Case) -> None:
    third, eighth = case.times[2], case.times[7]
    assert together(await case.positions(since=third, until=eighth)) == [7, 6, 5, 4, 3]
    assert together(await case.positions(since=third, until=eighth, target_id=case.stream)) == [7, 4]
    assert await case.positions(since=eighth, until=third) == [[]]
    assert await case.positions(since=case.times[9].replace(year=9999)) == [[]]
    assert together(await case.positions(until=case.times[0].replace(year=1))) == []


async def test_what_is_sealed_is_open_in_it(case: Case) -> None:
    trail = await case.log.trail(case.tenant, Wanted(target_id=case.stream), before=None, limit=1)
    (item,) = trail.recorded
    assert (item.event, item.metadata.address) == (changed(title="Title 9"), "192.0.2.7")


async def test_whole_streams_up_to_a_position(case: Case) -> None:
    found = await case.log.streams(case.tenant, [case.stream], 7)
    assert [item.position for item in found] == [1, 4, 7]
    assert await case.log.streams(case.tenant, [], 7) == []


async def test_another_tenant_sees_nothing_of_it(case: Case) -> None:
    assert await case.log.streams(uuid4(), [case.stream], 7) == []
    assert (await case.log.trail(uuid4(), Wanted(target_id=case.stream), before=None, limit=5)).recorded == []


async def test_neither_look_reads_the_whole_log(database: Database) -> None:
    """A target is found by its stream; everything else within a window of positions."""
    store, tenant, contact = PostgresEventStore(database.appends, database.service, SECRET), uuid4(), uuid4()
    for _ in range(20):
        await store.append(append(tenant, *(StreamEvents(uuid4(), 0, (registered(),)) for _ in range(100))))
    await store.append(append(tenant, StreamEvents(contact, 0, (registered(),))))
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute("ANALYZE store.event")
    anything = (None, None, None, None, 51)
    for query, place, index in (
        (ONE, (tenant, 0, 2001, contact), "stream_id_version_key"),
        (WITHIN, (tenant, 1900, 2001), "_pkey"),
    ):
        with psycopg.connect(database.dsns[SERVICE]) as connection:
            connection.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant),))
            rows = connection.execute(f"EXPLAIN {query}".encode(), (*place, *anything)).fetchall()
        plan = "\n".join(row[0] for row in rows)
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan
