"""From what is counted of interactions to what a report tells: docs/reports.md defines each figure. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from projections.pipeline.figures import Seconds, Step

NOBODY = "00000000-0000-0000-0000-000000000000"
"""How the nil UUID is spelt, which stands for no owner and no contact."""

MOST_PERIODS = 4000

EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 1, 1, tzinfo=UTC)

Span = tuple[datetime | None, datetime | None]
"""From a time (included) to another (not included); None for without end."""


class GroupBy(StrEnum):
    """What a report has a row for."""

    OWNER = "owner"
    CONTACT = "contact"
    CHANNEL = "channel"
    TYPE = "type"
    OUTCOME = "outcome"
    PERIOD = "period"


class NextActions(Struct, frozen=True):
    """What is still to be done: how much of it is due later than now, and how much was due by now."""

    due: int = 0
    overdue: int = 0


class ReportRow(Struct, frozen=True, kw_only=True):
    """The interactions of one owner, contact, channel, type, outcome or period.

    `key` is null for those that have none. `responses` are the inbound ones that were answered.
    """

    key: str | None
    label: str | None = None
    count: int
    by_type: dict[str, int]
    by_outcome: dict[str, int]
    responses: int = 0
    response_seconds: Seconds = Seconds(None, None)
    next_actions: NextActions = NextActions()


class Count(Struct, frozen=True):
    """Interactions of a group that are of one type and had one outcome; "" for none."""

    key: str
    type: str
    outcome: str
    interactions: int


class Responses(Struct, frozen=True):
    """Answers of a group, and after how many microseconds the median and the 90th percentile of them came."""

    key: str
    responses: int
    lasted: tuple[float, float]


class Actions(Struct, frozen=True):
    """Next actions of a group."""

    key: str
    due: int
    overdue: int


class Raw(Struct, frozen=True):
    """What is counted, group by group."""

    counts: list[Count] = field(default_factory=list)
    responses: list[Responses] = field(default_factory=list)
    actions: list[Actions] = field(default_factory=list)


class Piece(Struct, frozen=True):
    """Whole days or months of a period, as they were counted; the last is not included."""

    number: int
    step: str
    first: str
    last: str


class Edge(Struct, frozen=True):
    """What is left of a period beside whole days: to be counted one by one."""

    number: int
    since: datetime | None
    until: datetime | None


def rows(raw: Raw, names: Mapping[str, str] | None = None) -> list[ReportRow]:
    """A row for each group, in no order; `names` has a key's name where that is not the key."""
    names = names or {}
    found: dict[str, dict[str, Any]] = {}

    def group(key: str) -> dict[str, Any]:
        name = names.get(key, key)
        none = name in {"", NOBODY}
        return found.setdefault(key, {"key": None if none else name, "count": 0, "by_type": {}, "by_outcome": {}})

    for each in raw.counts:
        row = group(each.key)
        row["count"] += each.interactions
        for member, value in (("by_type", each.type), ("by_outcome", each.outcome)):
            if value:
                row[member][value] = row[member].get(value, 0) + each.interactions
    for answered in raw.responses:
        median, p90 = (round(lasted / 1_000_000, 3) for lasted in answered.lasted)
        group(answered.key).update(responses=answered.responses, response_seconds=Seconds(median, p90))
    for action in raw.actions:
        group(action.key)["next_actions"] = NextActions(action.due, action.overdue)
    for row in found.values():
        row["by_type"], row["by_outcome"] = _ordered(row["by_type"]), _ordered(row["by_outcome"])
    return [ReportRow(**row) for row in found.values()]


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def periods(span: Span, step: Step, zone: tzinfo) -> list[tuple[date, datetime, datetime]]:
    """The days, weeks (from Monday) or months of a span, by their first day in a time zone: each with its part of it.

    The span has both ends. At most MOST_PERIODS, and one more where there are too many.
    """
    since, until = span
    if since is None or until is None or since >= until:
        return []
    first = _first(since.astimezone(zone).date(), step)
    found: list[tuple[date, datetime, datetime]] = []
    begin = since
    while begin < until and len(found) <= MOST_PERIODS:
        following = _next(first, step)
        end = min(until, datetime.combine(following, time(), zone).astimezone(UTC))
        if end > begin:
            found.append((first, begin, end))
            begin = end
        first = following
    return found


def bounded(at: datetime | None) -> datetime | None:
    """A time that can be reckoned with in every time zone; nothing happened beyond those."""
    return None if at is None else min(max(at, EARLIEST), LATEST)


def _first(day: date, step: Step) -> date:
    match step:
        case Step.DAY:
            return day
        case Step.WEEK:
            return day - timedelta(days=day.weekday())
        case Step.MONTH:
            return day.replace(day=1)


def _next(first: date, step: Step) -> date:
    match step:
        case Step.DAY:
            return first + timedelta(days=1)
        case Step.WEEK:
            return first + timedelta(days=7)
        case Step.MONTH:
            return (first.replace(day=1) + timedelta(days=31)).replace(day=1)


def pieces(spans: Sequence[Span]) -> tuple[list[Piece], list[Edge]]:
    """The parts of some periods, as few as possible: whole months and days of UTC, and the rest."""
    whole: list[Piece] = []
    edges: list[Edge] = []
    for number, (since, until) in enumerate(spans):
        if since is not None and until is not None and since >= until:
            continue
        first = None if since is None else _day_from(since)
        last = None if until is None else until.astimezone(UTC).date()
        if first is not None and last is not None and first > last:  # within one day
            edges.append(Edge(number, since, until))
            continue
        if first is not None and since is not None and _midnight(first) > since:
            edges.append(Edge(number, since, _midnight(first)))
        if last is not None and until is not None and _midnight(last) < until:
            edges.append(Edge(number, _midnight(last), until))
        whole += _whole(number, first, last)
    return whole, edges


def _whole(number: int, first: date | None, last: date | None) -> Iterable[Piece]:
    """Days until the first whole month, months, and the days after them."""
    month = None if first is None else (first if first.day == 1 else _next(first, Step.MONTH))
    until = None if last is None else last.replace(day=1)
    if month is not None and until is not None and month >= until:
        parts = [("day", first, last)]
    else:
        parts = [("month", month, until)]
        parts += [("day", first, month)] if first is not None else []
        parts += [("day", until, last)] if last is not None else []
    return [
        Piece(number, step, "-infinity" if begin is None else str(begin), "infinity" if end is None else str(end))
        for step, begin, end in parts
        if begin is None or end is None or begin < end
    ]


def whole_years(span: Span) -> tuple[date | None, date | None] | None:
    """The first days of the first year (UTC) that is wholly in a span, and of the one after the last; None for none."""
    since, until = span
    first = None if since is None else date(_day_from(since).year, 1, 1)
    if first is not None and since is not None and _midnight(first) < since:
        first = date(first.year + 1, 1, 1)
    last = None if until is None else date(until.astimezone(UTC).year, 1, 1)
    return None if first is not None and last is not None and first >= last else (first, last)


def around(span: Span, years: tuple[date | None, date | None] | None) -> list[Span]:
    """What is left of a span beside its whole years."""
    if years is None:
        return [span]
    (since, until), (first, last) = span, (None if day is None else _midnight(day) for day in years)
    return [(begin, end) for begin, end in ((since, first), (last, until)) if begin != end]


def _day_from(at: datetime) -> date:
    """The first day of UTC that is wholly at or after a time."""
    day = at.astimezone(UTC).date()
    return day if _midnight(day) >= at else day + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
