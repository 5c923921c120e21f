"""R5.6: leads are scored by rules that a tenant sets, each score explained; models outside have their say."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

WEB = {
    "label": "From the web",
    "when": {"kind": "field", "field": "source", "operator": "EQ", "value": "web"},
    "points": 10,
}
LARGE = {
    "label": "Large",
    "when": {
        "kind": "field",
        "field": "value",
        "operator": "GTE",
        "value": {"amount": "1000.00", "currency": "EUR"},
    },
    "points": 20,
}
WROTE = {
    "label": "Wrote to us",
    "when": {"kind": "interaction", "type": "email", "direction": "inbound"},
    "points": 6,
    "decay_days": 30,
}
SILENT = {"label": "Nobody's", "when": {"kind": "field", "field": "owner_id", "operator": "NOT_HAS"}, "points": -5}


def wrote(tenant: Tenant, answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    made: dict[str, Any] = answer.json()
    return made


def add(tenant: Tenant, **members: Any) -> dict[str, Any]:
    return wrote(tenant, tenant.http.post("/v1/leads", json={"title": "Engine", **members}), 201)


def put(tenant: Tenant, *rules: dict[str, Any]) -> dict[str, Any]:
    return wrote(tenant, tenant.http.put("/v1/scoring-rules", json={"rules": rules}))


def mail(tenant: Tenant, days_ago: int = 0, **about: str) -> int:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    body = {"type": "email", "direction": "inbound", "channel": "email", "occurred_at": at.isoformat(), **about}
    wrote(tenant, tenant.http.post("/v1/interactions", json=body), 201)
    return tenant.position


def score(tenant: Tenant, lead: dict[str, Any]) -> dict[str, Any]:
    answer = tenant.get(f"/v1/leads/{lead['id']}/score")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(tenant: Tenant, **query: Any) -> list[tuple[str, int]]:
    answer = tenant.get("/v1/leads", **query)
    assert answer.status_code == 200, answer.text
    return [(each["id"], each["score"]) for each in answer.json()["data"]]


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_score_is_explained_by_the_events_that_made_it_and_lists_agree_with_it(tenant: Tenant) -> None:
    contact = tenant.add()
    hot = add(tenant, source="Web", contact_id=contact["id"], value={"amount": "5000.00", "currency": "EUR"})
    came = tenant.position
    cold = add(tenant, source="fair")
    poor = add(tenant, source="fair", value={"amount": "5000.00", "currency": "USD"})
    wrote(tenant, tenant.http.post(f"/v1/leads/{poor['id']}/assign", json={"owner_id": None}))
    rules = put(tenant, WEB, LARGE, WROTE, SILENT)
    assert [each["label"] for each in rules["rules"]] == ["From the web", "Large", "Wrote to us", "Nobody's"]
    first, second = mail(tenant, contact_id=contact["id"]), mail(tenant, 10, lead_id=hot["id"])

    found = score(tenant, hot)
    assert found["score"] == 10 + 20 + 6 + 4
    told = {(each["label"], each["points"], each["position"]) for each in found["parts"]}
    assert told == {
        ("From the web", 10, came), ("Large", 20, came), ("Wrote to us", 6, first), ("Wrote to us", 4, second)
    }  # fmt: skip
    assert {each["rule_id"] for each in found["parts"]} == {each["id"] for each in rules["rules"][:3]}
    assert (found["scored_on"], found["recalculating"]) == (datetime.now(UTC).date().isoformat(), False)

    assert listed(tenant, sort="-score") == [(hot["id"], 40), (cold["id"], 0), (poor["id"], -5)]
    assert [row for page in tenant.pages("/v1/leads", sort="-score", limit=1) for row in page] == tenant.get(
        "/v1/leads", sort="-score"
    ).json()["data"]
    assert listed(tenant, min_score=1) == [(hot["id"], 40)]
    assert listed(tenant, min_score=-4, sort="-score") == [(hot["id"], 40), (cold["id"], 0)]
    moved = wrote(tenant, tenant.http.post(f"/v1/leads/{hot['id']}/qualify"))
    assert (moved["score"], tenant.get(f"/v1/leads/{hot['id']}").json()["score"]) == (40, 40)


def test_rules_are_tried_on_the_leads_that_are_there_before_they_are_set(tenant: Tenant) -> None:
    web, fair = add(tenant, source="web"), add(tenant, source="fair")
    put(tenant, SILENT, WEB)
    score(tenant, web)
    assert tenant.http.patch("/v1/scoring-rules").status_code == 405
    worth = WEB | {"points": 25}
    answer = tenant.http.put("/v1/scoring-rules", json={"rules": [worth]}, params={"dry_run": "true"})
    assert answer.status_code == 200, answer.text
    tried = answer.json()
    assert (tried["dry_run"], [each["type"] for each in tried["events"]]) == (True, ["scoring.rules_set.v1"])
    trial = tried["trial"]
    assert (trial["leads"], trial["more"], trial["changed"]) == (2, False, 1)
    assert trial["before"] == [{"from": 0, "to": 9, "leads": 1}, {"from": 10, "to": 19, "leads": 1}]
    assert trial["after"] == [{"from": 0, "to": 9, "leads": 1}, {"from": 20, "to": 29, "leads": 1}]
    assert trial["sample"] == [{"id": web["id"], "before": 10, "after": 25}]
    assert (score(tenant, web)["score"], score(tenant, fair)["score"]) == (10, 0)


def test_many_leads_go_over_to_new_rules_in_the_background(tenant: Tenant) -> None:
    items = [{"title": "Engine", "source": "web"}] * 500
    wrote(tenant, tenant.http.post("/v1/leads/batch", json={"items": items}))
    add(tenant, source="web")
    put(tenant, WEB)
    newest = tenant.get("/v1/leads", sort="-created_at", limit=1).json()["data"][0]
    until(lambda: not score(tenant, newest)["recalculating"])
    assert score(tenant, newest)["score"] == 10
    assert tenant.get("/v1/scoring-rules").json()["recalculating"] is False
    found = [row["score"] for page in tenant.pages("/v1/leads", sort="-score", limit=200) for row in page]
    assert found == [10] * 501


def test_a_rule_that_stays_keeps_its_id_and_only_the_newest_version_may_be_replaced(tenant: Tenant) -> None:
    before = put(tenant, WEB, WROTE)["rules"]
    renamed = before[1] | {"label": "Mail"}
    answer = tenant.http.put("/v1/scoring-rules", json={"rules": [renamed, WEB, LARGE]}, headers={"If-Match": '"1"'})
    after = wrote(tenant, answer)
    assert [each["id"] for each in after["rules"][:2]] == [before[1]["id"], before[0]["id"]]
    assert answer.headers["ETag"] == '"2"'
    stale = tenant.http.put("/v1/scoring-rules", json={"rules": []}, headers={"If-Match": '"1"'})
    assert problem(stale, 412, "precondition.version")["version"] == 2
    read = tenant.get("/v1/scoring-rules")
    assert (read.json()["rules"], read.headers["ETag"]) == (after["rules"], '"2"')
    again = tenant.http.put("/v1/scoring-rules", json={"rules": after["rules"]})
    assert (again.status_code, again.json()["version"]) == (200, 2)


def test_every_bad_member_of_rules_is_told_at_once(tenant: Tenant) -> None:
    bad = [
        WEB | {"points": 1001, "decay_days": 0},
        {"label": " ", "when": {"kind": "field", "field": "tags", "operator": "HAS"}, "points": 1},
        {"label": "x", "when": {"kind": "interaction", "type": "fax", "operator": "EQ"}, "points": 1},
        {"label": "x", "when": {"kind": "field", "field": "status", "operator": "GT", "value": "new"}, "points": 1},
        {"label": "x", "when": {"kind": "field", "field": "status", "operator": "IN", "value": ["gone"]}, "points": 1},
        {"label": "x", "when": {"kind": "field", "field": "value", "operator": "LT", "value": "much"}, "points": 1},
        {"label": "x", "when": {"kind": "mood"}, "points": "many"},
        {"id": str(uuid.uuid4()), **WEB},
    ]
    answer = tenant.http.put("/v1/scoring-rules", json={"rules": bad})
    assert bad_fields(answer) == {
        "/rules/0/points": "value.out_of_range",
        "/rules/0/decay_days": "value.out_of_range",
        "/rules/1/label": "field.blank",
        "/rules/1/when/field": "scoring.personal_field",
        "/rules/2/when/type": "value.not_allowed",
        "/rules/2/when/operator": "field.unexpected",
        "/rules/3/when/operator": "value.not_allowed",
        "/rules/4/when/value/0": "value.not_allowed",
        "/rules/5/when/value": "money.amount",
        "/rules/6/points": "type.wrong",
        "/rules/7/id": "scoring_rule.not_found",
    }


def test_what_the_company_of_a_lead_is_counts_also_where_only_its_contact_is_known(tenant: Tenant) -> None:
    paper = {"kind": "field", "field": "company.industry", "operator": "CONTAINS_TOKEN", "value": "paper"}
    large = {"kind": "field", "field": "company.size", "operator": "GTE", "value": 11}
    put(tenant, {"label": "Paper", "when": paper, "points": 7}, {"label": "Large", "when": large, "points": 3})
    mill = wrote(tenant, tenant.http.post("/v1/companies", json={"name": "Mill", "size": "11-50"}), 201)
    contact = tenant.add({"name": "Ada", "company": "Mill"})
    own, his, nobody = add(tenant, company_id=mill["id"]), add(tenant, contact_id=contact["id"]), add(tenant)
    assert [score(tenant, each)["score"] for each in (own, his, nobody)] == [3, 3, 0]
    wrote(tenant, tenant.http.patch(f"/v1/companies/{mill['id']}", json={"industry": "Paper mills"}))
    found = score(tenant, his)
    assert (found["score"], found["parts"][0]["label"], found["parts"][0]["position"]) == (10, "Paper", tenant.position)
    assert listed(tenant, min_score=1, sort="-score") == [(his["id"], 10), (own["id"], 10)]


def test_a_model_outside_has_its_say_beside_the_score(tenant: Tenant) -> None:
    lead = add(tenant)
    path = f"/v1/leads/{lead['id']}/score/win_model"
    said = {"value": 0.8, "confidence": 0.5, "explanation": "Like nine that were won."}
    made = wrote(tenant, tenant.http.put(path, json=said), 201)
    assert (made["version"], made["lead_id"]) == (1, lead["id"])
    said["value"] = 0.9
    wrote(tenant, tenant.http.put(path, json=said))
    wrote(tenant, tenant.http.put(f"{path}.2", json={"value": 7, "confidence": 1}), 201)
    found = score(tenant, lead)
    assert found["score"] == 0
    assert [(each["name"], each["value"]) for each in found["external"]] == [("win_model", 0.9), ("win_model.2", 7.0)]
    assert found["external"][0]["explanation"] == said["explanation"]
    # It is no change of the lead.
    assert tenant.get(f"/v1/leads/{lead['id']}").json()["version"] == 1

    bad = tenant.http.put(path, json={"value": 1, "confidence": 2, "mood": "good"})
    assert bad_fields(bad) == {"/confidence": "value.out_of_range", "/mood": "field.unknown"}
    problem(tenant.http.put(f"/v1/leads/{uuid.uuid4()}/score/win_model", json=said), 404, "lead.not_found")
    gone = tenant.http.delete(f"/v1/leads/{lead['id']}")
    tenant.position = int(gone.headers["Event-Position"])
    problem(tenant.http.put(path, json=said), 410, "lead.deleted")
    problem(tenant.get(f"/v1/leads/{lead['id']}/score"), 410, "lead.deleted")


def test_who_may_see_a_lead_may_see_its_score_without_what_is_hidden(
    tenant: Tenant, installation: Installation
) -> None:
    """R2.5, R2.6."""
    known: dict[str, Any] = {
        "label": "Known",
        "when": {"kind": "field", "field": "contact.owner_id", "operator": "HAS"},
        "points": 1,
    }
    employed = {"label": "At work", "when": {**known["when"], "field": "company.size"}, "points": 1}
    put(tenant, WEB, LARGE, WROTE, known, employed)
    wrote(tenant, tenant.http.post("/v1/companies", json={"name": "Mill", "size": 50}), 201)
    contact = tenant.add({"name": "Ada", "company": "Mill"})
    lead = add(tenant, source="web", value={"amount": "5000.00", "currency": "EUR"}, contact_id=contact["id"])
    mail(tenant, contact_id=contact["id"])
    assert len(score(tenant, lead)["parts"]) == 5
    own = {"name": "Own", "permissions": ["leads.read:own", "leads.write:own"]}
    hiding = {
        "name": "Without values",
        "permissions": ["leads.read:all", "contacts.read:own", "interactions.read:own"],
        "field_rules": [{"resource": "leads", "field": "value", "access": "hidden"}],
    }
    keys = [tenant.http.post("/v1/roles", json=body).json()["key"] for body in (own, hiding)]
    stranger, reader = (person(installation, tenant, [key]).http for key in keys)
    problem(stranger.get(f"/v1/leads/{lead['id']}/score"), 404, "lead.not_found")
    said = {"value": 1, "confidence": 1}
    problem(stranger.put(f"/v1/leads/{lead['id']}/score/mine", json=said), 404, "lead.not_found")
    problem(stranger.get("/v1/scoring-rules"), 403, "permission.missing")
    found = reader.get(f"/v1/leads/{lead['id']}/score", headers={"Read-After": str(tenant.position)}).json()
    assert (found["score"], [each["label"] for each in found["parts"]]) == (38, ["From the web"])
