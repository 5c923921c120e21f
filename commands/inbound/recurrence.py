"""When a meeting that repeats is held (RFC 5545, 3.8.5), by the clock on the wall where it is. Pure.

python-dateutil follows the rules. After a rule's last time it looks for another until the year 9999, and for one of a
30th of February from the beginning: so the whole series is moved near to that year, by as many years as the calendar
takes to be the same again, and its times are moved back. What is no rule for a meeting is refused before that.
"""

from collections import deque
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from msgspec import Struct

from domain.errors import DomainError

MOST = 500
"""Times of one series: where it has more, the last of them."""
HORIZON = timedelta(days=400)
"""So far ahead times are told."""
TRIED = 20_000
"""Times of a rule that are looked at, at most."""
_STEPS, _TIMES_A_DAY, _RULES = 50_000, 288, 10
_LOOKING = 400
"""What looking once for a time that doesn't come takes, in times that do."""
_SECONDS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600}
_FROM, _TO = 1901, 2099
"""Among these years every 28th is the same as the one before; among all, every 400th is."""
_MOST_YEARS = 70
_LONG = frozenset({"BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"})


class Rule(Struct, frozen=True):
    """A rule without its end, in the words of RFC 5545, and how often or until when it goes."""

    text: str
    count: int | None = None
    until: datetime | None = None


class Repeats(Struct, frozen=True, kw_only=True):
    """What is said of when something happens: from `first` on by rules, and at times of their own, but for others."""

    first: datetime
    rules: tuple[Rule, ...] = ()
    without: tuple[Rule, ...] = ()
    also: frozenset[datetime] = frozenset()
    never: frozenset[datetime] = frozenset()
    days_off: frozenset[date] = frozenset()


class Times(Struct, frozen=True):
    """The times of a series, in order. `is_cut`: it has earlier ones; `goes_on`: it may have later ones.

    `cost` is how many times were looked at for it.
    """

    at: tuple[datetime, ...]
    is_cut: bool = False
    goes_on: bool = False
    cost: int = 1


class _Held(Struct, frozen=True):
    """The last times of one rule."""

    at: Collection[datetime]
    cost: int
    goes_on: bool = False


class UnreadableError(Exception):
    """A rule that nobody can follow."""


def times(told: Repeats, horizon: datetime) -> Times:
    """The last times of a series up to a moment, at most MOST.

    Raises:
        UnreadableError: a rule makes no sense.
        DomainError: calendar.too_often.
    """
    if len(told.rules) + len(told.without) > _RULES:
        raise UnreadableError
    rules, without = ([_held(rule, told.first, horizon) for rule in each] for each in (told.rules, told.without))
    found = {told.first}.union(told.also, *(held.at for held in rules)).difference(told.never, *(h.at for h in without))
    left = sorted(at for at in found if at <= max(horizon, told.first) and at.date() not in told.days_off)
    return Times(
        tuple(left[-MOST:]),
        is_cut=len(left) > MOST,
        goes_on=any(held.goes_on for held in rules) or any(at > horizon for at in told.also),
        cost=sum((held.cost for held in (*rules, *without)), len(told.also)),
    )


def _held(rule: Rule, first: datetime, horizon: datetime) -> _Held:
    last = min(horizon, rule.until or horizon)
    held: deque[datetime] = deque(maxlen=MOST + 1)
    tried = 0
    for tried, at in enumerate(islice(_times(rule, first, last), rule.count), 1):
        if at > last:
            return _Held(held, _LOOKING + tried, rule.until is None or rule.until > horizon)
        if tried > TRIED:
            raise _too_often()
        held.append(at)
    return _Held(held, _LOOKING + tried)


def _times(rule: Rule, first: datetime, last: datetime) -> Iterator[datetime]:
    """A rule's times, of which the first is always one (RFC 5545, 3.8.5.3), at least until one is after `last`."""
    from dateutil.rrule import rrulestr  # noqa: PLC0415  what it takes is not needed by most processes

    _check(rule, last - first)
    years = _moved(first.year, max(last.year, first.year))
    try:
        found = iter(rrulestr(rule.text, dtstart=first.replace(year=first.year + years)))
    except (ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
        raise UnreadableError from error
    yield first
    while True:
        try:
            at = next(found)
        except (StopIteration, ValueError, OverflowError):  # the end, of the rule or of time
            return
        if (back := at.replace(year=at.year - years)) != first:
            yield back


def _moved(first: int, last: int) -> int:
    """By how many years a series can be moved so that all stays as it is, and soon after its last year time ends."""
    back = (1998 - last) // 28 * 28
    if min(first, first + back) >= _FROM and last <= _TO:
        return back + 8000  # twenty times 400
    return max(0, (9998 - last) // 400 * 400)


def _check(rule: Rule, span: timedelta) -> None:
    """Refuse what takes too long to follow."""
    parts = dict(part.partition("=")[::2] for part in rule.text.upper().split(";"))
    every = parts.get("INTERVAL", "1")
    if not every.isdecimal() or not int(every) or rule.count == 0:
        raise UnreadableError
    if span > timedelta(days=366 * _MOST_YEARS) and parts.get("FREQ") != "YEARLY":
        raise UnreadableError
    listed = {name: value.count(",") + 1 for name, value in parts.items()}
    a_day = listed.get("BYHOUR", 1) * listed.get("BYMINUTE", 1) * listed.get("BYSECOND", 1)
    if a_day > _TIMES_A_DAY:
        raise _too_often()
    if (seconds := _SECONDS.get(parts.get("FREQ", ""))) is None:
        return
    steps = span.total_seconds() / (seconds * int(every))
    if rule.count and not any(name.startswith("BY") for name in parts):
        steps = min(steps, rule.count)
    if steps > _STEPS or seconds == 1 or not _LONG.isdisjoint(parts):
        raise _too_often()


def _too_often() -> DomainError:
    return DomainError(
        "calendar.too_often",
        "it repeats more often than meetings do",
        hint="Give its rule an end (COUNT or UNTIL), or a longer interval.",
    )


def start(at: Any) -> datetime:
    """A date or time by the clock on the wall."""
    return at.replace(tzinfo=None) if isinstance(at, datetime) else datetime(at.year, at.month, at.day)  # noqa: DTZ001
