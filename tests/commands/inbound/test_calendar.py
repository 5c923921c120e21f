"""R4.1: whatever a calendar is like, it is read or refused with a reason."""

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from commands.inbound.calendar import Meeting, read
from commands.inbound.meeting import told
from commands.inbound.people import Known
from commands.inbound.series import asked, unroll
from commands.interactions.interaction import LONGEST_ID
from domain.errors import DomainError

NOW = datetime(2026, 1, 5, tzinfo=UTC)
NOBODY = Known({}, {})
bits = st.sampled_from(
    [
        *(
            "BEGIN:VEVENT",
            "END:VEVENT",
            "BEGIN:VCALENDAR",
            "END:VCALENDAR",
            "BEGIN:VTIMEZONE",
            "END:VTIMEZONE",
            "TZID:X",
        ),
        *("UID:1", "UID;X=1:", "SEQUENCE:99999999999", "SEQUENCE:-1", "SEQUENCE:x", "DTSTART:00010101T000000Z"),
        *("DTSTART;TZID=Asia/Tokyo:99991231T235959", "DTSTART;VALUE=DATE:20260105", "DTSTART:x", "DTEND:00010101"),
        *("DURATION:-PT1H", "DURATION:P99999W", "RRULE:FREQ=X", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=SECONDLY"),
        *("RRULE:FREQ=DAILY;INTERVAL=0", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3"),
        *("RRULE:FREQ=WEEKLY;UNTIL=20260301", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=99999", "EXRULE:FREQ=YEARLY"),
        *("EXDATE:20260112T101000Z", "EXDATE;VALUE=DATE:20260112", "EXDATE:x", "EXDATE;TZID=Nowhere:20260112T101000"),
        *("RDATE;VALUE=PERIOD:20260113T090000Z/PT1H", "RDATE;VALUE=DATE:00010101", "RDATE:99991231T235959Z"),
        *("RECURRENCE-ID;RANGE=THISANDFUTURE:20260112T101000Z", "RECURRENCE-ID;VALUE=DATE:20260112"),
        *("RECURRENCE-ID:20260105T101000", "METHOD:ADD", "METHOD:CANCEL"),
        *(
            "ATTENDEE;CN=Ada:mailto:ada@mill.example",
            "ATTENDEE:",
            "ORGANIZER;CN=\x00:mailto:x",
            "SUMMARY:\x07",
            "METHOD:REPLY",
        ),
        *("LOCATION:https://meet.example", " folded", "nonsense", "DTSTART:20260105T101000Z", "STATUS:CANCELLED", ""),
        *("TZID:X", "SUMMARY:\x07", "METHOD:REPLY"),
    ]
)


def attempt(raw: bytes) -> list[Meeting]:
    """What a calendar has; nothing where it is refused for a reason that has a name."""
    try:
        said = asked(unroll(read(raw, "Europe/Berlin"), "Europe/Berlin", NOW), {})
    except DomainError as refusal:
        if refusal.code not in {"calendar.unreadable", "calendar.empty", "calendar.method"}:
            raise
        return []
    return [each.meeting for each in said]


@settings(max_examples=250, deadline=None)
@given(st.lists(bits | st.text(max_size=6), max_size=30))
@example(["SEQUENCE:2", "DTSTART:20260105T101000Z"])
@example(
    ["DTSTART:20260105T101000Z", "DTSTART:20260106T101000Z", "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY", "SEQUENCE:1"]
)
def test_nothing_in_an_event_breaks_the_reading(lines: list[str]) -> None:
    text = "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""))
    for meeting in attempt(text.encode("utf-8", "replace")):
        assert len(meeting.known_as) <= LONGEST_ID
        assert type(meeting.revision) is int
        assert meeting.seconds is None or meeting.seconds >= 0
        assert "\x07" not in (meeting.summary or "")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff\xfe")
@example(b"END:VEVENT")
def test_what_is_no_calendar_is_refused(raw: bytes) -> None:
    assert attempt(raw) == []


def test_a_meeting_of_no_year_that_anything_is_told_of_is_open_for_review() -> None:
    for start in (
        "DTSTART:00010101T000000Z",
        "DTSTART;TZID=America/New_York:99991231T235959",
        "DTSTART:22000101T000000Z",
    ):
        lines = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", start, "END:VEVENT", "END:VCALENDAR", "")
        (meeting,) = attempt("\r\n".join(lines).encode())
        assert told(meeting, NOBODY).members.occurred_at is None
