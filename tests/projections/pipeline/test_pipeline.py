"""R5.4, B1, invariant 3: every figure of the pipeline is what a fold of the log says, now and as of any moment."""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import zones
from domain.lead import Lead, LeadNurtured, LeadQualified, LeadRegistered
from domain.lead_status import CLOSED, PAIRS, Status
from projections.leads import lead
from projections.pipeline.figures import ConversionView, PipelineView, Step, TrendRow
from projections.pipeline.pipeline import PROJECTION
from projections.pipeline.queries import Asked, pipeline, trend_of
from projections.pipeline.stays import bucket
from projections.position import Moment
from tests.conftest import Database
from tests.given import TENANT
from tests.projections.pipeline.pipelines import BEGIN, OWNERS, SOURCES, Leads, folded, steps
from tests.projections.pipeline.pipelines import Step as Happening
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

BOTH = (lead.PROJECTION, PROJECTION)
AT = datetime(2030, 1, 1, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati", "Etc/GMT+12")

times = st.one_of(
    st.none(),
    st.integers(0, 12).map(lambda days: (BEGIN + timedelta(days=days)).replace(hour=0)),
    st.integers(0, 200).map(lambda hours: BEGIN + timedelta(hours=hours)),
)
asked = st.builds(
    Asked,
    owners=st.sampled_from([None, None, (), OWNERS[:1], OWNERS[:2]]),
    owner_id=st.sampled_from([None, None, OWNERS[0]]),
    source=st.sampled_from([None, None, *SOURCES]),
    since=times,
    until=times,
)


def wanted(leads: Sequence[Lead], asked: Asked, now: Sequence[Lead]) -> list[Lead]:
    """Those that the reader may see now, of whom it was asked for then."""
    seen = {each.id for each in now if asked.owners is None or each.owner_id in asked.owners}
    return [
        each
        for each in leads
        if each.id in seen and asked.owner_id in {None, each.owner_id} and asked.source in {None, each.source}
    ]


def is_within(asked: Asked, at: datetime) -> bool:
    return (asked.since is None or asked.since <= at) and (asked.until is None or at < asked.until)


def durations(leads: Sequence[Lead], status: Status) -> list[float]:
    pairs = [(each.stays[n], each.stays[n + 1]) for each in leads for n in range(len(each.stays) - 1)]
    return sorted((after.since - stay.since).total_seconds() for stay, after in pairs if stay.status is status)


def percentile(values: list[float], tenths: int) -> float | None:
    """By interpolation, from the standard library, which leaves single values out."""
    if len(values) < 2:
        return values[0] if values else None
    return statistics.quantiles(values, n=10, method="inclusive")[tenths - 1]


def conversion(leads: Sequence[Lead], asked: Asked, start: Status, to: Status) -> ConversionView:
    entered = moved = 0
    for each in leads:
        places = [n for n, s in enumerate(each.stays) if s.status is start and is_within(asked, s.since)]
        entered += bool(places)
        moved += bool(places) and any(s.status is to for s in each.stays[places[0] + 1 :])
    return ConversionView(
        start=start, to=to, entered=entered, moved=moved, rate=round(moved / entered, 6) if entered else None
    )


def check(found: PipelineView, leads: Sequence[Lead], asked: Asked) -> None:
    """Against a reckoning of its own, lead by lead."""
    for status, shown in zip(Status, found.statuses, strict=True):
        here = [each for each in leads if each.status is status]
        assert (shown.status, shown.count) == (status, len(here))
        worth: dict[str, Decimal] = {}
        for value in (each.value for each in here if each.value):
            worth[value.currency] = worth.get(value.currency, Decimal(0)) + Decimal(value.amount)
        assert {value.currency: Decimal(value.amount) for value in shown.values} == worth
        lasted = durations(leads, status)
        for seen, tenths in ((shown.seconds.median, 5), (shown.seconds.p90, 9)):
            assert seen == pytest.approx(percentile(lasted, tenths), abs=0.001)
    assert found.conversion == [conversion(leads, asked, *pair) for pair in PAIRS]
    closed = [each.status for each in leads if each.status in CLOSED and is_within(asked, each.status_since)]
    assert found.win_rate == (round(closed.count(Status.CONVERTED) / len(closed), 6) if closed else None)


def entries(leads: Sequence[Lead], asked: Asked, step: Step, zone: str) -> list[TrendRow]:
    rows: dict[Any, dict[str, int]] = {}
    for stay in (stay for each in leads for stay in each.stays if is_within(asked, stay.since)):
        day = stay.since.astimezone(ZoneInfo(zone)).date()
        first = {Step.DAY: day, Step.WEEK: day - timedelta(days=day.weekday()), Step.MONTH: day.replace(day=1)}[step]
        row = rows.setdefault(first, {})
        row[stay.status.value] = row.get(stay.status.value, 0) + 1
    return [TrendRow(first, **row) for first, row in sorted(rows.items())]


@given(st.lists(steps, min_size=1, max_size=18), st.data())
@settings(max_examples=12)
async def test_every_figure_is_what_the_log_says_now_and_at_every_position(
    database: Database, sequence: Sequence[Happening], data: st.DataObject
) -> None:
    leads, early = Leads(database), data.draw(st.integers(0, len(sequence)))
    for number, step in enumerate(sequence):
        if number == early:
            await catch_up(database, leads.tenant, BOTH)
        await leads.take(step)
    await catch_up(database, leads.tenant, BOTH)
    log = await leads.log()
    for _ in range(3):
        about, interval, zone = data.draw(asked), data.draw(st.sampled_from(Step)), data.draw(st.sampled_from(ZONES))
        moment = Moment(AT, data.draw(st.integers(0, len(log))))
        every = list(leads.leads.values())
        now, then = (wanted(folded(log, position), about, every) for position in (len(log), moment.position))
        async with database.service.of(leads.tenant) as connection:
            check(await pipeline(connection, leads.tenant, about, at=AT), now, about)
            found = await trend_of(connection, leads.tenant, about, interval, zone=zone)
            assert found == entries(now, about, interval, zone)
            check(await pipeline(connection, leads.tenant, about, at=AT, as_of=moment), then, about)
            past = await trend_of(connection, leads.tenant, about, interval, zone=zone, as_of=moment)
            assert past == entries(then, about, interval, zone)


async def test_periods_of_months_are_summed_by_month_and_by_day_at_both_ends(database: Database) -> None:
    leads = Leads(database)
    for number in range(24):
        days, fields = (
            timedelta(days=number * 6, hours=number),
            {"owner_id": OWNERS[number % 2], "source": SOURCES[number % 3]},
        )
        await leads.take(("add", fields, days))
        await leads.take(("move", (number, number), timedelta(days=1 + number)))
        await leads.take(("move", (number, 0), timedelta(hours=1 + number**3)))
    await catch_up(database, leads.tenant, BOTH)
    every = list(leads.leads.values())
    turns = [
        None,
        *(datetime(2026, month, day, hour, tzinfo=UTC) for month in (1, 2, 4, 6) for day, hour in ((1, 0), (17, 9))),
    ]
    for since, until in ((since, until) for since in turns for until in turns):
        about = Asked(since=since, until=until, source=SOURCES[0] if since else None)
        now = wanted(every, about, every)
        async with database.service.of(leads.tenant) as connection:
            check(await pipeline(connection, leads.tenant, about, at=AT), now, about)
            found = await trend_of(connection, leads.tenant, about, Step.MONTH, zone="Asia/Kathmandu")
        assert found == entries(now, about, Step.MONTH, "Asia/Kathmandu")


async def test_a_lead_that_comes_back_counts_once_in_every_period(database: Database) -> None:
    leads = Leads(database)
    for number in range(4):
        lead_id, at = uuid4(), BEGIN + timedelta(days=9 * number)
        fields: dict[str, Any] = {"owner_id": OWNERS[number % 2], "source": SOURCES[number % 3]}
        await leads.happened(lead_id, at, LeadRegistered(title="Engine", **fields))
        for turn in range(12):
            at += timedelta(days=(turn * 5 + number) % 17, hours=turn * 7)
            await leads.happened(lead_id, at, LeadNurtured() if turn % 2 else LeadQualified())
    await catch_up(database, leads.tenant, BOTH)
    every = list(leads.leads.values())
    moves = {stay.since for each in every for stay in each.stays[::5]}
    turns = [*sorted(moves), *(datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 5)), None]
    for since, until in ((since, until) for since in turns[:-1] for until in turns):
        about = Asked(since=since, until=until, owner_id=OWNERS[0] if until and until.day % 3 == 0 else None)
        async with database.service.of(leads.tenant) as connection:
            check(await pipeline(connection, leads.tenant, about, at=AT), wanted(every, about, every), about)


async def test_sums_are_those_of_a_rebuild_and_a_wrong_one_shows(workshop: Workshop) -> None:
    leads = Leads(workshop.database)
    for number in range(8):
        fields: dict[str, Any] = {"owner_id": OWNERS[number % 3], "source": SOURCES[number % 3]}
        await leads.take(("add", fields, timedelta(hours=number)))
        await leads.take(("move", (number, number), timedelta(hours=5)))
        await leads.take(("move", (number, 1), timedelta(days=number)))
    await leads.take(("delete", 3, timedelta(0)))
    await workshop.level(leads.tenant)
    (verified,) = await workshop.verify(leads.tenant, [PROJECTION])
    assert verified.differences == []
    before = contents(workshop.database, leads.tenant, [PROJECTION])
    rebuilt = await workshop.rebuild(PROJECTION)
    assert [each for each in rebuilt.compared if not each.is_equal] == []
    assert contents(workshop.database, leads.tenant, [PROJECTION]) == before
    async with workshop.database.projector.of(leads.tenant) as connection:
        await connection.execute("UPDATE pipeline_now_v1 SET leads = leads + 1 WHERE cube = 0 AND status = 'new'")
    (wrong,) = await workshop.verify(leads.tenant, [PROJECTION])
    assert [each.table for each in wrong.differences] == ["pipeline_now_v1"]


async def test_nothing_is_left_of_leads_that_were_deleted(database: Database) -> None:
    leads = Leads(database)
    await leads.take(("add", {"owner_id": OWNERS[0]}, timedelta(0)))
    await leads.take(("move", (0, 0), timedelta(hours=1)))
    await catch_up(database, leads.tenant, BOTH)
    await leads.take(("delete", 0, timedelta(0)))
    await catch_up(database, leads.tenant, BOTH)
    assert set(map(len, contents(database, leads.tenant, [PROJECTION]).values())) == {0}


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_buckets_are_in_the_order_of_durations_and_narrow(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert bucket(low) <= bucket(high)
    assert bucket(low) <= low < bucket(low) * (1 + 1 / 128) + 1
    assert bucket(bucket(low)) == bucket(low)


async def test_every_time_zone_that_can_be_set_is_one_of_postgres(database: Database) -> None:
    async with database.service.of(TENANT) as connection:
        rows = await (await connection.execute("SELECT name FROM pg_timezone_names")).fetchall()
    assert zones.known() <= {name for (name,) in rows}
