"""Fault 7: an event that can't be applied parks its stream for its projection, and nothing else waits for it."""

from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec import structs

from domain.event import Event
from infra.event_store.log import PostgresLog
from infra.postgres import PROJECTOR
from projections.aside import RebuildRunsError
from projections.companies import company
from projections.contacts import contact
from projections.contacts import words as contact_words
from projections.parked import Skip, resume
from projections.poison import MOST_PARKED, Poison
from projections.ports import Parked, Unreadable
from projections.projection import Projection
from tests.conftest import Database
from tests.given import changed
from tests.projections.fakes import FakeLog
from tests.projections.reading import checkpoints, contents
from tests.projections.running import COUNTER, Faulty, Projector, counted, story
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

PARKED: LiteralString = """
SELECT projection, stream_id, position, reason, attempts, skipped_by, skipped_why FROM read.parked
 WHERE tenant_id = %s ORDER BY projection, position
"""
NUL = changed(title="Ada\0")
"""JSON can have it, Postgres can't."""


def parked(database: Database, tenant: UUID) -> list[tuple[str, UUID, int, str, int, str | None, str | None]]:
    with psycopg.connect(database.admin_dsn) as connection:
        return connection.execute(PARKED, (tenant,)).fetchall()


def versions(database: Database, tenant: UUID) -> dict[UUID, int]:
    return {UUID(row["id"]): row["version"] for row in contents(database, tenant, [contact.PROJECTION])["contact_v1"]}


async def resumed(
    projector: Projector, database: Database, tenant: UUID, projection: Projection, skip: Skip | None = None
) -> list[Poison | None]:
    """Try again what a projection has parked."""
    found = await PostgresLog(database.pools[PROJECTOR], database.keyring).parked([projection.checkpoint])
    return [
        await resume(each, projection, log=projector.log, sessions=database.projector, skip=skip)
        for each in found
        if each.tenant_id == tenant
    ]


async def test_in_the_middle_of_a_batch_it_parks_its_stream_and_the_others_go_on(
    database: Database, tenant: UUID
) -> None:
    faulty = Faulty(ValueError("Ada's secret"), at=(5,))
    projector = Projector(database, faulty.projection)
    events = story(projector.log, tenant)  # three streams that alternate: 5 is of the second, with 2, 8 and 11
    await projector.runner.catch_up(tenant, events)
    assert sorted(faulty.applied) == [1, 2, 3, 4, 6, 7, 9, 10, 12]
    assert set(checkpoints(database, tenant).values()) == {12}
    ((name, stream, position, reason, attempts, *_),) = parked(database, tenant)
    assert (name, stream, position, attempts) == ("faulty_v1", events[4].stream_id, 5, 1)
    assert reason == "contact.changed.v1 at version 2: ValueError"
    assert set(versions(database, tenant).values()) == {4}


async def test_its_later_events_wait_and_are_applied_in_order(database: Database, tenant: UUID) -> None:
    faulty = Faulty(ValueError(), at=(5,))
    projector = Projector(database, faulty.projection)
    events = story(projector.log, tenant)
    for start in range(0, 12, 2):
        await projector.runner.catch_up(tenant, events[start : start + 2])
    assert not {5, 8, 11} & set(faulty.applied)
    assert await resumed(projector, database, tenant, faulty.projection) != [None]
    assert [row[4] for row in parked(database, tenant)] == [2]
    faulty.error, faulty.applied = None, []
    assert await resumed(projector, database, tenant, faulty.projection) == [None]
    assert faulty.applied == [5, 8, 11]
    assert parked(database, tenant) == []
    more = projector.log.add(tenant, events[4].stream_id, changed(title="Four"))
    await projector.runner.catch_up(tenant, more)
    assert faulty.applied == [5, 8, 11, 13]


async def test_a_person_may_skip_it(database: Database, tenant: UUID) -> None:
    faulty = Faulty(ValueError(), at=(5,))
    projector = Projector(database, faulty.projection)
    await projector.runner.catch_up(tenant, story(projector.log, tenant))
    faulty.applied = []
    skip = Skip("grace", "made by a bug")
    assert await resumed(projector, database, tenant, faulty.projection, skip) == [None]
    assert faulty.applied == [8, 11]
    assert [row[2:3] + row[5:] for row in parked(database, tenant)] == [(5, "grace", "made by a bug")]
    assert await resumed(projector, database, tenant, faulty.projection) == []


async def test_a_second_bad_event_of_the_stream_parks_it_there(database: Database, tenant: UUID) -> None:
    faulty = Faulty(ValueError(), at=(5, 11))
    projector = Projector(database, faulty.projection)
    await projector.runner.catch_up(tenant, story(projector.log, tenant))
    faulty.applied = []
    (left,) = await resumed(projector, database, tenant, faulty.projection, Skip("grace", "a bug"))
    assert left is not None
    assert left.position == 11
    assert faulty.applied == [8]
    assert [row[2] for row in parked(database, tenant)] == [5, 11]


async def test_what_postgres_cannot_hold_is_parked_by_every_projection_that_needs_it(workshop: Workshop) -> None:
    tenant, streams = await workshop.given(contacts=3)
    await workshop.happened(tenant, streams[1], NUL, changed(tags=("after",)), after=3)
    await workshop.happened(tenant, streams[2], changed(title="Three"), after=3)
    await workshop.level(tenant)
    assert versions(workshop.database, tenant) == {streams[0]: 3, streams[1]: 3, streams[2]: 4}
    assert {row[:3] for row in parked(workshop.database, tenant)} == {
        (name, streams[1], 10) for name in ("contact_v1", "contact_past_v1")
    }
    assert set(checkpoints(workshop.database, tenant).values()) == {12}
    # The parked stream is told apart: as far as it was applied, all rows are right.
    found = {each.tenant_id: each for each in await workshop.verify(tenant, [contact.PROJECTION])}[tenant]
    assert (found.differences, found.parked) == ([], [streams[1]])


async def test_an_event_that_cannot_be_read_parks_its_stream_for_those_it_is_about(workshop: Workshop) -> None:
    tenant, streams = await workshop.given(contacts=2, apply=False)
    with psycopg.connect(workshop.database.admin_dsn) as admin:
        broken: LiteralString = "UPDATE store.event SET {} WHERE tenant_id = %s AND position = %s"
        admin.execute(broken.format("data = '{\"name\":'"), (tenant, 3))
        admin.execute(broken.format("topic = 'contact.teleported.v7'"), (tenant, 6))
    await workshop.level(tenant)
    assert versions(workshop.database, tenant) == dict.fromkeys(streams, 1) | {streams[1]: 2}
    of_contacts = [row for row in parked(workshop.database, tenant) if row[0] == "contact_v1"]
    assert [(row[1], row[2]) for row in of_contacts] == [(streams[0], 3), (streams[1], 6)]
    assert "contact.teleported.v7 at version 3: UnknownTopicError" in {row[3] for row in of_contacts}
    theirs = {"contact_v1", "contact_past_v1", "contact_family_v1", "timeline_v1"}
    assert {row[0] for row in parked(workshop.database, tenant)} == theirs
    assert set(checkpoints(workshop.database, tenant).values()) == {6}


@pytest.mark.parametrize("time", ["20000-01-01", "0001-01-01 BC", "infinity"])
async def test_a_time_that_python_has_not_parks_its_stream_until_it_is_mended(workshop: Workshop, time: str) -> None:
    tenant, streams = await workshop.given(contacts=2, apply=False)
    spoilt = (("occurred_at", 3, streams[0]), ("recorded_at", 6, streams[1]))

    def set_times(value: str) -> None:
        with psycopg.connect(workshop.database.admin_dsn) as admin:
            for column, position, _ in spoilt:
                update = f"UPDATE store.event SET {column} = %s WHERE tenant_id = %s AND position = %s"
                admin.execute(update.encode(), (value, tenant, position))

    set_times(time)
    await workshop.level(tenant)
    assert versions(workshop.database, tenant) == dict(zip(streams, (1, 2), strict=True))
    waiting = [each for each in await workshop.log.parked(["contact_v1"]) if each.tenant_id == tenant]
    assert sorted((each.position, each.stream_id) for each in waiting) == [each[1:] for each in spoilt]
    assert {each.reason.rpartition(" ")[2] for each in waiting} == {"UnreadableTimeError"}
    set_times("2026-02-03")
    assert [await workshop.resume(each) for each in waiting] == [None, None]
    assert versions(workshop.database, tenant) == dict.fromkeys(streams, 3)


async def test_what_mirrors_the_rows_takes_them_in_when_the_stream_goes_on(workshop: Workshop) -> None:
    tenant, streams = await workshop.given(contacts=2, apply=False)
    with psycopg.connect(workshop.database.admin_dsn) as admin:
        of_event: LiteralString = "tenant_id = %s AND position = 1"
        (topic,) = admin.execute(f"SELECT topic FROM store.event WHERE {of_event}", (tenant,)).fetchone() or ("",)
        set_topic = f"UPDATE store.event SET topic = %s WHERE {of_event}"
        admin.execute(set_topic, ("contact.unheard_of.v1", tenant))
        admin.commit()
        await workshop.level(tenant)
        words = contents(workshop.database, tenant, [contact_words.PROJECTION])["contact_words_v1"]
        assert [UUID(row["contact_id"]) for row in words] == streams[1:]
        admin.execute(set_topic, (topic, tenant))
    waiting = await workshop.log.parked([contact.PROJECTION.checkpoint])
    assert await workshop.resume(next(each for each in waiting if each.tenant_id == tenant)) is None
    await workshop.level(tenant)
    words = contents(workshop.database, tenant, [contact_words.PROJECTION])["contact_words_v1"]
    assert {UUID(row["contact_id"]) for row in words} == set(streams)
    assert all(
        not each.differences for each in await workshop.verify(tenant, [contact.PROJECTION, contact_words.PROJECTION])
    )


@pytest.mark.parametrize("projection", [contact.PROJECTION, structs.replace(contact.PROJECTION, fold=None)])
async def test_a_rebuild_parks_again_what_it_cannot_apply_and_leaves_out_what_was_skipped(
    workshop: Workshop, projection: Projection
) -> None:
    tenant, streams = await workshop.given(contacts=3)
    for stream in streams[:2]:
        await workshop.happened(tenant, stream, NUL, changed(tags=("after",)), after=3)
    await workshop.level(tenant)
    waiting = await workshop.log.parked([contact.PROJECTION.checkpoint])
    skipped = next(each for each in waiting if each.stream_id == streams[0])
    assert await workshop.resume(skipped, Skip("grace", "a bug")) is None

    def kept() -> tuple[object, object]:
        rows = [(*row[:3], *row[5:]) for row in parked(workshop.database, tenant)]
        return contents(workshop.database, tenant, [contact.PROJECTION]), rows

    before = kept()
    assert versions(workshop.database, tenant)[streams[0]] == 5
    rebuilt = await workshop.rebuild(projection)
    assert all(each.is_equal for each in rebuilt.compared if each.tenant_id == tenant)
    assert kept() == before
    await workshop.mend(tenant)
    assert kept() == before


async def test_nothing_is_skipped_while_the_rows_are_built_anew(workshop: Workshop) -> None:
    """The new rows have taken their notes by then, and would have it parked again."""
    tenant, (stream,) = await workshop.given(contacts=1)
    await workshop.happened(tenant, stream, NUL, after=3)
    await workshop.level(tenant)
    (waits,) = [each for each in await workshop.log.parked([contact.PROJECTION.checkpoint]) if each.tenant_id == tenant]
    await workshop.aside.begin(contact.PROJECTION)
    with pytest.raises(RebuildRunsError):
        await workshop.resume(waits, Skip("grace", "a bug"))
    await workshop.aside.forget(contact.PROJECTION)
    assert await workshop.resume(waits, Skip("grace", "a bug")) is None


async def test_two_projectors_park_it_once(database: Database, tenant: UUID) -> None:
    """Fault 4."""
    faulty = Faulty(ValueError(), at=(5, 20))
    projector = Projector(database, faulty.projection, COUNTER)
    other = Projector(database, faulty.projection, COUNTER, log=projector.log)
    async with projector.running(), other.running():
        for _ in range(6):
            events = story(projector.log, tenant, contacts=2)
            for each in (projector, other):
                each.deliveries.bring(*events)
            await projector.reached(tenant, events[-1].position, name="faulty_v1")
    assert [row[2] for row in parked(database, tenant)] == [5, 20]
    assert counted(database, tenant) == 48
    assert sorted(set(faulty.applied)) == [n for n in range(1, 49) if n not in waiting(projector, tenant, (5, 20))]


def waiting(projector: Projector, tenant: UUID, bad: tuple[int, ...]) -> set[int]:
    log = projector.log.events[tenant]
    streams = {log[position - 1].stream_id: position for position in bad}
    return {item.position for item in log if item.position >= streams.get(item.stream_id, item.position + 1)}


async def test_where_too_much_is_bad_the_projection_stands_instead(database: Database, tenant: UUID) -> None:
    faulty = Faulty(ValueError())
    projector = Projector(database, faulty.projection)
    story(projector.log, tenant, contacts=MOST_PARKED + 1)
    await projector.runner.catch_up(tenant)
    assert checkpoints(database, tenant).get("faulty_v1", 0) == 0
    assert parked(database, tenant) == []
    assert checkpoints(database, tenant)[contact.PROJECTION.checkpoint] == 4 * (MOST_PARKED + 1)


async def test_newer_code_tries_again_when_it_starts(
    database: Database, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = Faulty(ValueError(), at=(5,))
    projector = Projector(database, faulty.projection)
    await projector.runner.catch_up(tenant, story(projector.log, tenant))
    faulty.error = None
    real = PostgresLog(database.pools[PROJECTOR], database.keyring)

    async def of_tenant(projections: list[str]) -> list[Parked]:
        return [each for each in await real.parked(projections) if each.tenant_id == tenant]

    monkeypatch.setattr(projector.log, "parked", of_tenant)
    async with projector.running():
        await projector.until(lambda: parked(database, tenant) == [])
    assert faulty.applied[-3:] == [5, 8, 11]


@pytest.mark.parametrize(
    ("topic", "projection", "wanted"),
    [
        ("contact.changed.v1", contact.PROJECTION, True),
        ("contact.unheard_of.v1", contact.PROJECTION, True),
        ("contact.unheard_of.v1", company.PROJECTION, False),
        ("user.password_changed.v1", contact.PROJECTION, False),
    ],
)
def test_what_cannot_be_read_is_for_those_that_its_topic_is_about(
    topic: str, projection: Projection, wanted: bool
) -> None:
    event: Event = Unreadable(TOPIC=topic, error="X")
    assert projection.wants(FakeLog().add(uuid4(), uuid4(), event)[0]) is wanted
