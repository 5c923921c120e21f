"""Projections are driven by what is delivered and by the log: invariant 3, whatever the broker does (fault 7, R6.5)."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from domain.event import Event, Recorded
from projections import company, contact
from projections.ports import Connection
from projections.projection import Projection
from projections.registry import POSTGRES
from projections.runner import Runner
from tests.conftest import Database
from tests.given import changed, deleted, registered
from tests.projections.fakes import FakeDeliveries, FakeLog, Heard
from tests.projections.reading import checkpoints, contents

pytestmark = pytest.mark.servers

CONTACT = contact.PROJECTION.checkpoint


class Faulty:
    """The contact projection under another name, into its own tables only when told to; raises while broken."""

    def __init__(self) -> None:
        self.broken = True
        self.applied: list[int] = []
        self.projection: Projection = structs.replace(contact.PROJECTION, name="faulty", apply=self._apply)

    async def _apply(self, connection: Connection, events: Sequence[Recorded[Event]]) -> None:
        del connection
        if self.broken:
            raise RuntimeError("broken")
        self.applied += [item.position for item in events]


class Projector:
    """A runner with a fake broker and a fake log over real read models."""

    def __init__(self, database: Database, *extra: Projection, log: FakeLog | None = None) -> None:
        self.log = log or FakeLog()
        self.deliveries, self.heard, self._database = FakeDeliveries(), Heard(), database
        self.runner = Runner(
            (*extra, *POSTGRES), log=self.log, deliveries=self.deliveries, sessions=database.projector,
            announcements=self.heard,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.runner.run())
        try:
            yield
        finally:
            assert not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def reached(self, tenant: UUID, position: int, seconds: float = 3, name: str = CONTACT) -> float:
        """Wait until the read model is there; answers how long it took."""
        started = time.monotonic()
        while checkpoints(self._database, tenant).get(name, 0) < position:
            assert time.monotonic() - started < seconds, checkpoints(self._database, tenant)
            await asyncio.sleep(0.02)
        return time.monotonic() - started


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


def story(log: FakeLog, tenant: UUID, contacts: int = 3) -> list[Recorded[Event]]:
    """Contacts whose changes alternate: 4 events each."""
    ids = [uuid4() for _ in range(contacts)]
    steps = [registered(), changed(title="One"), changed(title="Two", tags=("a",)), changed(title="Three")]
    return [event for step in steps for stream in ids for event in log.add(tenant, stream, step)]


def expect_whole(database: Database, projector: Projector, tenant: UUID) -> None:
    """Each contact has exactly the events that the log has of it, and each projection is at the head."""
    log = projector.log.events[tenant]
    versions = {str(item.stream_id): item.version for item in log}
    rows = contents(database, tenant, [contact.PROJECTION])["contact_v1"]
    assert {row["id"]: row["version"] for row in rows} == versions
    assert {row["title"] for row in rows} == {"Three"}
    assert set(checkpoints(database, tenant).values()) == {len(log)}


async def test_what_is_delivered_is_applied_without_reading_the_log(
    database: Database, projector: Projector, tenant: UUID
) -> None:
    async with projector.running():
        await asyncio.sleep(0.1)
        events = story(projector.log, tenant)
        projector.deliveries.bring(*events)
        assert await projector.reached(tenant, 12) < 0.8
        assert projector.log.reads == 0
    expect_whole(database, projector, tenant)


async def test_duplicates_are_applied_once(database: Database, projector: Projector, tenant: UUID) -> None:
    events = story(projector.log, tenant)
    async with projector.running():
        for batch in (events[:5], events[:5], events[3:9], events, events, events[8:]):
            projector.deliveries.bring(*batch)
        await projector.reached(tenant, 12)
        await asyncio.sleep(0.2)
    expect_whole(database, projector, tenant)


@pytest.mark.parametrize("seed", range(5))
async def test_any_order_with_gaps_and_repeats_gives_the_same(
    database: Database, projector: Projector, tenant: UUID, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  not a secret
    events = story(projector.log, tenant, contacts=5)
    async with projector.running():
        for _ in range(12):
            projector.deliveries.bring(*chance.choices(events, k=chance.randint(1, 8)))
        await projector.reached(tenant, 20)
    expect_whole(database, projector, tenant)


async def test_a_gap_is_filled_from_the_log(database: Database, projector: Projector, tenant: UUID) -> None:
    async with projector.running():
        await asyncio.sleep(0.1)
        events = story(projector.log, tenant)
        projector.deliveries.bring(*events[:4])
        projector.deliveries.bring(*events[7:])
        assert await projector.reached(tenant, 12) < 0.8  # sooner than the next look at the heads
    expect_whole(database, projector, tenant)


async def test_a_lost_tail_is_caught_within_about_a_second(
    database: Database, projector: Projector, tenant: UUID
) -> None:
    async with projector.running():
        events = story(projector.log, tenant)
        projector.deliveries.bring(*events[:6])
        await projector.reached(tenant, 6)
        assert await projector.reached(tenant, 12) < 1.6
    expect_whole(database, projector, tenant)


async def test_more_than_a_batch_is_caught_up_in_one_go(database: Database, projector: Projector, tenant: UUID) -> None:
    for _ in range(1203):
        projector.log.add(tenant, uuid4(), registered())
    await projector.runner.catch_up(tenant)
    assert set(checkpoints(database, tenant).values()) == {1203}
    assert [position for _, _, position in projector.heard.said] == [500, 1000, 1203]


async def test_two_projectors_on_one_tenant_apply_once(database: Database, projector: Projector, tenant: UUID) -> None:
    """Fault 4."""
    other = Projector(database, log=projector.log)
    events = story(projector.log, tenant, contacts=40)
    async with projector.running(), other.running():
        for start in range(0, 160, 7):
            for each in (projector, other):
                each.deliveries.bring(*events[start : start + 7])
        await asyncio.gather(*(each.runner.catch_up(tenant) for each in (projector, other)), return_exceptions=True)
        await projector.reached(tenant, 160)
    expect_whole(database, projector, tenant)


async def test_what_is_applied_is_announced(projector: Projector, tenant: UUID) -> None:
    events = story(projector.log, tenant)
    await projector.runner.catch_up(tenant, events)
    assert projector.heard.said == [(tenant, projector.heard.said[0][1], 12)]
    assert set(projector.heard.said[0][1]) == {each.checkpoint for each in POSTGRES}


async def test_one_that_raises_stops_neither_its_neighbours_nor_other_tenants(database: Database, tenant: UUID) -> None:
    """R6.5, and stuck projections of others in the field."""
    faulty, other = Faulty(), uuid4()
    projector = Projector(database, faulty.projection)
    async with projector.running():
        projector.deliveries.bring(*story(projector.log, tenant))
        projector.deliveries.bring(*story(projector.log, other))
        await projector.reached(tenant, 12)
        await projector.reached(other, 12)
        projector.deliveries.bring(*projector.log.add(tenant, uuid4(), registered(), changed(title="Three")))
        assert await projector.reached(tenant, 14) < 1
        assert checkpoints(database, tenant).get("faulty_v1", 0) == 0
        assert faulty.applied == []
        faulty.broken = False
        await projector.reached(tenant, 14, seconds=8, name="faulty_v1")
        await projector.reached(other, 12, seconds=8, name="faulty_v1")
    assert sorted(faulty.applied) == sorted([*range(1, 15), *range(1, 13)])
    expect_whole(database, projector, tenant)


async def test_what_a_projection_wrote_before_it_raised_is_gone(database: Database, tenant: UUID) -> None:
    async def half(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
        await company.PROJECTION.apply(connection, events)
        await connection.execute("DELETE FROM read.contact_v1")
        raise RuntimeError("half done")

    projector = Projector(database, structs.replace(contact.PROJECTION, name="half", apply=half))
    events = story(projector.log, tenant)
    await projector.runner.catch_up(tenant, events[:3])
    await projector.runner.catch_up(tenant, events[3:])
    rows = contents(database, tenant, [contact.PROJECTION])["contact_v1"]
    assert {row["version"] for row in rows} == {4}
    assert "half_v1" not in checkpoints(database, tenant) or checkpoints(database, tenant)["half_v1"] == 0


@pytest.mark.parametrize("away", ["behind", "read"])
async def test_a_log_that_is_away_for_a_while_is_asked_again(
    database: Database, projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """Fault 5: Postgres restarts under it."""
    story(projector.log, tenant)

    async def gone(*_: object, **__: object) -> Sequence[Recorded[Event]]:
        raise ConnectionError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(projector.log, away, gone)
        async with projector.running():
            await asyncio.sleep(0.3)
            patched.undo()
            await projector.reached(tenant, 12)
    expect_whole(database, projector, tenant)


async def test_a_deleted_contact_stays_deleted_when_its_past_comes_again(
    database: Database, projector: Projector, tenant: UUID
) -> None:
    """Fault 7: redelivery out of order."""
    events = projector.log.add(tenant, uuid4(), registered(), changed(title="x"), deleted())
    order: list[Callable[[], Sequence[Recorded[Event]]]] = [lambda: events, lambda: events[:2], lambda: events[1:2]]
    for some in order:
        await projector.runner.catch_up(tenant, some())
    (row,) = contents(database, tenant, [contact.PROJECTION])["contact_v1"]
    assert (row["version"], row["deleted_at"] is not None) == (3, True)
