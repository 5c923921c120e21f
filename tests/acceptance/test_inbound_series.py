"""R4.1: each time of a meeting that repeats is a meeting, which later calendars move, leave out or cancel."""

from typing import Any

import pytest

from tests.acceptance.installation import Tenant
from tests.acceptance.test_inbound_calendar import bring, calendar

pytestmark = pytest.mark.servers

BERLIN = "DTSTART;TZID=Europe/Berlin"


def event(tenant: Tenant, sequence: int, *lines: str) -> str:
    """A meeting that a user asks Ada to."""
    people = f"ORGANIZER:mailto:{tenant.email}\nATTENDEE;CN=Ada:mailto:ada@mill.example"
    return "\n".join(("UID:s@x", f"SEQUENCE:{sequence}", "SUMMARY:Cards", people, *lines))


def held(tenant: Tenant) -> dict[str, tuple[str, str | None]]:
    """When the meetings of the series are, and what came of them, by their times in it."""
    found: list[dict[str, Any]] = tenant.get("/v1/interactions", thread_id="s@x", limit=100).json()["data"]
    return {each["external_id"].partition("/")[2]: (each["occurred_at"], each["outcome"]) for each in found}


def test_a_series_is_held_at_the_same_time_of_the_day_also_when_the_clocks_change(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "email": "ada@mill.example"})
    lines = (f"{BERLIN}:20260322T101000", "DURATION:PT45M", "RRULE:FREQ=WEEKLY;COUNT=3")
    results = bring(tenant, calendar(event(tenant, 0, *lines)))
    assert [each["status"] for each in results] == [201] * 3
    assert held(tenant) == {
        "20260322T091000Z": ("2026-03-22T09:10:00Z", None),
        "20260329T081000Z": ("2026-03-29T08:10:00Z", None),
        "20260405T081000Z": ("2026-04-05T08:10:00Z", None),
    }
    one = tenant.get(f"/v1/interactions/{results[2]['id']}").json()
    assert (one["contact_id"], one["duration_seconds"], one["subject"]) == (ada["id"], 2700, "Cards")
    assert one["body"] == "Repeats: FREQ=WEEKLY;COUNT=3"
    timeline = tenant.get(f"/v1/contacts/{ada['id']}/timeline", type="meeting").json()["data"]
    assert [each["id"] for each in timeline] == [each["id"] for each in reversed(results)]
    again = bring(tenant, calendar(event(tenant, 0, *lines)))
    assert again == [{**each, "status": 200} for each in results]
    assert {tenant.get(f"/v1/interactions/{each['id']}").json()["version"] for each in again} == {1}


def test_times_are_moved_left_out_and_added_and_no_others_change(tenant: Tenant) -> None:
    first, rule = "DTSTART:20260105T101000Z", "RRULE:FREQ=DAILY;COUNT=4"
    moved = event(tenant, 0, "RECURRENCE-ID:20260106T101000Z", "DTSTART:20260106T150000Z")
    results = bring(tenant, calendar(event(tenant, 0, first, rule), moved))
    assert [each["status"] for each in results] == [201] * 4
    assert held(tenant)["20260106T101000Z"] == ("2026-01-06T15:00:00Z", None)
    bring(tenant, calendar(event(tenant, 0, first, rule)))  # says nothing new of the one that was moved
    assert held(tenant)["20260106T101000Z"] == ("2026-01-06T15:00:00Z", None)
    alone = event(tenant, 1, "RECURRENCE-ID:20260107T101000Z", "DTSTART:20260107T160000Z")
    assert [each["status"] for each in bring(tenant, calendar(alone))] == [200]
    changed = (first, rule, "EXDATE:20260108T101000Z", "RDATE:20260110T090000Z")
    bring(tenant, calendar(event(tenant, 2, *changed)))
    assert held(tenant) == {
        "20260105T101000Z": ("2026-01-05T10:10:00Z", None),
        "20260106T101000Z": ("2026-01-06T10:10:00Z", None),
        "20260107T101000Z": ("2026-01-07T10:10:00Z", None),
        "20260108T101000Z": ("2026-01-08T10:10:00Z", "cancelled"),
        "20260110T090000Z": ("2026-01-10T09:00:00Z", None),
    }


def test_one_time_is_cancelled_or_all_from_it_on_or_all(tenant: Tenant) -> None:
    tenant.add({"name": "Ada", "email": "ada@mill.example"})
    bring(tenant, calendar(event(tenant, 0, "DTSTART:20260105T101000Z", "RRULE:FREQ=DAILY;COUNT=4")))

    def cancel(sequence: int, *lines: str) -> list[str]:
        results = bring(tenant, calendar(event(tenant, sequence, *lines), method="CANCEL"))
        assert {each["status"] for each in results} == {200}
        return [at[6:8] for at, (_, outcome) in sorted(held(tenant).items()) if outcome == "cancelled"]

    assert cancel(1, "RECURRENCE-ID:20260106T101000Z") == ["06"]
    assert cancel(1, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T101000Z") == ["06", "07", "08"]
    reply = "UID:s@x\nSEQUENCE:1\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@mill.example"
    bring(tenant, calendar(reply, method="REPLY"))
    assert [outcome for _, outcome in sorted(held(tenant).values())] == ["accepted"] + ["cancelled"] * 3
    assert cancel(2) == ["05", "06", "07", "08"]


def test_from_one_time_on_a_series_may_be_held_later(tenant: Tenant) -> None:
    ahead = event(
        tenant, 0, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T101000Z", "DTSTART:20260106T113000Z", "LOCATION:Room 2"
    )
    bring(tenant, calendar(event(tenant, 0, "DTSTART:20260105T101000Z", "RRULE:FREQ=DAILY;COUNT=3"), ahead))
    assert [at for at, _ in sorted(held(tenant).values())] == [
        "2026-01-05T10:10:00Z",
        "2026-01-06T11:30:00Z",
        "2026-01-07T11:30:00Z",
    ]


def test_a_meeting_that_comes_to_repeat_is_the_first_of_its_series_and_stays_when_it_does_not_any_more(
    tenant: Tenant,
) -> None:
    (one,) = bring(tenant, calendar(event(tenant, 0, "DTSTART;VALUE=DATE:20260105")))
    results = bring(tenant, calendar(event(tenant, 1, "DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=DAILY;COUNT=3")))
    assert [(each["status"], each["id"] == one["id"]) for each in results] == [(200, True), (201, False), (201, False)]
    bring(tenant, calendar(event(tenant, 2, "DTSTART;VALUE=DATE:20260105")))
    assert {at: outcome for at, (_, outcome) in held(tenant).items()} == {
        "": None,
        "20260106": "cancelled",
        "20260107": "cancelled",
    }


def test_what_repeats_without_reason_is_refused_by_itself(tenant: Tenant) -> None:
    endless = "UID:e@x\nDTSTART:20260105T101000Z\nRRULE:FREQ=SECONDLY"
    nonsense = "UID:n@x\nDTSTART:20260105T101000Z\nRRULE:FREQ=DAILY;INTERVAL=0"
    refused, once = bring(tenant, calendar(endless, nonsense))
    assert (refused["status"], refused["error"]["code"]) == (422, "calendar.too_often")
    assert once["status"] == 201
    daily = (f"UID:{n}@x\nDTSTART:20250105T101000Z\nRRULE:FREQ=DAILY" for n in range(6))
    answer = tenant.http.post(
        "/v1/inbound/calendar", content=calendar(*daily), headers={"Content-Type": "text/calendar"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "calendar.too_many")
