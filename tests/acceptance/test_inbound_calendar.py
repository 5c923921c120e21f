"""R4.1: events of calendars are meetings with who takes part, at their time, and as the last revision has them."""

from typing import Any

import pytest

from tests.acceptance.installation import Tenant, problem

pytestmark = pytest.mark.servers

HEADERS = {"Content-Type": "text/calendar; charset=utf-8"}


def calendar(*events: str, method: str = "REQUEST") -> str:
    """A calendar of events, each given by its lines."""
    told = (f"BEGIN:VEVENT\r\n{event.strip()}\r\nEND:VEVENT" for event in events)
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", *told, "END:VCALENDAR", ""))


def bring(tenant: Tenant, text: str) -> list[dict[str, Any]]:
    """Post a calendar that must be taken; what came of its events."""
    answer = tenant.http.post("/v1/inbound/calendar", content=text, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def meeting(tenant: Tenant, text: str, status: int) -> dict[str, Any]:
    """The interaction that the only event of a calendar is."""
    (result,) = bring(tenant, text)
    assert result["status"] == status, result
    found: dict[str, Any] = tenant.get(f"/v1/interactions/{result['id']}").json()
    return found


def event(tenant: Tenant, sequence: int, *lines: str) -> str:
    """A meeting that a user asks Ada to."""
    people = f"ORGANIZER:mailto:{tenant.email}\nATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@mill.example"
    when = "" if any(each.startswith("DTSTART") for each in lines) else "\nDTSTART:20260105T101000Z"
    return "\n".join((f"UID:1@x\nSEQUENCE:{sequence}\nSUMMARY:Cards{when}", people, *lines))


def test_an_event_is_a_meeting_with_who_was_asked_at_its_own_time(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "email": "ada@mill.example", "company": "Mill"})
    lines = (
        "DTSTART;TZID=Europe/Berlin:20260705T101000",
        "DTEND;TZID=Europe/Berlin:20260705T111000",
        "LOCATION:Room 1",
    )
    told = meeting(tenant, calendar(event(tenant, 0, *lines)), 201)
    assert (told["type"], told["channel"], told["direction"]) == ("meeting", "in_person", "outbound")
    assert (told["occurred_at"], told["duration_seconds"]) == ("2026-07-05T08:10:00Z", 3600)
    assert (told["contact_id"], told["company_id"], told["flags"]) == (ada["id"], ada["company"]["id"], [])
    assert told["body"] == "Where: Room 1"
    assert (told["external_id"], told["thread_id"], told["author_id"]) == ("1@x", "1@x", tenant.user_id)


def test_a_time_without_a_zone_is_of_the_tenant_and_one_of_an_unknown_zone_is_nobodys(tenant: Tenant) -> None:
    assert tenant.http.patch("/v1/settings", json={"timezone": "America/New_York"}).status_code == 200
    floating = meeting(tenant, calendar("UID:f@x\nDTSTART:20260105T101000\nURL:https://meet.example/1"), 201)
    assert (floating["occurred_at"], floating["channel"]) == ("2026-01-05T15:10:00Z", "video")
    whole_day = meeting(tenant, calendar("UID:d@x\nDTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260106"), 201)
    assert (whole_day["occurred_at"], whole_day["duration_seconds"]) == ("2026-01-05T05:00:00Z", 86_400)
    nowhere = meeting(tenant, calendar("UID:n@x\nDTSTART;TZID=Nowhere/Land:20260105T101000"), 201)
    assert nowhere["missing"] == ["contact_id", "occurred_at"]


def test_later_revisions_change_it_older_ones_do_not_and_a_cancellation_ends_it(tenant: Tenant) -> None:
    tenant.add({"name": "Ada", "email": "ada@mill.example"})
    first = meeting(tenant, calendar(event(tenant, 1)), 201)
    moved = meeting(tenant, calendar(event(tenant, 2, "DTSTART:20260106T101000Z")), 200)
    assert (moved["id"], moved["occurred_at"], moved["version"]) == (first["id"], "2026-01-06T10:10:00Z", 2)
    assert meeting(tenant, calendar(event(tenant, 1)), 200) == moved
    assert meeting(tenant, calendar(event(tenant, 2, "DTSTART:20260106T101000Z")), 200) == moved
    cancelled = meeting(tenant, calendar(event(tenant, 3), method="CANCEL"), 200)
    assert (cancelled["outcome"], cancelled["occurred_at"]) == ("cancelled", moved["occurred_at"])
    again = meeting(tenant, calendar(event(tenant, 4)), 200)
    assert (again["outcome"], again["occurred_at"]) == (None, first["occurred_at"])


def test_who_was_asked_replies_and_who_was_not_does_not(tenant: Tenant) -> None:
    tenant.add({"name": "Ada", "email": "ada@mill.example"})
    meeting(tenant, calendar(event(tenant, 0)), 201)
    stranger = "UID:1@x\nSEQUENCE:0\nATTENDEE;PARTSTAT=DECLINED:mailto:x@mill.example"
    assert meeting(tenant, calendar(stranger, method="REPLY"), 200)["outcome"] is None
    reply = "UID:1@x\nSEQUENCE:0\nATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Ada@Mill.example"
    assert meeting(tenant, calendar(reply, method="REPLY"), 200)["outcome"] == "accepted"


def test_what_is_no_calendar_is_refused_with_the_line_to_blame(tenant: Tenant) -> None:
    def refused(text: str, code: str) -> dict[str, Any]:
        return problem(tenant.http.post("/v1/inbound/calendar", content=text, headers=HEADERS), 422, code)

    assert refused("BEGIN:VCALENDAR\r\nnonsense\r\nEND:VCALENDAR", "calendar.unreadable")["line"] == 2
    refused("", "calendar.unreadable")
    refused(calendar(), "calendar.empty")
    refused(calendar("UID:1", method="COUNTER"), "calendar.method")
    refused(calendar(*(f"UID:{number}" for number in range(501))), "calendar.too_many")
    assert tenant.get("/v1/interactions").json()["data"] == []
