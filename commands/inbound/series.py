"""Meetings that repeat: each of their times is one, and what a calendar says of those that were told before. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from commands.inbound import recurrence
from commands.inbound.calendar import Entry, Meeting, every, is_sound, mark
from commands.inbound.recurrence import HORIZON, TRIED, Repeats, Rule, UnreadableError, start
from domain.errors import DomainError
from domain.interaction import Interaction

MOST = 2500
"""Meetings of one calendar."""
_MOST_CHARACTERS = 4_000_000
_MOST_COST = 300_000
_A_PERSON = 100
UTC_MARK = "%Y%m%dT%H%M%SZ"
"""How a mark in UTC is written."""
_EVER = ("", "~")
"""Before and after all marks."""


class Series(Struct, frozen=True, kw_only=True):
    """What a calendar says of all of a series: that it is as `whole` has it, at the times of `meetings`.

    `first` is the mark of where it begins. Between `since` and `until` it has no others. `refusal`: why not.
    `is_of_all`: it says nothing of its times, but something of all that are there from `since` on.
    """

    whole: Meeting
    meetings: tuple[Meeting, ...] = ()
    first: str | None = None
    since: str = ""
    until: str = "~"
    refusal: DomainError | None = None
    is_of_all: bool = False


class Asked(Struct, frozen=True):
    """A meeting, by which other id it may be there (`if_then`: where that is at its time), and why it is refused."""

    meeting: Meeting
    also_as: str | None = None
    if_then: bool = False
    refusal: DomainError | None = None

    def among(self, there: Sequence[Interaction]) -> Interaction | None:
        """The one of those that are there which it is."""
        own = {each.external_id: each for each in there}
        if (found := own.get(self.meeting.known_as)) or self.also_as is None:
            return found
        other, at = own.get(self.also_as), self.meeting.mark
        is_it = other and (not self.if_then or (other.occurred_at and f"{other.occurred_at:{UTC_MARK}}" == at))
        return other if is_it else None


There = Mapping[str, Sequence[str]]
"""The external ids of what is there of each series."""


def unroll(entries: Sequence[Entry], zone: str, now: datetime) -> list[Meeting | Series]:
    """All that a calendar says, with every time of what repeats, up to HORIZON from now.

    Raises:
        DomainError: calendar.too_many.
    """
    found: list[Meeting | Series] = []
    of_series: dict[str, list[Entry]] = {}
    for entry in entries:
        of_series.setdefault(entry.meeting.series, []).append(entry)
    cost = 0
    for same in of_series.values():
        moved = [entry for entry in same if entry.meeting.mark]
        for entry in same:
            if entry.meeting.mark:
                continue
            series, took = _series(entry, moved, ZoneInfo(zone), now)
            cost += took
            found += series.meetings if entry.adds and not series.refusal else (series,)
            told = {each.mark for each in series.meetings}
            moved = [each for each in moved if each.meeting.mark not in told]
            if cost > _MOST_COST:
                raise _too_many("the times at which its events are held are too many")
        found += [_apart(entry) for entry in moved]
    _check(found)
    return found


def asked(said: Sequence[Meeting | Series], there: There) -> list[Asked]:
    """What is to be done, given what is there: times that a series has no more are cancelled."""
    found: list[Asked] = []
    for each in said:
        if isinstance(each, Meeting):
            found.append(Asked(each, each.series if each.mark else None, if_then=True))
        elif each.refusal:
            found.append(Asked(each.whole, refusal=each.refusal))
        else:
            found += _of_series(each, there.get(each.whole.series, ()))
    return found


def _of_series(said: Series, there: Sequence[str]) -> Iterator[Asked]:
    whole, prefix = said.whole, f"{said.whole.series}/"
    known = {each: each.removeprefix(prefix) for each in there if each.startswith(prefix)}
    known |= {each: said.first or "" for each in there if each == whole.series}
    if said.is_of_all:
        meant = [each for each, at in sorted(known.items()) if at >= said.since]
        yield from (Asked(_time_of(whole, each)) for each in meant)
        if not meant:
            yield Asked(whole)
        return
    for one in said.meetings:
        other = f"{prefix}{said.first}" if one.mark is None else whole.series
        yield Asked(one, other if one.mark in {None, said.first} else None)
    told = {one.mark or said.first for one in said.meetings}
    for each, at in sorted(known.items()):
        if at not in told and said.since <= at <= said.until:
            yield Asked(structs.replace(_time_of(whole, each), is_cancelled=True))


def _apart(entry: Entry) -> Meeting | Series:
    """What is said of one time of a series, or of all from it on, of which nothing else is said."""
    meeting = entry.meeting
    if _is_ahead(entry) and (meeting.is_cancelled or meeting.is_reply):
        return Series(whole=meeting, since=meeting.mark or "", is_of_all=True)
    return meeting


def _time_of(whole: Meeting, known_as: str) -> Meeting:
    """What is said of all of a series, of the one of its times that is known so."""
    _, is_one, at = known_as[len(whole.series) :].partition("/")
    return structs.replace(whole, mark=at if is_one else None)


def _series(entry: Entry, moved: Sequence[Entry], zone: ZoneInfo, now: datetime) -> tuple[Series, int]:
    """What an event says of its series, and what it took to find out."""
    event, whole = entry.event, entry.meeting
    if whole.is_cancelled or whole.is_reply:
        return Series(whole=whole, is_of_all=True), 0
    begins = event.get("DTSTART")
    once = Series(whole=whole, meetings=(whole,), first=mark(begins, zone))
    repeats = any(event.get(name) is not None for name in ("RRULE", "RDATE"))
    unknown = structs.replace(once, since=_EVER[1], until=_EVER[0])
    if whole.starts_at is None:
        return unknown, 0
    if not (repeats or entry.adds):
        return once, 0
    try:
        return _unrolled(entry, moved, _Clock(begins.dt, zone), now)
    except (UnreadableError, OverflowError):  # or it is at the ends of time
        return unknown, 0
    except DomainError as refusal:
        return Series(whole=whole, refusal=refusal), TRIED


def _unrolled(entry: Entry, moved: Sequence[Entry], clock: "_Clock", now: datetime) -> tuple[Series, int]:
    told, horizon = _repeats(entry.event, clock), clock.local(now + HORIZON)
    times = recurrence.times(told, horizon)
    series = Series(
        whole=entry.meeting,
        meetings=tuple(map(_templates(entry.meeting, moved, clock), times.at)),
        first=clock.mark(told.first),
        since=clock.mark(times.at[0]) if times.is_cut else _EVER[0],
        until=clock.mark(horizon) if times.goes_on else _EVER[1],
    )
    return series, times.cost


class _Clock:
    """The clock on the wall where a series is held, by its first time."""

    def __init__(self, first: date, zone: ZoneInfo) -> None:
        self.first = start(first)
        self.has_days = not isinstance(first, datetime)
        self._own: tzinfo | None = first.tzinfo if isinstance(first, datetime) else None
        self._zone = self._own or zone

    def local(self, at: date) -> datetime:
        """A day or a time by this clock."""
        if isinstance(at, datetime) and at.tzinfo and not self.has_days:
            return at.astimezone(self._zone).replace(tzinfo=None)
        return start(at)

    def moment(self, at: datetime) -> datetime:
        """When it is so late."""
        return at.replace(tzinfo=self._zone).astimezone(UTC)

    def mark(self, at: datetime) -> str:
        """A time in the series as ids have it."""
        if self.has_days:
            return f"{at:%Y%m%d}"
        return f"{self.moment(at):{UTC_MARK}}" if self._own else f"{at:%Y%m%dT%H%M%S}"


def _repeats(event: Any, clock: _Clock) -> Repeats:
    """What an event says of when it is held. Raises UnreadableError."""
    never, days = set[datetime](), set[date]()
    for at in _listed(event, "EXDATE"):
        if isinstance(at, datetime) or clock.has_days:
            never.add(clock.local(at))
        else:
            days.add(at)
    also = frozenset(clock.local(at) for at in _listed(event, "RDATE"))
    rules, without = (tuple(_rule(each, clock) for each in _told(event, name)) for name in ("RRULE", "EXRULE"))
    return Repeats(
        first=clock.first, rules=rules, without=without, also=also, never=frozenset(never), days_off=frozenset(days)
    )


def _told(event: Any, name: str) -> Iterator[Any]:
    for each in every(event, name):
        if each is not None and not is_sound(each):
            raise UnreadableError
        if each is not None:
            yield each


def _listed(event: Any, name: str) -> Iterator[date]:
    for each in _told(event, name):
        for one in each.dts:
            at = one.dt[0] if isinstance(one.dt, tuple) else one.dt
            if isinstance(at, datetime) and at.tzinfo is None and each.params.get("TZID"):
                raise UnreadableError  # of a time zone that nobody knows
            yield at


def _rule(told: Any, clock: _Clock) -> Rule:
    parts = {name.upper(): values for name, values in told.items()}
    count, until = (next(iter(parts.pop(name, ())), None) for name in ("COUNT", "UNTIL"))
    if isinstance(until, date):
        has_time = isinstance(until, datetime) or clock.has_days
        until = clock.local(until) if has_time else datetime.combine(until, time.max)
    return Rule(type(told)(parts).to_ical().decode(), count, until)


def _templates(whole: Meeting, moved: Sequence[Entry], clock: _Clock) -> Callable[[datetime], Meeting]:
    """What each time of a series is like: as its own event says, or the last one for all from it on, or the whole."""
    own = {each.meeting.mark: each for each in moved}
    ahead = [each for each in moved if _is_ahead(each) and is_sound(each.event.get("DTSTART"))]
    ahead.sort(key=lambda each: each.meeting.mark or "")

    def template(at: datetime) -> Meeting:
        here = clock.mark(at)
        if entry := own.get(here):
            return structs.replace(entry.meeting, revision=max(entry.meeting.revision, whole.revision))
        found, by = whole, at - at
        for entry in ahead:
            if (entry.meeting.mark or "") < here:
                found = entry.meeting
                by = clock.local(entry.event.get("DTSTART").dt) - clock.local(entry.event.get("RECURRENCE-ID").dt)
        revision = max(found.revision, whole.revision)
        return structs.replace(found, mark=here, starts_at=clock.moment(at + by), revision=revision, is_plain=True)

    return template


def _is_ahead(entry: Entry) -> bool:
    return str(entry.event.get("RECURRENCE-ID").params.get("RANGE", "")).upper() == "THISANDFUTURE"


def _check(found: Sequence[Meeting | Series]) -> None:
    meetings = [one for each in found for one in (each.meetings if isinstance(each, Series) else (each,))]
    if len(meetings) > MOST:
        raise _too_many(f"its events are {len(meetings)} meetings; at most {MOST} are taken at once")
    if sum(len(one.text or "") + _A_PERSON * len(one.attendees) for one in meetings) > _MOST_CHARACTERS:
        raise _too_many("with all times at which its events are held it says too much to be taken at once")


def _too_many(text: str) -> DomainError:
    return DomainError("calendar.too_many", text, hint="Send it in several parts.")
