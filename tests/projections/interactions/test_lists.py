"""R4.2, R4.3, B1, invariant 3: lists of interactions, now and as of any moment, are what a fold of the log says."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from domain import interaction as domain
from domain.event import Event, Recorded
from domain.interaction import Channel, Direction, Interaction, Type, missing
from projections.interactions.interaction import PROJECTION
from projections.interactions.lists import Filters, Sort, next_actions, page, to_review
from projections.interactions.queries import InteractionView, Stored, view
from projections.position import Moment
from tests.conftest import Database
from tests.projections.interactions.talks import AUTHORS, BEGIN, Talks, steps
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

SOON = datetime(2030, 1, 1, tzinfo=UTC)

Log = Sequence[Recorded[Event]]
Read = Callable[..., Awaitable[tuple[list[Stored], list[str] | None]]]


def folded(log: Log, position: int | None = None) -> list[Interaction]:
    """The interactions that there were, by the log alone."""
    states: dict[UUID, Interaction] = {}
    for item in log:
        if isinstance(item.event, domain.EVENTS) and (position is None or item.position <= position):
            before = states.get(item.stream_id)
            states[item.stream_id] = domain.evolve(before, item.event, stream_id=item.stream_id, at=item.recorded_at)
    return list(states.values())


def happened(one: Interaction) -> datetime:
    return one.occurred_at or one.recorded_at


def fits(one: Interaction, filters: Filters) -> bool:
    wanted = {name: value for name, value in structs.asdict(filters).items() if value is not None}
    since, until = wanted.pop("since", None), wanted.pop("until", None)
    return (
        all(getattr(one, name) == value for name, value in wanted.items())
        and (since is None or happened(one) >= since)
        and (until is None or happened(one) < until)
    )


async def listed(talks: Talks, read: Read, database: Database, position: int | None) -> list[InteractionView]:
    """Every page of a list."""
    found: list[InteractionView] = []
    after = None
    while True:
        as_of = None if position is None else Moment(SOON, position)
        async with database.service.of(talks.tenant) as connection:
            rows, after = await read(connection, talks.tenant, after=after, limit=3, as_of=as_of)
        assert len(rows) <= 3
        found += map(view, rows)
        if after is None:
            return found


async def told(database: Database, seed: int, count: int) -> tuple[Talks, Log]:
    """A tenant with a history; some of it is applied early on, so that versions end in later batches too."""
    chance, talks = Random(seed), Talks(database)  # noqa: S311
    early = chance.randrange(count)
    await talks.begin()
    for number, step in enumerate(steps(chance, count)):
        if number == early:
            await catch_up(database, talks.tenant, [PROJECTION])
        await talks.take(step)
    await catch_up(database, talks.tenant, [PROJECTION])
    return talks, await talks.store.read(talks.tenant, after=0, limit=10_000)


@given(st.integers(0, 2**32), st.integers(1, 25), st.data())
@settings(max_examples=25)
async def test_lists_are_what_the_log_says_now_and_at_every_position(
    database: Database, seed: int, count: int, data: st.DataObject
) -> None:
    talks, log = await told(database, seed, count)
    positions = st.one_of(st.none(), st.integers(0, len(log)))
    times = st.one_of(st.none(), st.integers(0, 60).map(lambda hours: BEGIN + timedelta(hours=hours)))
    filters = st.builds(
        Filters,
        contact_id=st.sampled_from([None, None, talks.contacts[0]]),
        author_id=st.sampled_from([None, None, AUTHORS[0]]),
        type=st.sampled_from([None, None, Type.EMAIL]),
        channel=st.sampled_from([None, None, Channel.PHONE]),
        direction=st.sampled_from([None, None, Direction.INBOUND]),
        outcome=st.sampled_from([None, None, "reached"]),
        since=times,
        until=times,
    )
    owners = {one.id: one.author_id for one in folded(log)}
    for _ in range(5):
        authors = data.draw(st.sampled_from([None, None, (), AUTHORS[:1]]))
        position, wanted, sort = data.draw(positions), data.draw(filters), data.draw(st.sampled_from(Sort))
        due_before = data.draw(times)
        # Whose they are now says who may read what they were.
        mine = [one for one in folded(log, position) if authors is None or owners[one.id] in authors]

        all_of_them = sorted(
            (one for one in mine if fits(one, wanted)),
            key=lambda one: (happened(one), one.id),
            reverse=sort is Sort.OCCURRED_AT_DESC,
        )
        read: Read = partial(page, filters=wanted, sort=sort, authors=authors)
        assert await listed(talks, read, database, position) == list(map(view, all_of_them))

        unclear = sorted((one for one in mine if missing(one)), key=lambda one: (one.recorded_at, one.id))
        read = partial(to_review, authors=authors)
        assert await listed(talks, read, database, position) == list(map(view, unclear))

        due = [(one.due_at, one.id, one) for one in mine if one.due_at and wanted.author_id in {None, one.author_id}]
        ordered = [one for at, _, one in sorted(due) if due_before is None or at < due_before]
        read = partial(next_actions, author_id=wanted.author_id, due_before=due_before, authors=authors)
        assert await listed(talks, read, database, position) == list(map(view, ordered))


async def test_what_nobody_changes_is_stored_once_and_versions_follow_one_another(database: Database) -> None:
    talks = Talks(database)
    await talks.begin()
    values: dict[str, Any] = {"occurred_at": BEGIN, "author_id": None}
    quiet, busy = await talks.log(**values), await talks.log(**values)
    for outcome in ("no answer", "reached", None):
        await talks.change(busy, {"outcome": outcome})
        if outcome == "reached":
            await catch_up(database, talks.tenant, [PROJECTION])
    await catch_up(database, talks.tenant, [PROJECTION])

    rows = contents(database, talks.tenant, [PROJECTION])
    assert [row["version"] for row in rows["interaction_v1"] if row["id"] == str(quiet)] == [1]
    (now,) = (row for row in rows["interaction_v1"] if row["id"] == str(busy))
    ended = sorted(rows["interaction_past_v1"], key=lambda row: row["version"])
    assert [(row["id"], row["version"], row["outcome"]) for row in ended] == [
        (str(busy), 1, None),
        (str(busy), 2, "no answer"),
        (str(busy), 3, "reached"),
    ]
    assert [row["until"] for row in ended] == [*(row["position"] for row in ended[1:]), now["position"]]


async def test_the_past_of_one_tenant_is_not_that_of_another(database: Database) -> None:
    """R6.2."""
    (one, log), (other, _) = [await told(database, seed, 20) for seed in (1, 2)]
    theirs = {interaction.id for interaction in folded(log)}
    for position in range(len(log) + 1):
        read: Read = partial(page, filters=Filters(), sort=Sort.OCCURRED_AT)
        found = {shown.id for shown in await listed(other, read, database, position)}
        assert not found & theirs
        # Asked for by its id, too: the rows of another tenant are not there.
        async with database.service.of(other.tenant) as connection:
            foreign, _ = await page(
                connection, one.tenant, Filters(), Sort.OCCURRED_AT, after=None, limit=9, as_of=Moment(SOON, position)
            )
        assert foreign == []


async def test_versions_are_those_of_a_rebuild(workshop: Workshop) -> None:
    """B6."""
    talks, _ = await told(workshop.database, 5, 40)
    await workshop.level(talks.tenant)
    (verified,) = await workshop.verify(talks.tenant, [PROJECTION])
    assert verified.differences == []
    before = contents(workshop.database, talks.tenant, [PROJECTION])
    assert len(before["interaction_past_v1"]) > 5
    rebuilt = await workshop.rebuild(PROJECTION)
    assert [each for each in rebuilt.compared if not each.is_equal] == []
    await workshop.mend(talks.tenant, projection=PROJECTION)
    changed = next(row["id"] for row in before["interaction_past_v1"])
    await workshop.mend(talks.tenant, UUID(changed), projection=PROJECTION)
    assert contents(workshop.database, talks.tenant, [PROJECTION]) == before
