"""R4.5, invariant 3: every figure of a report is what a fold of the log says, whatever was told late or corrected."""

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.interaction import Channel, Direction, Type
from projections.pipeline.figures import Seconds, Step
from projections.reports.figures import GroupBy, NextActions, ReportRow
from projections.reports.queries import Asked, report
from projections.reports.report import PROJECTION
from tests.conftest import Database
from tests.projections.interactions.talks import AUTHORS, BEGIN, MODELS, THREADS, Talks, Told, steps
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

NONE = timedelta(0)
NOW = BEGIN + timedelta(hours=30)
ZONES = (UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"))

times = st.one_of(
    st.none(),
    st.integers(0, 5).map(lambda days: (BEGIN + timedelta(days=days)).replace(hour=0)),
    st.integers(0, 90).map(lambda hours: BEGIN + timedelta(hours=hours)),
)
asked = st.builds(
    Asked,
    group_by=st.sampled_from(GroupBy),
    interval=st.sampled_from(Step),
    zone=st.sampled_from(ZONES),
    since=times,
    until=times,
    authors=st.sampled_from([None, None, None, (), AUTHORS[:1]]),
    owner_id=st.sampled_from([None, None, AUTHORS[0]]),
    channel=st.sampled_from([None, None, Channel.EMAIL.value]),
    type=st.sampled_from([None, None, Type.EMAIL.value]),
    outcome=st.sampled_from([None, None, "reached"]),
)


def answers(told: Sequence[Told]) -> dict[Told, Told]:
    """What answers what: of each inbound one, the first outbound one that came later and goes with it."""
    found = {}
    for one in told:
        later = [
            other for other in told if other.turn is Direction.OUTBOUND and other.at > one.at and goes_with(one, other)
        ]
        if one.turn is Direction.INBOUND and later:
            found[one] = min(later, key=lambda other: (other.at, other.id))
    return found


def goes_with(one: Told, other: Told) -> bool:
    """Whether both are of one conversation: by their threads where both have one, else by the contact."""
    if one.thread and other.thread:
        return one.thread == other.thread
    return one.contact_id == other.contact_id


def is_asked(about: Asked, one: Told, author: object) -> bool:
    return (
        (about.since is None or about.since <= one.at)
        and (about.until is None or one.at < about.until)
        and (about.authors is None or author in about.authors)
        and about.owner_id in {None, author}
        and about.contact_id in {None, one.contact_id}
        and about.channel in {None, one.channel}
        and about.type in {None, one.type}
        and about.outcome in {None, one.outcome}
    )


def key(about: Asked, one: Told, author: object) -> str | None:
    """The group that it is in."""
    if about.group_by is GroupBy.PERIOD:
        return str(first_day(one.at.astimezone(about.zone).date(), about.interval))
    values = {"owner": author, "contact": one.contact_id}
    value = values[about.group_by] if about.group_by in values else getattr(one, about.group_by)
    return None if value is None else str(value)


def first_day(day: date, step: Step) -> date:
    return {Step.DAY: day, Step.WEEK: day - timedelta(days=day.weekday()), Step.MONTH: day.replace(day=1)}[step]


def percentile(values: Sequence[float], tenths: int) -> float | None:
    if len(values) < 2:
        return values[0] if values else None
    return statistics.quantiles(values, n=10, method="inclusive")[tenths - 1]


def expected(told: Sequence[Told], about: Asked) -> dict[str | None, ReportRow]:
    """The report, reckoned interaction by interaction."""
    groups: dict[str | None, list[Told]] = {}
    lasted: dict[str | None, list[float]] = {}
    for one in (one for one in told if is_asked(about, one, one.author_id)):
        groups.setdefault(key(about, one, one.author_id), []).append(one)
    for one, answer in answers(told).items():
        if is_asked(about, one, answer.author_id):
            seconds = (answer.at - one.at).total_seconds()
            lasted.setdefault(key(about, one, answer.author_id), []).append(seconds)
    rows = {}
    for each in {*groups, *lasted}:
        group, took = groups.get(each, []), lasted.get(each, [])
        due = [one.due_at > NOW for one in group if one.due_at]
        rows[each] = ReportRow(
            key=each,
            count=len(group),
            by_type=dict(Counter(str(one.type) for one in group if one.type)),
            by_outcome=dict(Counter(one.outcome for one in group if one.outcome)),
            responses=len(took),
            response_seconds=Seconds(*(percentile(took, tenths) for tenths in (5, 9))),
            next_actions=NextActions(due.count(True), due.count(False)),
        )
    return rows


async def pages(database: Database, talks: Talks, about: Asked, limit: int) -> list[ReportRow]:
    """The whole report, page by page."""
    found: list[ReportRow] = []
    after = None
    while True:
        async with database.service.of(talks.tenant) as connection:
            rows, after = await report(connection, talks.tenant, about, now=NOW, after=after, limit=limit)
        found += rows
        assert len(rows) <= limit
        if after is None:
            return found


def check(found: Sequence[ReportRow], wanted: dict[str | None, ReportRow], about: Asked) -> None:
    assert {row.key: row.count for row in found} == {name: row.count for name, row in wanted.items()}
    assert len(found) == len(wanted)
    for row in found:
        other = wanted[row.key]
        assert (row.by_type, row.by_outcome, row.next_actions) == (other.by_type, other.by_outcome, other.next_actions)
        assert row.responses == other.responses
        for seen, reckoned in zip(
            (row.response_seconds.median, row.response_seconds.p90),
            (other.response_seconds.median, other.response_seconds.p90),
            strict=True,
        ):
            assert seen == pytest.approx(reckoned, abs=0.001)
    order = [(row.key or "") if about.group_by is GroupBy.PERIOD else (-row.count, row.key or "") for row in found]
    assert order == sorted(order)


@given(st.randoms(use_true_random=True), st.integers(1, 6), st.data())
@settings(max_examples=12)
async def test_every_figure_is_what_the_log_says(
    database: Database, chance: Random, at_once: int, data: st.DataObject
) -> None:
    talks = Talks(database)
    await talks.begin()
    for number, step in enumerate(steps(chance, 30)):
        await talks.take(step)
        if number % at_once == 0:
            await catch_up(database, talks.tenant, MODELS)
    await catch_up(database, talks.tenant, MODELS)
    told = talks.folded()
    for _ in range(6):
        about = data.draw(asked)
        check(await pages(database, talks, about, data.draw(st.integers(1, 5))), expected(told, about), about)
    about = Asked(group_by=data.draw(st.sampled_from(GroupBy)), contact_id=talks.contacts[0])
    now = Asked(group_by=about.group_by, contact_id=talks.end(talks.contacts[0]))
    check(await pages(database, talks, about, 5), expected(told, now), about)


async def test_an_answer_counts_from_when_it_is_told_until_it_is_none_any_more(database: Database) -> None:
    talks = Talks(database)
    await talks.begin()
    said = {"type": Type.EMAIL, "channel": Channel.EMAIL}

    async def seconds() -> list[tuple[str | None, int, float | None]]:
        await catch_up(database, talks.tenant, MODELS)
        rows = await pages(database, talks, Asked(group_by=GroupBy.OWNER), 10)
        return sorted(
            (row.key, row.responses, row.response_seconds.median) for row in rows if row.responses and row.key
        )

    async def tell(contact: int, hours: int, direction: Direction, author: int) -> UUID:
        at = BEGIN + timedelta(hours=hours)
        return await talks.log(contact=contact, occurred_at=at, direction=direction, author_id=AUTHORS[author], **said)

    ada, bob = map(str, AUTHORS[:2])
    asked = await tell(0, 1, Direction.INBOUND, 0)
    await tell(1, 2, Direction.OUTBOUND, 1)
    assert await seconds() == [], "with another contact"
    late = await tell(0, 11, Direction.OUTBOUND, 0)
    assert await seconds() == [(ada, 1, 36_000.0)]
    await talks.take(("merge", (0, 1)))
    assert await seconds() == [(bob, 1, 3_600.0)], "both are one contact now"
    await talks.take(("unmerge", 0))
    assert await seconds() == [(ada, 1, 36_000.0)]
    early = await tell(0, 3, Direction.OUTBOUND, 1)
    assert await seconds() == [(bob, 1, 7_200.0)], "told late, but earlier than the other"
    await talks.change(early, {"author_id": AUTHORS[0]})
    assert await seconds() == [(ada, 1, 7_200.0)]
    await talks.change(early, {"type": Type.WEB_VISIT})
    await talks.change(late, {"occurred_at": BEGIN})
    assert await seconds() == [], "one is no answer, the other came before"
    await talks.change(asked, {"occurred_at": BEGIN - timedelta(hours=1)})
    assert await seconds() == [(ada, 1, 3_600.0)]
    await talks.change(asked, {"direction": Direction.INTERNAL})
    assert await seconds() == []


async def test_counts_are_those_of_a_rebuild_and_a_wrong_one_shows(workshop: Workshop) -> None:
    talks = Talks(workshop.database)
    await talks.begin()
    for number in range(12):
        await talks.log(
            contact=number % 3,
            occurred_at=BEGIN + timedelta(hours=number * 5 % 7),
            type=Type.EMAIL,
            channel=Channel.EMAIL,
            direction=[Direction.INBOUND, Direction.OUTBOUND][number % 5 > 2],
            author_id=AUTHORS[number % 3],
        )
    await talks.take(("merge", (0, 1)))
    await workshop.level(talks.tenant)
    (verified,) = await workshop.verify(talks.tenant, [PROJECTION])
    assert (verified.position, verified.differences) == (16, [])
    before = contents(workshop.database, talks.tenant, [PROJECTION])
    assert set(map(bool, before.values())) == {True}
    rebuilt = await workshop.rebuild(PROJECTION)
    assert [each for each in rebuilt.compared if not each.is_equal] == []
    assert contents(workshop.database, talks.tenant, [PROJECTION]) == before
    async with workshop.database.projector.of(talks.tenant) as connection:
        await connection.execute("UPDATE report_count_v1 SET interactions = interactions + 1 WHERE by_author")
    (wrong,) = await workshop.verify(talks.tenant, [PROJECTION])
    assert [each.table for each in wrong.differences] == ["report_count_v1"]


async def test_contacts_are_counted_by_whole_years_and_what_is_left_beside_them(database: Database) -> None:
    talks = Talks(database)
    await talks.begin()
    said = {"type": Type.EMAIL, "channel": Channel.EMAIL, "direction": Direction.OUTBOUND}
    days = ((1, 1, 0), (8, 9, 10))
    ends = [datetime(year, month, day, hour, tzinfo=UTC) for year in (2025, 2026, 2027) for month, day, hour in days]
    told = [
        await talks.log(contact=number % 3, author_id=AUTHORS[number % 2], occurred_at=end + shift, **said)
        for number, (end, shift) in enumerate((end, shift) for end in ends for shift in (-timedelta(seconds=1), NONE))
    ]
    await catch_up(database, talks.tenant, MODELS)
    await talks.change(told[0], {"contact": 1})
    await talks.change(told[-1], {"occurred_at": ends[0]})
    await catch_up(database, talks.tenant, MODELS)
    for since in (None, *ends):
        for until in (None, *ends):
            about = Asked(group_by=GroupBy.CONTACT, since=since, until=until, authors=AUTHORS[:1] if until else None)
            check(await pages(database, talks, about, 2), expected(talks.folded(), about), about)


async def test_an_answer_in_a_thread_may_go_to_somebody_else_and_moves_with_the_thread(database: Database) -> None:
    talks = Talks(database)
    await talks.begin()
    said = {"type": Type.EMAIL, "channel": Channel.EMAIL, "author_id": AUTHORS[0]}

    async def tell(contact: int, hours: int, direction: Direction, thread: UUID | None) -> UUID:
        at = BEGIN + timedelta(hours=hours)
        return await talks.log(contact=contact, occurred_at=at, direction=direction, conversation_id=thread, **said)

    async def seconds() -> list[tuple[int, float | None]]:
        await catch_up(database, talks.tenant, MODELS)
        rows = await pages(database, talks, Asked(group_by=GroupBy.OWNER), 10)
        return [(row.responses, row.response_seconds.median) for row in rows]

    await tell(0, 1, Direction.INBOUND, THREADS[0])
    reply = await tell(1, 3, Direction.OUTBOUND, THREADS[0])
    assert await seconds() == [(1, 7_200.0)]
    await talks.change(reply, {"conversation_id": THREADS[1]})
    assert await seconds() == [(0, None)]
    await talks.change(reply, {"conversation_id": None, "contact": 0})
    assert await seconds() == [(1, 7_200.0)], "of no thread, it answers by the contact"
    await talks.take(("merge", (0, 2)))
    assert await seconds() == [(1, 7_200.0)]
