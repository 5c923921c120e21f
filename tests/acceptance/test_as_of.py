"""B1: any contact, its history and any list as the system knew them at a past moment."""

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem

pytestmark = pytest.mark.servers

TICK = timedelta(microseconds=1)
LONG_AGO = "2020-01-01T00:00:00Z"


def earlier(time: str, by: timedelta = TICK) -> str:
    return (datetime.fromisoformat(time) - by).isoformat()


def change(tenant: Tenant, contact: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = tenant.http.patch(f"/v1/contacts/{contact['id']}", json=body)
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    changed: dict[str, Any] = answer.json()
    return changed


def delete(tenant: Tenant, contact: dict[str, Any]) -> str:
    """Delete it; answers when that was recorded."""
    answer = tenant.http.delete(f"/v1/contacts/{contact['id']}")
    tenant.position = int(answer.headers["Event-Position"])
    entry = tenant.get(f"/v1/contacts/{contact['id']}/history", limit=1).json()["data"][0]
    return str(entry["at"])


def test_a_contact_is_as_it_was_at_any_moment_of_its_life(tenant: Tenant) -> None:
    first = tenant.add({"name": "Ada Byron", "company": "Engines", "tags": ["math"]})
    second = change(tenant, first, name="Ada Lovelace", company=None)
    deleted_at = delete(tenant, first)
    path = f"/v1/contacts/{first['id']}"

    problem(tenant.get(path, as_of=earlier(first["created_at"])), 404, "contact.not_found")
    for contact, until in ((first, second["updated_at"]), (second, deleted_at)):
        for moment in (contact["updated_at"], earlier(until)):
            answer = tenant.get(path, as_of=moment)
            assert (answer.status_code, answer.json()) == (200, contact), moment
            assert answer.headers["ETag"] == f'"{contact["version"]}"'
    for moment in (deleted_at, datetime.now(UTC).isoformat()):
        problem(tenant.get(path, as_of=moment), 410, "contact.deleted")


def test_a_history_ends_at_the_moment(tenant: Tenant) -> None:
    first = tenant.add({"name": "Ada"})
    changes = [change(tenant, first, title=f"T{n}") for n in range(4)]
    deleted_at = delete(tenant, first)
    path = f"/v1/contacts/{first['id']}/history"
    whole = tenant.get(path).json()["data"]

    problem(tenant.get(path, as_of=earlier(first["created_at"])), 404, "contact.not_found")
    assert tenant.get(path, as_of=first["created_at"]).json()["data"] == whole[-1:]
    assert tenant.get(path, as_of=deleted_at).json()["data"] == whole
    moment = changes[2]["updated_at"]
    pages = list(tenant.pages(path, as_of=moment, limit=3))
    assert pages == [whole[2:5], whole[5:]]


def test_a_list_is_as_it_was_whatever_happens_while_it_is_read(tenant: Tenant) -> None:
    ada, grace, zoe = (tenant.add({"name": name, "tags": ["t"]}) for name in ("Ada", "Grace", "Zoe"))
    gone = tenant.add({"name": "Gone", "tags": ["t"]})
    delete(tenant, gone)
    grace = change(tenant, grace, title="Admiral")
    moment = grace["updated_at"]

    listed = []
    for page in tenant.pages("/v1/contacts", as_of=moment, sort="-updated_at", tag="t", limit=1):
        listed += page
        tenant.add({"name": "New", "tags": ["t"]})
        change(tenant, zoe, title=f"Countess {len(listed)}", tags=[])
        if len(listed) == 1:
            delete(tenant, ada)

    assert listed == [grace, zoe, ada]
    assert tenant.get("/v1/contacts", as_of=earlier(moment), sort="name").json()["data"] == [
        ada,
        tenant.get(f"/v1/contacts/{grace['id']}", as_of=earlier(moment)).json(),
        zoe,
    ]
    assert tenant.get("/v1/contacts", as_of=gone["created_at"], sort="-created_at", limit=1).json()["data"] == [gone]
    assert tenant.get("/v1/contacts", as_of=earlier(ada["created_at"])).json() == {"data": [], "next_cursor": None}
    assert tenant.get("/v1/contacts", as_of=LONG_AGO).json() == {"data": [], "next_cursor": None}


def test_filters_go_by_what_was_so_then(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "company": "Engines", "tags": ["vip"]})
    company = ada["company"]["id"]
    change(tenant, ada, company="Bombes", tags=[], owner_id=None)
    then, now = {"as_of": ada["created_at"]}, {"as_of": datetime.now(UTC).isoformat()}
    for filters in ({"company_id": company}, {"tag": "vip"}, {"owner_id": tenant.user_id}):
        assert tenant.get("/v1/contacts", **filters, **then).json()["data"] == [ada]
        assert tenant.get("/v1/contacts", **filters, **now).json()["data"] == []
    assert tenant.get("/v1/contacts", created_after=earlier(ada["created_at"]), **then).json()["data"] == [ada]
    assert tenant.get("/v1/contacts", updated_after=ada["updated_at"], **then).json()["data"] == []


def test_as_of_now_is_what_is_there_now(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "company": "Engines"})
    change(tenant, tenant.add({"name": "Grace"}), title="Admiral")
    delete(tenant, tenant.add({"name": "Gone"}))
    now = datetime.now(timezone(timedelta(hours=2))).isoformat()
    for sort in ("created_at", "-created_at", "updated_at", "-updated_at", "name"):
        assert tenant.get("/v1/contacts", sort=sort, as_of=now).json() == tenant.get("/v1/contacts", sort=sort).json()
    for path in (f"/v1/contacts/{ada['id']}", f"/v1/contacts/{ada['id']}/history"):
        assert tenant.get(path, as_of=now).json() == tenant.get(path).json()


def readable(tenant: Tenant) -> list[str]:
    contact_id = tenant.add()["id"]
    return ["/v1/contacts", f"/v1/contacts/{contact_id}", f"/v1/contacts/{contact_id}/history"]


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ((datetime.now(UTC) + timedelta(days=1)).isoformat(), "time.future"),
        ("9999-12-31T23:59:59Z", "time.future"),
        ("2026-01-05T09:30:00", "type.time"),
        ("2026-01-05", "type.time"),
        ("yesterday", "type.time"),
        ("", "type.time"),
    ],
)
def test_what_is_no_time_of_the_past_is_refused_by_name(tenant: Tenant, time: str, code: str) -> None:
    for path in readable(tenant):
        (error,) = problem(tenant.get(path, as_of=time), 400, "query.invalid")["errors"]
        assert (error["parameter"], error["code"]) == ("as_of", code)


def test_a_search_is_of_now(tenant: Tenant) -> None:
    (error,) = problem(tenant.search("ada", as_of=LONG_AGO), 400, "query.invalid")["errors"]
    assert (error["parameter"], error["code"]) == ("as_of", "parameter.unknown")


def test_a_position_is_checked_all_the_same(tenant: Tenant) -> None:
    now = {"as_of": datetime.now(UTC).isoformat()}
    for path in readable(tenant):
        ahead = tenant.http.get(path, params=now, headers={"Read-After": str(tenant.position + 1)})
        problem(ahead, 400, "read_after.ahead")
        problem(tenant.http.get(path, params=now, headers={"Read-After": "x"}), 400, "read_after.invalid")


def test_a_cursor_belongs_to_its_moment(tenant: Tenant) -> None:
    ada, grace = (tenant.add({"name": name}) for name in ("Ada", "Grace"))
    change(tenant, ada, title="Countess")
    for path in ("/v1/contacts", f"/v1/contacts/{ada['id']}/history"):
        moment = datetime.now(UTC).isoformat()
        cursor = tenant.get(path, limit=1, as_of=moment).json()["next_cursor"]
        assert len(tenant.get(path, as_of=moment, cursor=cursor).json()["data"]) == 1
        for other in ({}, {"as_of": grace["created_at"]}):
            problem(tenant.get(path, cursor=cursor, **other), 400, "cursor.invalid")
        present = tenant.get(path, limit=1).json()["next_cursor"]
        problem(tenant.get(path, cursor=present, as_of=moment), 400, "cursor.invalid")


def test_another_tenants_past_is_missing_to_the_byte(installation: Installation, tenant: Tenant) -> None:
    """R6.2, R6.3."""
    theirs, other = tenant.add({"name": "Ada", "company": "Engines"}), installation.tenant("Bombe Works")
    other.add({"name": "Grace"})
    now = datetime.now(UTC).isoformat()
    for moment in (theirs["created_at"], now):
        assert all(found["id"] != theirs["id"] for found in other.get("/v1/contacts", as_of=moment).json()["data"])
        for suffix in ("", "/history"):
            foreign, missing = (
                other.get(f"/v1/contacts/{contact_id}{suffix}", as_of=moment)
                for contact_id in (theirs["id"], str(uuid.uuid4()))
            )
            problem(foreign, 404, "contact.not_found")
            assert body(foreign) == body(missing)
    assert other.get("/v1/contacts", as_of=now, company_id=theirs["company"]["id"]).json()["data"] == []


def body(answer: Any) -> bytes:
    text: bytes = answer.content.replace(answer.headers["X-Correlation-Id"].encode(), b"")
    return text


def lived(tenant: Tenant) -> tuple[dict[str, set[str]], list[str]]:
    """Let a tenant do what records can go through: the ids of what it made, by kind, and a moment after each act."""
    made: dict[str, set[str]] = {
        kind: set() for kind in ("contacts", "companies", "leads", "interactions", "customers")
    }
    moments = [LONG_AGO]

    def ask(method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = tenant.http.request(method, f"/v1/{path}", json=body)
        assert answer.is_success, answer.text
        tenant.position = int(answer.headers["Event-Position"])
        moments.append(datetime.now(UTC).isoformat())
        told: dict[str, Any] = answer.json() if answer.content else {}
        if path in made:
            made[path].add(told["id"])
        return told

    engines = ask("POST", "companies", name="Engines")
    ada, twin = (ask("POST", "contacts", name=name, company="Engines") for name in ("Ada", "Twin"))
    call = ask("POST", "interactions", type="call", subject="Cards")
    leads = [ask("POST", "leads", title=title, contact_id=ada["id"]) for title in ("One", "Two")]
    ask("PATCH", f"interactions/{call['id']}", contact_id=ada["id"], occurred_at="2026-01-05T09:10:00Z")
    ask("PATCH", f"companies/{engines['id']}", name="Looms")
    for lead in leads:
        ask("POST", f"leads/{lead['id']}/qualify")
        made["customers"].add(ask("POST", f"leads/{lead['id']}/convert")["customer_id"])
    ask("POST", f"leads/{leads[0]['id']}/undo-convert")
    ask("POST", f"contacts/{ada['id']}/merge", **{"from": twin["id"]})
    ask("POST", f"contacts/{ada['id']}/unmerge", **{"from": twin["id"]})
    ask("DELETE", f"companies/{engines['id']}")
    ask("DELETE", f"contacts/{twin['id']}")
    ask("POST", f"contacts/{twin['id']}/restore")
    ask("POST", f"leads/{leads[1]['id']}/undo-convert")
    ask("DELETE", f"leads/{leads[1]['id']}")
    return made, moments


def test_every_record_of_then_is_the_one_that_its_list_shows_then(tenant: Tenant) -> None:
    """B1. One contact, company or interaction is folded from the log, lists come from versions."""
    made, moments = lived(tenant)
    for moment in moments:
        for kind, ids in made.items():
            listed = {each["id"]: each for page in tenant.pages(f"/v1/{kind}", as_of=moment) for each in page}
            read = {each: tenant.get(f"/v1/{kind}/{each}", as_of=moment) for each in ids}
            assert {answer.status_code for answer in read.values()} <= {200, 404, 410}
            there = {each: answer.json() for each, answer in read.items() if answer.status_code == 200}
            assert listed == there, (kind, moment)


def test_whatever_is_read_is_of_a_moment_or_refuses_to_be_by_name(tenant: Tenant) -> None:
    """B1."""
    then, known = {"as_of": datetime.now(UTC).isoformat()}, {"{record_kind}": "contact", "{role_key}": "admin"}

    def given(name: re.Match[str]) -> str:
        return known.get(name[0], str(uuid.uuid4()))

    of_now_alone, refusing = set(), set()
    for path, methods in tenant.http.get("/openapi.json").json()["paths"].items():
        if not path.startswith("/v1/") or "get" not in methods:
            continue
        if all(parameter["name"] != "as_of" for parameter in methods["get"].get("parameters", ())):
            of_now_alone.add(path)
        answer = tenant.http.get(re.sub(r"{\w+}", given, path), params=then)
        if answer.status_code == 400:
            first = problem(answer, 400, "query.invalid")["errors"][0]
            assert (first["parameter"], first["code"]) == ("as_of", "parameter.unknown"), path
            refusing.add(path)
    assert len(refusing) > 20
    assert refusing == of_now_alone


def test_the_document_says_what_can_be_read_as_of_a_moment(tenant: Tenant) -> None:
    """R7.5."""
    found = {}
    for path, methods in tenant.http.get("/openapi.json").json()["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", ()):
            if parameter["name"] == "as_of":
                found[path] = parameter
    on_one = {
        f"/v1/contacts/{{contact_id}}{part}" for part in ("", "/history", "/profile", "/relationships", "/timeline")
    }
    on_one |= {f"/v1/companies/{{company_id}}{part}" for part in ("", "/history", "/timeline")}
    leads = {f"/v1/leads{part}" for part in ("", "/{lead_id}", "/{lead_id}/history", "/{lead_id}/timeline")}
    leads |= {"/v1/pipeline", "/v1/pipeline/trend", "/v1/customers", "/v1/customers/{customer_id}"}
    assert found.keys() == {
        "/v1/companies",
        "/v1/contacts",
        "/v1/contacts/export",
        "/v1/custom-fields/{record_kind}",
        "/v1/follow-ups",
        "/v1/interactions",
        "/v1/interactions/{interaction_id}",
        "/v1/next-actions",
        "/v1/notes/{note_id}",
        "/v1/notes/{note_id}/edits",
        "/v1/review-queue",
        *on_one,
        *leads,
    }
    for parameter in found.values():
        schema = parameter["schema"]
        assert (schema["type"], schema["format"], parameter["required"]) == ("string", "date-time", False)
        assert schema["description"]
        assert tenant.get("/v1/contacts", as_of=schema["examples"][0]).json()["data"] == []
