"""R4.5, R2.6: reports over HTTP, as JSON, CSV and SVG."""

import csv
import io
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import Person, person
from tests.acceptance.test_interactions import log

pytestmark = pytest.mark.servers

REPORT = "/v1/reports/interactions"
OWN = ["contacts.read:own", "interactions.read:own", "interactions.write:own", "reports.read"]


def told(tenant: Tenant, query: str = "") -> list[dict[str, Any]]:
    """The rows of a report, with what was written before."""
    rows: list[dict[str, Any]] = read(tenant, query).json()["data"]
    return rows


def read(tenant: Tenant, query: str) -> httpx.Response:
    answer = tenant.get(REPORT, **{name: values[0] for name, values in parse_qs(query).items()})
    assert answer.status_code == 200, answer.text
    return answer


def one_who(
    installation: Installation, tenant: Tenant, permissions: list[str], field_rules: list[dict[str, str]] | None = None
) -> Person:
    """A user with a role of their own."""
    role = {"name": f"Role {uuid4().hex}", "permissions": permissions, "field_rules": field_rules or []}
    made = tenant.http.post("/v1/roles", json=role)
    assert made.status_code == 201, made.text
    return person(installation, tenant, [made.json()["key"]])


def counts(rows: list[dict[str, Any]]) -> dict[str | None, int]:
    return {row["key"]: row["count"] for row in rows}


def lines(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def contacts(tenant: Tenant) -> list[str]:
    """Two contacts, with whom somebody has talked."""
    ada, bob = (tenant.add({"name": name})["id"] for name in ("Ada Lovelace", "=SUM(A1)"))
    day = "2026-01-05T{:02}:00:00Z"
    log(tenant, type="email", direction="inbound", occurred_at=day.format(9), contact_id=ada)
    log(tenant, type="email", direction="inbound", occurred_at=day.format(10), contact_id=ada)
    log(tenant, type="email", direction="outbound", occurred_at=day.format(12), contact_id=ada, outcome="sent")
    due = {"text": "Ask again", "due_at": "2026-01-07T12:00:00Z"}
    log(tenant, type="call", occurred_at="2026-02-01T09:00:00Z", contact_id=bob, outcome="-1+1", next_action=due)
    later = {"text": "Ask again", "due_at": "2126-01-07T12:00:00Z"}
    log(tenant, type="call", occurred_at="2026-02-02T09:00:00Z", contact_id=bob, next_action=later)
    return [ada, bob]


def test_a_row_has_every_figure_of_its_group(tenant: Tenant, contacts: list[str]) -> None:
    ada, bob = contacts
    (mine,) = told(tenant)
    assert mine == {
        "key": tenant.user_id,
        "label": tenant.http.get("/v1/me").json()["name"],
        "count": 5,
        "by_type": {"email": 3, "call": 2},
        "by_outcome": {"-1+1": 1, "sent": 1},
        "responses": 2,
        "response_seconds": {"median": 9000.0, "p90": 10440.0},
        "next_actions": {"due": 1, "overdue": 1},
    }
    assert [(row["key"], row["label"]) for row in told(tenant, "group_by=contact")] == [
        (ada, "Ada Lovelace"),
        (bob, "=SUM(A1)"),
    ]
    assert counts(told(tenant, "group_by=channel")) == {"email": 3, "phone": 2}
    assert counts(told(tenant, "group_by=type&contact_id=" + bob)) == {"call": 2}
    assert counts(told(tenant, "group_by=outcome")) == {None: 3, "sent": 1, "-1+1": 1}
    assert counts(told(tenant, "group_by=period")) == {"2026-01-01": 3, "2026-02-01": 2}
    weeks = told(tenant, "group_by=period&interval=week&from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z")
    assert counts(weeks) == {"2026-01-26": 1, "2026-02-02": 1}
    assert counts(told(tenant, f"owner_id={uuid4()}")) == {}
    assert counts(told(tenant, "to=2026-01-05T10:00:00Z")) == {tenant.user_id: 1}


def test_periods_are_those_of_the_tenants_time_zone(tenant: Tenant) -> None:
    log(tenant, type="call", occurred_at="2026-01-31T23:30:00Z")
    assert counts(told(tenant, "group_by=period")) == {"2026-01-01": 1}
    changed = tenant.http.patch("/v1/settings", json={"timezone": "Europe/Berlin"})
    assert changed.status_code == 200, changed.text
    assert counts(told(tenant, "group_by=period")) == {"2026-02-01": 1}
    assert counts(told(tenant, "group_by=period&interval=day&to=2026-02-01T00:00:00Z")) == {"2026-02-01": 1}


def test_it_comes_in_pages_of_which_none_repeats_or_misses_a_row(tenant: Tenant, contacts: list[str]) -> None:
    for group_by, whole in (("contact", contacts), ("outcome", [None, "-1+1", "sent"])):
        first = read(tenant, f"group_by={group_by}&limit=1").json()
        keys = [row["key"] for row in first["data"]]
        cursor = first["next_cursor"]
        while cursor:
            page = read(tenant, f"group_by={group_by}&limit=1&cursor={cursor}").json()
            keys += [row["key"] for row in page["data"]]
            cursor = page["next_cursor"]
        assert keys == whole
        if whole == contacts:
            other = {"group_by": "channel", "cursor": first["next_cursor"]}
            problem(tenant.http.get(REPORT, params=other), 400, "cursor.invalid")


def test_the_file_has_all_rows_and_no_cell_is_a_formula(tenant: Tenant, contacts: list[str]) -> None:
    answer = read(tenant, "group_by=contact&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="interactions-by-contact.csv"'
    rows = lines(answer)
    assert [(row["key"], row["label"], row["count"]) for row in rows] == [
        (contacts[0], "Ada Lovelace", "3"),
        (contacts[1], "'=SUM(A1)", "2"),
    ]
    assert (rows[0]["response_seconds_median"], rows[1]["response_seconds_median"]) == ("9000.0", "")
    assert (rows[1]["by_type.call"], rows[1]["by_outcome.-1+1"], rows[0]["by_outcome.sent"]) == ("2", "1", "1")
    keys = [row["key"] for row in lines(read(tenant, "group_by=outcome&format=csv"))]
    assert keys == ["", "'-1+1", "sent"]
    refused = tenant.http.get(REPORT, params={"format": "csv", "cursor": "x"})
    assert problem(refused, 400, "query.invalid")["errors"][0]["code"] == "parameter.not_here"


@pytest.mark.parametrize("figure", ["count", "outcomes", "response_seconds", "next_actions"])
@pytest.mark.usefixtures("contacts")
def test_a_chart_is_a_document_in_which_nothing_runs(tenant: Tenant, figure: str) -> None:
    for group_by in ("contact", "period"):
        answer = read(tenant, f"group_by={group_by}&format=svg&figure={figure}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        words = "".join(ET.fromstring(answer.content).itertext())  # noqa: S314  what this very application has written
        assert ("Ada Lovelace: 3" if group_by == "contact" else "2026-01-01: 3") in words
    for path in ("/v1/pipeline", "/v1/pipeline/trend"):
        drawn = tenant.http.get(path, params={"format": "svg"})
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml"), drawn.text


def test_everybody_sees_what_they_may_read(installation: Installation, tenant: Tenant, contacts: list[str]) -> None:
    seller = one_who(installation, tenant, OWN)
    made = seller.http.post("/v1/interactions", json={"type": "call", "occurred_at": "2026-01-01T00:00:00Z"})
    after = {"Read-After": made.headers["Event-Position"]}
    mine = seller.http.get(REPORT, headers=after).json()["data"]
    assert counts(mine) == {seller.id: 1}
    assert len(tenant.http.get(REPORT, headers=after).json()["data"]) == 2
    assert counts(seller.http.get(REPORT, params={"owner_id": tenant.user_id}).json()["data"]) == {}
    blind = one_who(installation, tenant, ["interactions.read:all", "reports.read"])
    rows = blind.http.get(REPORT, params={"group_by": "contact"}).json()["data"]
    assert {row["key"]: row["label"] for row in rows} == {None: None} | dict.fromkeys(contacts), "no name is told"
    clerk = one_who(installation, tenant, ["interactions.read:all"])
    problem(clerk.http.get(REPORT), 403, "permission.missing")


@pytest.mark.usefixtures("contacts")
def test_figures_of_hidden_fields_are_nowhere(installation: Installation, tenant: Tenant) -> None:
    hidden = [
        {"resource": "interactions", "field": field, "access": "hidden"}
        for field in ("type", "outcome", "direction", "next_action")
    ]
    intern = one_who(installation, tenant, ["interactions.read:all", "reports.read"], hidden)
    (row,) = intern.http.get(REPORT).json()["data"]
    assert row.keys() == {"key", "label", "count"}
    assert intern.http.get(REPORT, params={"format": "csv"}).text.splitlines()[0] == "\ufeffkey,label,count"
    assert "email" not in intern.http.get(REPORT, params={"format": "svg"}).text
    for query in (
        {"group_by": "type"},
        {"group_by": "outcome"},
        {"outcome": "sent"},
        {"format": "svg", "figure": "next_actions"},
    ):
        problem(intern.http.get(REPORT, params=query), 400, "query.invalid")


def test_what_does_not_go_together_is_refused(tenant: Tenant) -> None:
    for query in (
        {"from": "2026-02-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"},
        {"group_by": "period", "interval": "day", "from": "1990-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"group_by": "colour"},
        {"figure": "all"},
    ):
        problem(tenant.http.get(REPORT, params=query), 400, "query.invalid")
    for query in ({"from": "0001-01-01T00:00:00Z"}, {"to": "9999-12-31T23:59:59Z"}, {"group_by": "period"}):
        assert tenant.http.get(REPORT, params=query).json() == {"data": [], "next_cursor": None}
    ends = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z", "group_by": "period"}
    problem(tenant.http.get(REPORT, params=ends), 400, "query.invalid")


def test_next_actions_are_told_by_owner_and_due_time_in_pages(
    installation: Installation, tenant: Tenant, contacts: list[str]
) -> None:
    seller = one_who(installation, tenant, ["interactions.read:all", "interactions.write:own"])
    due = {"text": "Call", "due_at": "2026-01-06T00:00:00Z"}
    other = seller.http.post("/v1/interactions", json={"type": "call", "next_action": due})
    tenant.position = int(other.headers["Event-Position"])
    every = tenant.get("/v1/next-actions").json()["data"]
    assert [each["next_action"]["due_at"][:10] for each in every] == ["2026-01-06", "2026-01-07", "2126-01-07"]
    mine = tenant.get("/v1/next-actions", owner_id=tenant.user_id, due_before="2026-02-01T00:00:00Z").json()["data"]
    assert [each["contact_id"] for each in mine] == contacts[1:]
    first = tenant.get("/v1/next-actions", limit=2).json()
    second = tenant.get("/v1/next-actions", limit=2, cursor=first["next_cursor"]).json()
    assert (first["data"] + second["data"], second["next_cursor"]) == (every, None)


def test_an_email_is_answered_in_its_thread_or_by_what_is_of_none(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})["id"]

    def say(hour: int, direction: str, thread_id: str | None, kind: str = "email") -> None:
        at = f"2026-01-05T{hour:02}:00:00Z"
        log(tenant, type=kind, direction=direction, occurred_at=at, contact_id=ada, thread_id=thread_id)

    def answered() -> list[tuple[int, float | None]]:
        return [(row["responses"], row["response_seconds"]["median"]) for row in told(tenant, "group_by=contact")]

    say(8, "inbound", "offer")
    say(9, "outbound", "invoice")
    assert answered() == [(0, None)], "it is about something else"
    say(12, "outbound", "offer")
    assert answered() == [(1, 4 * 3600)]
    say(10, "outbound", None, "call")
    assert answered() == [(1, 2 * 3600)], "somebody called before"
