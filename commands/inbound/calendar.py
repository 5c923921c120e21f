"""Reads calendars (RFC 5545): each event a meeting, at its time in its time zone, with who was asked. Pure.

What an event says of a series is for commands.inbound.series.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from commands.inbound.headers import Address
from commands.inbound.text import block, line
from commands.interactions.interaction import LONGEST_BODY, LONGEST_ID, LONGEST_SUBJECT, MOST_PARTICIPANTS
from domain.errors import DomainError

MOST = 500
"""Events of one calendar."""
_METHODS = frozenset({"PUBLISH", "REQUEST", "ADD", "REPLY", "CANCEL"})
_LONGEST_NAME, _LONGEST_ADDRESS = 200, 320
_LONGEST_SECONDS = 31_536_000
_VIDEO = re.compile(r"https?://|\b(?:zoom|teams|webex|video|skype|jitsi)\b", re.IGNORECASE)
_QUOTED = re.compile(r"into parts: '(.*?)': ", re.DOTALL)
_RULE_LENGTH = 500
_LONGEST_MARK = 20


class Meeting(Struct, frozen=True, kw_only=True):
    """An event, or one time of those at which it is held. `series` is its UID, `revision` its SEQUENCE.

    `mark` is its time in the series, as it was before it was moved; None where it is all of it. `answer` is what its
    only attendee replied (accepted, declined, tentative), where it is a reply.
    """

    series: str
    mark: str | None
    revision: int
    starts_at: datetime | None
    seconds: int | None
    organizer: Address | None
    attendees: tuple[Address, ...]
    summary: str | None
    text: str | None
    is_video: bool
    is_cancelled: bool
    is_reply: bool
    answer: str | None
    is_plain: bool = False
    """One time of a series, of which nothing is said but that of all of it."""

    @property
    def known_as(self) -> str:
        """The external id of the interaction that it is."""
        return f"{self.series}/{self.mark}" if self.mark else self.series


class Entry(Struct, frozen=True):
    """An event as the library reads it, and as a meeting; `adds` to those there are, where the calendar says so."""

    event: Any
    meeting: Meeting
    adds: bool


def read(raw: bytes, zone: str) -> list[Entry]:
    """The events of a calendar; times without a time zone are of `zone`.

    Raises:
        DomainError: calendar.*, it is none, has none, has too many, or is about something else.
    """
    from icalendar import Calendar  # noqa: PLC0415  what it takes is not needed by most processes

    try:
        found = Calendar.from_ical(raw, multiple=True)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(raw, str(error)) from None
    calendars = [each for each in found if each.name == "VCALENDAR"]
    if not calendars:
        raise _unreadable(raw, "")
    entries: list[Entry] = []
    for calendar in calendars:
        method = str(calendar.get("METHOD") or "PUBLISH").strip().upper()
        if method not in _METHODS:
            raise DomainError(
                "calendar.method",
                f"what the method {line(method, 40)} asks for is not done here",
                hint=f"Send a calendar with one of the methods {', '.join(sorted(_METHODS))}, or with none.",
            )
        events = calendar.walk("VEVENT")
        entries += [Entry(event, _meeting(event, method, ZoneInfo(zone)), method == "ADD") for event in events]
    if not entries:
        raise DomainError("calendar.empty", "the calendar has no events", hint="Send one that has some.")
    if len(entries) > MOST:
        text = f"the calendar has {len(entries)} events; at most {MOST} are taken at once"
        raise DomainError("calendar.too_many", text, hint="Send it in several parts.")
    return entries


def _unreadable(raw: bytes, told: str) -> DomainError:
    """The refusal of what is no calendar, with the line that is to blame where that is known."""
    members: dict[str, Any] = {}
    text = "this can't be read as a calendar"
    if quoted := _QUOTED.search(told):
        lines = raw.decode("utf-8", "replace").splitlines()
        starts = (number for number, each in enumerate(lines, 1) if quoted[1].startswith(each) and each)
        if number := next(starts, None):
            members["line"] = number
            text = f"line {number} can't be read as part of a calendar"
    return DomainError(
        "calendar.unreadable", text, hint="Send the file as the calendar program wrote it.", members=members
    )


def _meeting(event: Any, method: str, zone: ZoneInfo) -> Meeting:
    starts_at = moment(event.get("DTSTART"), zone)
    attendees = tuple(_people(event, "ATTENDEE"))
    revision = event.get("SEQUENCE")
    where = _line(event, "LOCATION", LONGEST_SUBJECT)
    links = " ".join(str(event.get(name) or "") for name in ("LOCATION", "URL", "CONFERENCE", "X-GOOGLE-CONFERENCE"))
    status = str(event.get("STATUS") or "").strip().upper()
    answers = [str(each.params.get("PARTSTAT", "")).lower() for each in every(event, "ATTENDEE") if is_sound(each)]
    replied = answers[0] if method == "REPLY" and answers else None
    return Meeting(
        series=_series(event),
        mark=mark(event.get("RECURRENCE-ID"), zone),
        revision=int(revision) if isinstance(revision, int) and 0 <= revision < 2**31 else 0,
        starts_at=starts_at,
        seconds=_seconds(event, starts_at, zone),
        organizer=next(_people(event, "ORGANIZER"), None),
        attendees=attendees[:MOST_PARTICIPANTS],
        summary=_line(event, "SUMMARY", LONGEST_SUBJECT),
        text=_text(event, where),
        is_video=bool(_VIDEO.search(links)),
        is_cancelled=method == "CANCEL" or status == "CANCELLED",
        is_reply=method == "REPLY",
        answer=replied if replied in {"accepted", "declined", "tentative"} else None,
    )


def is_sound(value: Any) -> bool:
    """Whether a property could be read: of one that could not, the library gives its text under another name."""
    return value is not None and type(value).__name__ != "vBroken"


def every(event: Any, name: str) -> Sequence[Any]:
    """The properties of an event that have this name; one that is None where it has none."""
    found = event.get(name)
    return found if isinstance(found, list) else [found]


def _line(event: Any, name: str, longest: int) -> str | None:
    return line(str(every(event, name)[0] or ""), longest)


def _people(event: Any, name: str) -> Iterator[Address]:
    seen: set[str] = set()
    for each in every(event, name):
        if not is_sound(each):
            continue
        address = line(re.sub(r"^mailto:", "", str(each).strip(), flags=re.IGNORECASE), _LONGEST_ADDRESS)
        if address and "@" in address and address.lower() not in seen:
            seen.add(address.lower())
            yield Address(line(str(each.params.get("CN", "")), _LONGEST_NAME), address)


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A time; None where there is none, or one of a time zone that nobody knows."""
    if not is_sound(value):
        return None
    at = getattr(value, "dt", None)
    if isinstance(at, datetime):
        if at.tzinfo is None and value.params.get("TZID"):
            return None
        return _in_utc(at if at.tzinfo else at.replace(tzinfo=zone))
    return _in_utc(datetime(at.year, at.month, at.day, tzinfo=zone)) if isinstance(at, date) else None


def _in_utc(at: datetime) -> datetime | None:
    try:
        return at.astimezone(UTC)
    except (OverflowError, ValueError):  # at the ends of time
        return None


def _seconds(event: Any, starts_at: datetime | None, zone: ZoneInfo) -> int | None:
    ends_at, lasts = moment(event.get("DTEND"), zone), event.get("DURATION")
    length = getattr(lasts, "dt", None) if is_sound(lasts) else None
    if starts_at and ends_at:
        length = ends_at - starts_at
    if not isinstance(length, timedelta):
        return None
    return int(length.total_seconds()) if timedelta(0) <= length <= timedelta(seconds=_LONGEST_SECONDS) else None


def _text(event: Any, where: str | None) -> str | None:
    """The description, with where it is and how it repeats below."""
    parts = [str(every(event, "DESCRIPTION")[0] or "").strip()]
    parts += [f"Where: {where}"] if where else []
    rule = event.get("RRULE")
    if is_sound(rule) and not isinstance(rule, list):
        parts.append(f"Repeats: {rule.to_ical().decode('utf-8', 'replace')[:_RULE_LENGTH]}")
    return block("\n".join(filter(None, parts)), LONGEST_BODY)


def mark(value: Any, zone: ZoneInfo) -> str | None:
    """A time in a series as ids have it: a day or a time without a time zone as it stands, any other in UTC."""
    if not is_sound(value):
        return None
    at = getattr(value, "dt", None)
    if isinstance(at, datetime):
        in_utc = moment(value, zone)
        return f"{at:%Y%m%dT%H%M%S}" if at.tzinfo is None else f"{in_utc:%Y%m%dT%H%M%SZ}" if in_utc else None
    return f"{at:%Y%m%d}" if isinstance(at, date) else None


def _series(event: Any) -> str:
    uid = line(str(every(event, "UID")[0] or ""), LONGEST_ID * 4)
    if not uid:
        return f"sha256:{sha256(event.to_ical()).hexdigest()}"
    return uid if len(uid) <= LONGEST_ID - _LONGEST_MARK else f"sha256:{sha256(uid.encode()).hexdigest()}"
