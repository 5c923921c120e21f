"""R4.1: when a meeting is that repeats: the examples of RFC 5545 (3.8.5.3), and what no rule may do."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.inbound.recurrence import MOST, Repeats, Rule, Times, UnreadableError, times
from domain.errors import DomainError

START = datetime(1997, 9, 2, 9)  # noqa: DTZ001  by the clock on the wall, as all here
CHRISTMAS = datetime(1997, 12, 24)  # noqa: DTZ001


def days(text: str) -> list[datetime]:
    """Days of months, "1997-09 2 4 1997-10 2", at nine o'clock."""
    found, month = [], ""
    for part in text.split():
        if "-" in part:
            month = part
        else:
            found.append(datetime.fromisoformat(f"{month}-{int(part):02}T09:00"))
    return found


def held(
    rule: str,
    first: datetime = START,
    horizon: datetime = CHRISTMAS,
    never: frozenset[datetime] = frozenset(),
    also: frozenset[datetime] = frozenset(),
) -> Times:
    """When a series is held that has one rule, given as in a calendar."""
    parts = dict(part.split("=") for part in rule.split(";"))
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    one = Rule(
        ";".join(f"{name}={value}" for name, value in parts.items()),
        int(count) if count else None,
        datetime.fromisoformat(until) if until else None,
    )
    return times(Repeats(first=first, rules=(one,), never=never, also=also), horizon)


# Rule, where it begins, its first times, and whether those are all.
EXAMPLES = [
    ("FREQ=DAILY;COUNT=10", "", "1997-09 2 3 4 5 6 7 8 9 10 11", True),
    ("FREQ=DAILY;INTERVAL=2", "", "1997-09 2 4 6 8 10", False),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "", "1997-09 2 12 22 1997-10 2 12", True),
    ("FREQ=WEEKLY;COUNT=10", "", "1997-09 2 9 16 23 30 1997-10 7 14 21 28 1997-11 4", True),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "", "1997-09 2 16 30 1997-10 14 28 1997-11 11 25 1997-12 9 23", True),
    ("FREQ=WEEKLY;UNTIL=1997-10-07T00:00;WKST=SU;BYDAY=TU,TH", "", "1997-09 2 4 9 11 16 18 23 25 30 1997-10 2", True),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "", "1997-09 2 4 16 18 30 1997-10 2 14 16", True),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=1FR", "1997-09 5", "1997-09 5 1997-10 3 1997-11 7", True),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU", "1997-09 7", "1997-09 7 28 1997-11 2 30", True),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", "1997-09 22", "1997-09 22 1997-10 20 1997-11 17", True),
    ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09 28", "1997-09 28 1997-10 29 1997-11 28", True),
    ("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=2,15", "", "1997-09 2 15 1997-10 2 15", True),
    ("FREQ=MONTHLY;COUNT=5;BYMONTHDAY=1,-1", "1997-09 30", "1997-09 30 1997-10 1 31 1997-11 1 30", True),
    ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "", "1997-09 2 9 16 23 30 1997-11 4 11 18 25", True),
    ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997-09 13", "1997-09 13 1997-10 11 1997-11 8", False),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09 4", "1997-09 4 1997-10 7 1997-11 6", True),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09 29", "1997-09 29 1997-10 30 1997-11 27", True),
    # What is no day of a month is none of the series.
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01 15", "2007-01 15 30 2007-02 15 2007-03 15 30", True),
    # The week begins where it says so.
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08 5", "1997-08 5 10 19 24", True),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08 5", "1997-08 5 17 19 31", True),
]  # fmt: skip

YEARLY = [
    ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "1997-06 10", "1997-06 10 1997-07 10 1998-06 10 1998-07 10"),
    ("FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200", "1997-01 1", "1997-01 1 1997-04 10 1997-07 19 2000-01 1"),
    ("FREQ=YEARLY;BYDAY=20MO;COUNT=3", "1997-05 19", "1997-05 19 1998-05 18 1999-05 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "1997-05 12", "1997-05 12 1998-05 11 1999-05 17"),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7", "1996-11 5", "1996-11 5 2000-11 7 2004-11 2"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "begins", "expected", "is_all"), EXAMPLES)
def test_series_of_the_standard_are_held_when_it_says_so(rule: str, begins: str, expected: str, is_all: bool) -> None:
    first = days(begins)[0] if begins else START
    found = held(rule, first, datetime(2008, 1, 1) if first.year > 2000 else CHRISTMAS)  # noqa: DTZ001
    assert list(found.at if is_all else found.at[: len(days(expected))]) == days(expected)


@pytest.mark.parametrize(("rule", "begins", "expected"), YEARLY)
def test_series_over_years_are_too(rule: str, begins: str, expected: str) -> None:
    assert list(held(rule, days(begins)[0], datetime(2005, 1, 1)).at) == days(expected)  # noqa: DTZ001


def test_the_first_time_is_one_whatever_the_rule_says_unless_it_is_taken_out() -> None:
    """The Fridays that are a thirteenth, from a Tuesday on."""
    fridays = days("1998-02 13 1998-03 13 1998-11 13 1999-08 13 2000-10 13")
    rule, end = "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", datetime(2000, 12, 1)  # noqa: DTZ001
    assert list(held(rule, horizon=end).at) == [START, *fridays]
    assert list(held(rule, horizon=end, never=frozenset({START})).at) == fridays
    assert list(held(f"{rule};COUNT=3", horizon=end).at) == [START, *fridays[:2]]


def test_within_a_day_what_has_an_end_is_held_at_all_its_times() -> None:
    def clock(rule: str) -> list[str]:
        return [f"{at:%H:%M}" for at in held(rule).at]

    assert clock("FREQ=HOURLY;INTERVAL=3;UNTIL=1997-09-02T17:00") == ["09:00", "12:00", "15:00"]
    assert clock("FREQ=MINUTELY;INTERVAL=15;COUNT=6") == ["09:00", "09:15", "09:30", "09:45", "10:00", "10:15"]
    assert clock("FREQ=MINUTELY;INTERVAL=90;COUNT=4") == ["09:00", "10:30", "12:00", "13:30"]
    assert clock("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,40;COUNT=3") == ["09:00", "09:40", "10:00"]


def test_of_a_series_without_an_end_the_last_times_before_the_horizon_are_kept() -> None:
    found = held("FREQ=DAILY", horizon=START + timedelta(days=10_000))
    assert (len(found.at), found.is_cut, found.goes_on) == (MOST, True, True)
    assert found.at[-1] == START + timedelta(days=10_000)
    ended = held("FREQ=DAILY;COUNT=3", also=frozenset({START + timedelta(hours=1)}))
    assert (len(ended.at), ended.is_cut, ended.goes_on) == (4, False, False)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;COUNT=2",
        "FREQ=MINUTELY",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYSETPOS=2;COUNT=5",
        f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))}",
        "FREQ=DAILY;BYHOUR=1,2,3,4",
    ],
)
def test_what_repeats_more_often_than_meetings_do_is_refused(rule: str) -> None:
    with pytest.raises(DomainError) as refusal:
        held(rule, horizon=START + timedelta(days=11_000))
    assert refusal.value.code == "calendar.too_often"


@pytest.mark.parametrize("rule", ["FREQ=DAILY;INTERVAL=0", "FREQ=FORTNIGHTLY", "FREQ=WEEKLY;BYDAY=XX", "COUNT=3"])
def test_what_is_no_rule_is_told_apart(rule: str) -> None:
    with pytest.raises(UnreadableError):
        held(rule)


def test_a_rule_that_is_never_true_ends_soon() -> None:
    for rule in ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=54", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9"):
        assert held(rule).at == (START,)


rules = st.builds(
    lambda freq, interval, by: ";".join((f"FREQ={freq}", f"INTERVAL={interval}", *by)),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 6),
    st.lists(
        st.sampled_from(["BYMONTH=1,2,10", "BYMONTHDAY=29,-1", "BYDAY=MO,SU", "BYSETPOS=-1", "WKST=SU"]),
        max_size=3,
        unique=True,
    ),
)


@settings(max_examples=150, deadline=None)
@given(rules, st.datetimes(datetime(1960, 1, 1), datetime(2027, 12, 31)), st.integers(0, 3000))  # noqa: DTZ001
def test_a_series_that_is_moved_to_the_end_of_time_has_the_times_that_it_has_here(
    rule: str, first: datetime, span: int
) -> None:
    first, horizon = first.replace(microsecond=0), first.replace(microsecond=0) + timedelta(days=span)

    def here() -> Iterator[datetime]:
        # Far enough for 501 times; what comes never is not waited for.
        yield from rrulestr(f"{rule};UNTIL={horizon:%Y%m%dT%H%M%S}", dtstart=first)

    expected = sorted({first, *islice(here(), 5000)})
    assert list(held(rule, first, horizon).at) == expected[-MOST:]
