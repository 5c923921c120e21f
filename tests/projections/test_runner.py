"""Projections are driven by what is delivered and by the log: invariant 3, whatever the broker does (fault 7, R6.5)."""

import asyncio
import random
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest

from domain.event import Event, Recorded
from domain.tenant import TenantSuspended
from projections import lane, runner, turns
from projections.contacts import contact
from projections.registry import POSTGRES
from tests.conftest import Database
from tests.given import changed, deleted, registered
from tests.projections.reading import checkpoints, contents
from tests.projections.running import CONTACT, COUNTER, Projector, counted, expect_whole, story
from tests.projections.workshop import Workshop
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


async def test_what_is_delivered_is_applied_without_reading_the_log(
    database: Database, projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_POLL_SECONDS", 10 * PATIENCE)
    async with projector.running():
        await projector.looked()
        events = story(projector.log, tenant)
        projector.deliveries.bring(*events)
        await projector.reached(tenant, 12)
        assert projector.log.reads == 0
    expect_whole(database, projector, tenant)


async def test_nor_is_it_read_after_whole_batches_of_which_more_will_be_delivered(
    database: Database, projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_POLL_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(turns, "BATCH", 4)
    monkeypatch.setattr(lane, "BATCH", 4)
    async with projector.running():
        await projector.looked()
        events = story(projector.log, tenant)
        for start in (0, 4, 8):
            projector.deliveries.bring(*events[start : start + 4])
            await projector.reached(tenant, start + 4)
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


async def test_a_gap_is_filled_from_the_log_before_it_looks_at_the_heads(
    database: Database, projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_POLL_SECONDS", 10 * PATIENCE)
    async with projector.running():
        await projector.looked()
        events = story(projector.log, tenant)
        projector.deliveries.bring(*events[:4])
        projector.deliveries.bring(*events[7:])
        await projector.reached(tenant, 12)
    expect_whole(database, projector, tenant)


async def test_a_lost_tail_is_caught_by_looking(database: Database, projector: Projector, tenant: UUID) -> None:
    async with projector.running():
        events = story(projector.log, tenant)
        projector.deliveries.bring(*events[:6])
        await projector.reached(tenant, 6)
        await projector.reached(tenant, 12)
    expect_whole(database, projector, tenant)


async def test_what_too_many_wait_of_is_not_delivered_until_it_has_been_read(
    database: Database, projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_POLL_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(lane, "_MOST_WAITING", 5)
    async with projector.running():
        await projector.looked()
        projector.deliveries.bring(*story(projector.log, tenant))
        await projector.until(lambda: len(projector.deliveries.asked) > 1)
        assert projector.deliveries.asked == [("pause", tenant), ("resume", tenant)]
        await projector.reached(tenant, 12)
        projector.deliveries.bring(*story(projector.log, tenant, contacts=1))
        await projector.reached(tenant, 16)
    expect_whole(database, projector, tenant)
    assert len(projector.deliveries.asked) == 2


async def test_more_than_a_batch_is_caught_up_in_one_go(database: Database, projector: Projector, tenant: UUID) -> None:
    for _ in range(603):
        projector.log.add(tenant, uuid4(), registered())
    await projector.runner.catch_up(tenant)
    assert set(checkpoints(database, tenant).values()) == {603}
    contacts = [position for _, names, position in projector.heard.said if CONTACT in names]
    assert contacts == [250, 500, 603]


async def test_two_projectors_on_one_tenant_apply_once(database: Database, tenant: UUID) -> None:
    """Fault 4."""
    projector = Projector(database, COUNTER)
    other = Projector(database, COUNTER, log=projector.log)
    story(projector.log, tenant)
    await projector.runner.catch_up(tenant)
    async with projector.running(), other.running():
        for _ in range(12):
            events = story(projector.log, tenant, contacts=1)
            for each in (projector, other):
                each.deliveries.bring(*events)
            await projector.reached(tenant, len(projector.log.events[tenant]))
    expect_whole(database, projector, tenant)
    assert counted(database, tenant) == 12 + 12 * 4


async def test_what_is_applied_is_announced(projector: Projector, tenant: UUID) -> None:
    events = story(projector.log, tenant)
    await projector.runner.catch_up(tenant, events)
    assert {(tenant_id, position) for tenant_id, _, position in projector.heard.said} == {(tenant, 12)}
    names = [name for _, names, _ in projector.heard.said for name in names]
    assert sorted(names) == sorted(each.checkpoint for each in POSTGRES)


async def test_what_is_not_concerned_comes_along_without_a_turn(
    projector: Projector, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_POLL_SECONDS", 10 * PATIENCE)
    projector.log.add(tenant, uuid4(), registered())
    await projector.runner.catch_up(tenant)
    async with projector.running():
        await projector.looked()
        lanes = projector.runner._mirrors
        await projector.until(lambda: all(each.passes_by(tenant, 1, {TenantSuspended.TOPIC}) for each in lanes))
        before = len(projector.heard.said)
        projector.deliveries.bring(*projector.log.add(tenant, uuid4(), TenantSuspended()))
        await projector.reached(tenant, 2)
        await projector.until(lambda: len(projector.heard.said) > before)
    names = [names for _, names, _ in projector.heard.said[before:]]
    assert [sorted(each) for each in names] == [sorted(each.checkpoint for each in POSTGRES)]


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


async def test_a_checkpoint_that_is_set_back_is_noticed(workshop: Workshop) -> None:
    """By an operator, or because the rows that are mirrored have changed."""
    tenant, _ = await workshop.given(contacts=2, apply=False)
    projector = Projector(workshop.database, log=workshop.log)
    async with projector.running():
        await projector.reached(tenant, 6)
        before = contents(workshop.database, tenant)
        async with workshop.database.projector.of(tenant) as connection:
            await connection.execute("DELETE FROM read.contact_words_v1")
            await connection.execute("DELETE FROM read.contact_word_uses_v1")
            await connection.execute("DELETE FROM read.contact_vocabulary_v1")
            await connection.execute("UPDATE read.checkpoint SET position = 0 WHERE projection = 'contact_words_v1'")
        await projector.until(lambda: contents(workshop.database, tenant) == before)
