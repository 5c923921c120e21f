"""R3.5: contacts that are probably one person, over HTTP, under the caller's reach and field rules."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import Person, person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

LIST, RULES = "/v1/contacts/duplicates", "/v1/matching-rules"


def listed(tenant: Tenant, **parameters: Any) -> list[dict[str, Any]]:
    """The pairs as soon as they are there."""
    until = time.monotonic() + PATIENCE
    while (answer := tenant.get(LIST, **parameters)).status_code == 503 and time.monotonic() < until:
        assert answer.json()["code"] == "read_after.timeout"
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def ids(*contacts: dict[str, Any]) -> list[str]:
    return sorted(contact["id"] for contact in contacts)


def test_what_is_there_twice_is_suggested_with_reasons_until_it_is_dismissed(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+442079460000"})
    tenant.add({"name": "Mary Lovelace", "phone": "+442079460000"})
    again = tenant.add({"name": "Lovelace, Ada", "email": "ada@example.com"})
    (pair,) = listed(tenant)
    assert pair["contact_ids"] == ids(ada, again)
    assert 0.5 <= pair["score"] <= 1
    assert pair["decision"] in {"suggest", "merge"}
    reasons = {reason["field"]: (reason["agreement"], reason["weight"] > 0) for reason in pair["reasons"]}
    assert reasons == {"name.given": ("exact", True), "name.family": ("exact", True), "email": ("exact", True)}
    path = f"{LIST}/{pair['id']}/dismiss"
    dry = tenant.http.post(path, params={"dry_run": "true"}).json()
    assert [event["type"] for event in dry["events"]] == ["duplicates.dismissed.v1"]
    dismissed = [tenant.http.post(path) for _ in range(2)]
    assert [each.json() for each in dismissed] == [dismissed[0].json()] * 2
    assert dismissed[0].json()["contact_ids"] == pair["contact_ids"]
    tenant.position = int(dismissed[1].headers["Event-Position"])
    assert listed(tenant) == []
    problem(tenant.http.post(f"{LIST}/{ada['id']}/dismiss"), 404, "duplicates.not_found")


def test_pages_go_from_the_most_probable_pair_on(tenant: Tenant) -> None:
    for number in range(3):
        for name in ("Grace Hopper", "Grace Hopper", "Grace Hoper")[: 3 if number else 2]:
            tenant.add({"name": name + "xyz"[number] * 2, "email": f"grace{'xyz'[number]}@navy.example"})
    pairs = listed(tenant)
    assert len(pairs) > 3
    assert [pair["score"] for pair in pairs] == sorted((pair["score"] for pair in pairs), reverse=True)
    paged = [pair for page in tenant.pages(LIST, limit=2) for pair in page]
    assert paged == pairs
    likely = listed(tenant, min_score=pairs[1]["score"])
    assert likely == [pair for pair in pairs if pair["score"] >= pairs[1]["score"]]
    problem(tenant.get(LIST, min_score=2), 400, "query.invalid")


def test_rules_say_by_what_pairs_are_found_and_what_is_there_is_compared_anew(tenant: Tenant) -> None:
    one = tenant.add({"name": "Ada Lovelace", "email": "ada@example.com"})
    other = tenant.add({"name": "Augusta King", "email": "ada@example.com"})
    first = tenant.http.get(RULES)
    assert (first.json()["version"], first.headers["ETag"], first.json()["scored"]) == (0, '"0"', True)
    assert [pair["contact_ids"] for pair in listed(tenant)] == []
    body = {"keys": ["email"], "suggest_at": 0.4, "merge_at": 0.9}
    dry = tenant.http.put(RULES, json=body, params={"dry_run": "true"}).json()
    assert [event["type"] for event in dry["events"]] == ["matching_rules.set.v1"]
    problem(tenant.http.put(RULES, json=body, headers={"If-Match": '"7"'}), 412, "precondition.version")
    put = tenant.http.put(RULES, json=body, headers={"If-Match": '"0"'})
    assert (put.status_code, put.headers["ETag"], put.json()["keys"]) == (200, '"1"', ["email"])
    tenant.position = int(put.headers["Event-Position"])
    assert [pair["contact_ids"] for pair in listed(tenant)] == [ids(one, other)]
    assert tenant.http.get(RULES).json() == put.json() | {"scored": True}
    problem(tenant.http.put(RULES, json={"keys": ["shoe_size"]}), 422, "validation.failed")


def test_sure_pairs_are_merged_by_themselves_once_and_not_after_somebody_took_them_apart(tenant: Tenant) -> None:
    """R3.5: the second threshold."""
    first, second = (
        tenant.add({"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+442079460000"}) for _ in range(2)
    )
    put = tenant.http.put(RULES, json={"keys": ["name", "email", "phone"], "merge_at": 0.9, "auto_merge": True})
    tenant.position = int(put.headers["Event-Position"])
    until(lambda: tenant.http.get(f"/v1/contacts/{second['id']}").status_code == 410)
    merged = problem(tenant.http.get(f"/v1/contacts/{second['id']}"), 410, "contact.merged")
    assert merged["merged_into"] == first["id"]
    apart = tenant.http.post(f"/v1/contacts/{first['id']}/unmerge", json={"from": second["id"]})
    tenant.position = int(apart.headers["Event-Position"])
    until(lambda: "duplicates.dismissed" in tenant.http.get("/v1/audit").text)
    assert tenant.http.get(f"/v1/contacts/{second['id']}").status_code == 200
    assert listed(tenant) == []


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds
        time.sleep(0.2)


def role(tenant: Tenant, name: str, *permissions: str, fields: Sequence[dict[str, str]] = ()) -> str:
    body = {"name": name, "permissions": permissions, "field_rules": fields}
    answer = tenant.http.post("/v1/roles", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def seen_by(reader: Person, tenant: Tenant) -> list[dict[str, Any]]:
    answer = reader.http.get(LIST, headers={"Read-After": str(tenant.position)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_both_contacts_have_to_be_within_reach(tenant: Tenant, installation: Installation) -> None:
    """R2.6."""
    for _ in range(2):
        tenant.add({"name": "Ada Lovelace", "email": "ada@example.com"})
    (pair,) = listed(tenant)
    seller, reader = (
        person(installation, tenant, [role(tenant, scope, f"contacts.read:{scope}", "contacts.write:own")])
        for scope in ("own", "all")
    )
    assert seen_by(seller, tenant) == []
    problem(seller.http.post(f"{LIST}/{pair['id']}/dismiss"), 404, "duplicates.not_found")
    assert seen_by(reader, tenant) == [pair]
    problem(reader.http.post(f"{LIST}/{pair['id']}/dismiss"), 403, "permission.missing")


def test_who_must_not_see_a_field_gets_scores_without_it(tenant: Tenant, installation: Installation) -> None:
    """R2.6: a hidden field shows neither in the reasons nor in the score or the order."""
    tenant.add({"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+442079460000"})
    tenant.add({"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+12025550100"})
    tenant.add({"name": "Eve", "email": "eve@example.com"})
    tenant.add({"name": "Eve", "email": "eve@example.com"})
    pairs = {pair["id"]: pair for pair in listed(tenant)}
    assert len(pairs) == 2
    rules = [{"resource": "contacts", "field": field, "access": "hidden"} for field in ("phones", "emails")]
    clerk = person(installation, tenant, [role(tenant, "clerk", "contacts.read:all", fields=rules)])
    (seen,) = seen_by(clerk, tenant)
    assert {reason["field"] for reason in seen["reasons"]} == {"name.given", "name.family"}
    assert seen["score"] != pairs[seen["id"]]["score"]
