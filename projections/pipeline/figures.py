"""From what is counted to what is told of the pipeline: docs/leads.md defines each figure. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from domain.lead_status import PAIRS, Status
from domain.money import Money, spelt
from projections.pipeline.stays import STATUSES, Counted, bit

FRACTIONS = {"0.5": (1, 2), "0.9": (9, 10)}


class Step(StrEnum):
    """Periods of a trend."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Seconds(Struct, frozen=True):
    """How long completed stays have lasted; null where there is none."""

    median: float | None
    p90: float | None


class StatusView(Struct, frozen=True, kw_only=True):
    """The leads in one status, and what they are worth; amounts of different currencies are never added."""

    status: Status
    count: int
    values: list[Money]
    seconds: Seconds


class ConversionView(Struct, frozen=True, kw_only=True):
    """Of the leads that entered one status in the period, how many entered another one later."""

    start: Status = field(name="from")
    to: Status
    entered: int
    moved: int
    rate: float | None


class PipelineView(Struct, frozen=True, kw_only=True):
    """The pipeline as of a time. `win_rate` is null where nothing was closed in the period."""

    statuses: list[StatusView]
    conversion: list[ConversionView]
    win_rate: float | None
    as_of: datetime


class Standing(Struct, frozen=True):
    """Leads in one status with values in one currency ("" for none)."""

    status: str
    currency: str
    leads: int
    amount: Decimal


class Lasted(Struct, frozen=True):
    """Completed stays in one status; `around` has the durations beside the place of each fraction, in microseconds."""

    status: str
    stays: int
    around: dict[str, tuple[int, int]]


class Entries(Struct, frozen=True):
    """Entries into a status in the period; `again` those of leads that had entered it before."""

    status: str
    again: bool
    entered: int
    closed: int
    to_new: int = 0
    to_qualified: int = 0
    to_nurturing: int = 0
    to_converted: int = 0
    to_lost: int = 0


class Repeats(Struct, frozen=True):
    """Entries into a status in the period of leads that had entered it in the period already."""

    status: str
    entered: int
    to_new: int = 0
    to_qualified: int = 0
    to_nurturing: int = 0
    to_converted: int = 0
    to_lost: int = 0


class Raw(Struct, frozen=True):
    """What is counted, as read.pipeline_v1 gives it."""

    now: list[Standing]
    lasted: list[Lasted]
    entries: list[Entries]
    repeats: list[Repeats]


class TrendRow(Struct, frozen=True):
    """Entries into each status in one period, named by its first day."""

    period: date
    new: int = 0
    qualified: int = 0
    nurturing: int = 0
    converted: int = 0
    lost: int = 0


def view(raw: Raw, *, is_bounded: bool, as_of: datetime) -> PipelineView:
    """The figures; `is_bounded`: the period has a beginning."""
    entries = [each for each in raw.entries if is_bounded or not each.again]
    repeats = raw.repeats if is_bounded else []
    entered: Counter[str] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    for each in entries:
        entered[each.status] += each.entered
        for status in STATUSES:
            moved[each.status, status.value] += getattr(each, f"to_{status.value}")
    for again in repeats:
        entered[again.status] -= again.entered
        for status in STATUSES:
            moved[again.status, status.value] -= getattr(again, f"to_{status.value}")
    closed = Counter[str]()
    for each in raw.entries:
        closed[each.status] += each.closed
    return PipelineView(
        statuses=[_status(status, raw) for status in STATUSES],
        conversion=[_conversion(start, to, entered[start], moved[start, to]) for start, to in PAIRS],
        win_rate=_rate(closed[Status.CONVERTED], closed[Status.CONVERTED] + closed[Status.LOST]),
        as_of=as_of,
    )


def _status(status: Status, raw: Raw) -> StatusView:
    standing = [each for each in raw.now if each.status == status]
    lasted = next((each for each in raw.lasted if each.status == status), None)
    return StatusView(
        status=status,
        count=sum(each.leads for each in standing),
        values=[spelt(each.amount, each.currency) for each in standing if each.currency],
        seconds=Seconds(*(_at(lasted, fraction) for fraction in FRACTIONS)),
    )


def _at(lasted: Lasted | None, fraction: str) -> float | None:
    """The duration at a fraction of the way, between its two neighbours (as percentile_cont does), in seconds."""
    if lasted is None:
        return None
    (above, below), (low, high) = FRACTIONS[fraction], lasted.around[fraction]
    share = above * (lasted.stays - 1) % below / below
    return round((low + (high - low) * share) / 1_000_000, 3)


def _conversion(start: Status, to: Status, entered: int, moved: int) -> ConversionView:
    return ConversionView(start=start, to=to, entered=entered, moved=moved, rate=_rate(moved, entered))


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def counted(stays: Iterable[Counted], since: datetime | None, until: datetime | None) -> Raw:
    """What read.pipeline_v1 would give if these were all the stays: for moments of the past, which have no sums."""
    now: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    lasted: dict[str, list[int]] = defaultdict(list)
    entries: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0] * 7)
    repeats: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for stay in stays:
        if stay.currency is not None:
            standing = now[stay.status, stay.currency]
            standing[0] += 1
            standing[1] += stay.amount
        if stay.lasted is not None:
            lasted[stay.status].append(stay.lasted)
        if not _within(stay, since, until):
            continue
        later = [stay.later & bit(status) for status in STATUSES]
        _add(entries[stay.status, stay.again_since is not None], (1, stay.closed, *later))
        if since and stay.again_since and stay.again_since >= since:
            _add(repeats[stay.status], (1, *later))
    return Raw(
        [Standing(*key, *values) for key, values in sorted(now.items())],
        [_lasted(status, sorted(durations)) for status, durations in lasted.items()],
        [Entries(*key, *values) for key, values in entries.items()],
        [Repeats(status, *row) for status, row in repeats.items()],
    )


def _add(row: list[int], values: Iterable[int]) -> None:
    for number, value in enumerate(values):
        row[number] += bool(value)


def _within(stay: Counted, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or stay.entered_at >= since) and (until is None or stay.entered_at < until)


def _lasted(status: str, durations: Sequence[int]) -> Lasted:
    last = len(durations) - 1
    around = {
        name: (durations[above * last // below], durations[-(-above * last // below)])
        for name, (above, below) in FRACTIONS.items()
    }
    return Lasted(status, len(durations), around)


def trend(entries: Iterable[tuple[date, str, int]]) -> list[TrendRow]:
    """Rows of a trend, in order, from (period, status, entries)."""
    rows: dict[date, Counter[str]] = defaultdict(Counter)
    for period, status, entered in entries:
        rows[period][status] += entered
    return [TrendRow(period, **row) for period, row in sorted(rows.items())]


def periods(
    stays: Iterable[Counted], since: datetime | None, until: datetime | None, step: Step, zone: tzinfo = UTC
) -> Iterable[tuple[date, str, int]]:
    """The same from stays, by the days of a time zone."""
    return ((_period(stay.entered_at, step, zone), stay.status, 1) for stay in stays if _within(stay, since, until))


def _period(at: datetime, step: Step, zone: tzinfo) -> date:
    day = at.astimezone(zone).date()
    match step:
        case Step.DAY:
            return day
        case Step.WEEK:
            return day - timedelta(days=day.weekday())
        case Step.MONTH:
            return day.replace(day=1)
