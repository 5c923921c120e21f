"""R3.1, R3.4, B8: many contacts and companies at once, with a result for each."""

import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


def send(tenant: Tenant, *items: Any, of: str = "contacts", by: httpx.Client | None = None, **more: Any) -> Any:
    """The results of a batch; what is read next includes it."""
    answer = (by or tenant.http).post(f"/v1/{of}/batch", json={"items": items, **more})
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(items)))
    return results


def told(results: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Of each item its status, and where it was refused the pointers to codes."""
    return [
        (each["status"], {item["pointer"]: item["code"] for item in each["error"].get("errors", ())})
        if "error" in each
        else each["status"]
        for each in results
    ]


def names(tenant: Tenant, of: str = "contacts") -> list[str]:
    listed = tenant.get(f"/v1/{of}").json()["data"]
    return [each["name"]["display"] if of == "contacts" else each["name"] for each in listed]


def test_each_item_has_its_own_result_and_those_that_can_be_are_done_at_once(tenant: Tenant) -> None:
    before, bad = tenant.position, {"email": "email.invalid", "phone": "phone.invalid", "colour": "field.unknown"}
    results = send(
        tenant,
        {"name": "Ada", "company": "Engines", "external_ids": {"erp": "1"}},
        {"name": "Grace", "email": "grace(at)x", "phone": "1", "colour": "red"},
        "nonsense",
        {},
        {"name": "Alan", "company": "ENGINES"},
        {"name": "Bob", "external_ids": {"erp": "1"}},
    )

    assert told(results) == [
        201,
        (422, {f"/items/1/{name}": code for name, code in bad.items()}),
        (422, {"/items/2": "type.object"}),
        (422, {"/items/3": "contact.empty"}),
        201,
        (409, {"/items/5/external_ids/erp": "contact.external_ids_taken"}),
    ]  # fmt: skip
    assert results[1]["error"]["code"] == "validation.failed"
    assert tenant.position == before + 3
    ada, alan = (tenant.get(f"/v1/contacts/{results[n]['id']}").json() for n in (0, 4))
    assert ada["company"] == alan["company"]
    assert ada["owner_id"] == tenant.user_id
    assert ada["created_at"] == alan["created_at"]


def test_all_or_nothing_is_refused_with_the_same_errors_and_stores_nothing(tenant: Tenant) -> None:
    items = [{"name": "Ada"}, {"email": "no"}, {}]
    answer = tenant.http.post("/v1/contacts/batch", json={"items": items, "all_or_nothing": True})

    refusal = problem(answer, 422, "batch.refused")
    assert [(each["pointer"], each["code"]) for each in refusal["errors"]] == [
        ("/items/1/email", "email.invalid"),
        ("/items/2", "contact.empty"),
    ]
    assert [(each["index"], each["status"]) for each in refusal["results"]] == [(1, 422), (2, 422)]
    assert names(tenant) == []
    assert told(send(tenant, items[0], all_or_nothing=True)) == [201]


def test_a_body_that_is_no_batch_is_refused_as_a_whole(tenant: Tenant) -> None:
    def bad(body: Any, path: str = "contacts") -> dict[str, str]:
        return bad_fields(tenant.http.post(f"/v1/{path}/batch", json=body))

    assert bad({}) == {"/items": "field.required"}
    assert bad({"items": {}, "match": "name", "x": 1}) == {
        "/items": "type.wrong",
        "/match": "value.not_allowed",
        "/x": "field.unknown",
    }
    assert bad({"items": [{"name": "A"}] * 501}) == {"/items": "list.too_long"}
    assert bad({"items": [], "match": "email"}, "companies") == {"/match": "value.not_allowed"}
    assert send(tenant) == []


def test_contacts_are_found_by_any_of_their_emails_or_made(tenant: Tenant) -> None:
    two = [{"value": "ada@engines.example"}, {"value": "Ada@Home.example", "kind": "home"}]
    ada = tenant.add({"name": "Ada", "emails": two})

    results = send(
        tenant,
        {"email": "ADA@home.example", "title": "Countess"},
        {"email": "grace@x.example", "name": "Grace"},
        {"email": "grace@x.example", "title": "Admiral"},
        {"name": "Nobody"},
        {"email": "no"},
        match="email",
    )

    assert told(results) == [
        200, 201, 200, (422, {"/items/3/email": "field.required"}), (422, {"/items/4/email": "email.invalid"}),
    ]  # fmt: skip
    assert results[0]["id"] == ada["id"]
    after = tenant.get(f"/v1/contacts/{ada['id']}").json()
    assert (after["title"], after["emails"], after["version"]) == ("Countess", ada["emails"], 2)
    assert results[1]["id"] == results[2]["id"]
    again = send(tenant, {"email": "grace@x.example", "title": "Admiral"}, match="email")
    assert (told(again), again[0]["id"]) == ([200], results[1]["id"])
    assert names(tenant) == ["Ada", "Grace"]


def test_an_email_of_several_is_ambiguous(tenant: Tenant) -> None:
    both = [tenant.add({"name": name, "email": "family@x.example"})["id"] for name in ("Ada", "Byron")]

    (result,) = send(tenant, {"email": "family@x.example", "title": "x"}, match="email")

    assert told([result]) == [(409, {"/items/0/email": "contact.ambiguous"})]
    assert sorted(result["error"]["ids"]) == sorted(both)
    assert tenant.http.delete(f"/v1/contacts/{both[0]}").status_code == 204
    assert told(send(tenant, {"email": "family@x.example", "title": "x"}, match="email")) == [200]


def test_records_are_found_by_external_ids_or_made(tenant: Tenant) -> None:
    first = send(tenant, *({"name": f"C{n}", "external_ids": {"erp": str(n)}} for n in range(3)), match="external_id")
    again = send(
        tenant,
        {"name": "C0", "title": "x", "external_ids": {"erp": "0", "crm": "a"}},
        {"name": "New", "external_ids": {"crm": "a"}, "title": "y"},
        {"name": "Both", "external_ids": {"erp": "1", "crm": "a"}},
        {"name": "None"},
        match="external_id",
    )

    assert told(first) == [201] * 3
    assert told(again) == [
        200, 200, (409, {"/items/2/external_ids": "contact.ambiguous"}),
        (422, {"/items/3/external_ids": "field.required"}),
    ]  # fmt: skip
    assert again[0]["id"] == again[1]["id"] == first[0]["id"]
    found = tenant.get(f"/v1/contacts/{first[0]['id']}").json()
    assert (found["name"]["display"], found["title"], found["external_ids"]) == ("New", "y", {"erp": "0", "crm": "a"})


def test_companies_come_in_batches_too(tenant: Tenant) -> None:
    top = tenant.http.post("/v1/companies", json={"name": "Top", "external_ids": {"erp": "0"}}).json()
    results = send(
        tenant,
        {"name": "A", "external_ids": {"erp": "1"}, "parent_id": top["id"]},
        {"name": "a", "external_ids": {"erp": "2"}},
        {"name": "Summit", "size": 3, "external_ids": {"erp": "0"}},
        {"name": "B", "external_ids": {"erp": "3"}, "parent_id": top["id"]},
        {"name": "C", "external_ids": {"erp": "4"}, "parent_id": str(uuid.uuid4())},
        of="companies",
        match="external_id",
    )
    assert told(results) == [
        201, (409, {"/items/1/name": "company.name_taken"}), 200, (409, {}),
        (422, {"/items/4/parent_id": "company.not_found"}),
    ]  # fmt: skip
    assert results[3]["error"]["code"] == "batch.depends"
    assert names(tenant, "companies") == ["Summit", "A"]


def test_the_same_key_gives_the_same_results_and_does_nothing_twice(tenant: Tenant) -> None:
    body = {"items": [{"name": "Ada", "external_ids": {"erp": "1"}}, {"email": "no"}, {"name": "Grace"}]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (tenant.http.post("/v1/contacts/batch", json=body, headers=headers) for _ in range(2))

    assert second.json() == first.json()
    assert (second.headers["Idempotent-Replay"], second.headers["Event-Position"]) == (
        "true",
        first.headers["Event-Position"],
    )
    tenant.position = int(first.headers["Event-Position"])
    assert names(tenant) == ["Ada", "Grace"]
    other = tenant.http.post("/v1/contacts/batch", json={"items": []}, headers=headers)
    problem(other, 422, "idempotency.key_reused")


def test_a_dry_run_tells_what_each_item_would_do(tenant: Tenant) -> None:
    body = {"items": [{"name": "Ada", "company": "Engines"}, {}]}
    answer = tenant.http.post("/v1/contacts/batch", json=body, params={"dry_run": "true"}).json()

    assert answer["dry_run"] is True
    assert {event["type"] for event in answer["events"]} == {"company.registered.v1", "contact.registered.v1"}
    assert [(each["status"], "id" in each) for each in answer["state"]["results"]] == [(201, False), (422, False)]
    assert names(tenant) == []


def test_items_are_for_whom_the_caller_may_write_and_find(installation: Installation, tenant: Tenant) -> None:
    """R2.6."""
    held = ["contacts.read:team", "contacts.write:own"]
    assert tenant.http.post("/v1/roles", json={"name": "half", "permissions": held}).status_code == 201
    ada, bob = (person(installation, tenant, ["half"]) for _ in range(2))
    team = tenant.http.post("/v1/teams", json={"name": "North"}).json()["id"]
    assert tenant.http.put(f"/v1/teams/{team}/members", json={"user_ids": [ada.id, bob.id]}).status_code == 200
    for owner, email in ((ada.id, "own"), (bob.id, "bobs"), (tenant.user_id, "far")):
        tenant.add({"email": f"{email}@x.example", "owner_id": owner})

    results = send(
        tenant,
        {"email": "own@x.example", "title": "x"},
        {"email": "bobs@x.example", "title": "x"},
        {"email": "far@x.example", "title": "x"},
        {"email": "new@x.example", "owner_id": bob.id},
        by=ada.http,
        match="email",
    )

    assert told(results) == [200, (403, {}), 201, (403, {})]
    assert results[1]["error"]["permission"] == "contacts.write"


def test_fields_that_roles_hide_are_neither_written_nor_found_by(installation: Installation, tenant: Tenant) -> None:
    """R2.6."""
    rules = [{"resource": "contacts", "field": field, "access": "hidden"} for field in ("emails", "title")]
    role = {"name": "blind", "permissions": ["contacts.read:all", "contacts.write:all"], "field_rules": rules}
    assert tenant.http.post("/v1/roles", json=role).status_code == 201
    blind = person(installation, tenant, ["blind"])

    assert told(send(tenant, {"name": "A", "title": 1}, {"name": "B"}, by=blind.http)) == [
        (422, {"/items/0/title": "field.not_writable"}),
        201,
    ]
    refused = blind.http.post("/v1/contacts/batch", json={"items": [], "match": "email"})
    assert bad_fields(refused) == {"/match": "field.hidden"}


def test_batches_at_the_same_moment_add_one_contact_for_an_email(tenant: Tenant) -> None:
    """R3.1: of those that look and find nobody one adds, and the others change what it added."""

    def upsert(number: int) -> list[Any]:
        items = [{"email": f"{who}@x.example", "title": f"{number}"} for who in ("ada", "bob", "eve")]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = tenant.http.post("/v1/contacts/batch", json={"items": items, "match": "email"})
            if answer.status_code != 503 or time.monotonic() > deadline:  # a busy machine's read models may be late
                break
        assert answer.status_code == 200, answer.text
        tenant.position = max(tenant.position, int(answer.headers["Event-Position"]))
        return told(answer.json()["results"])

    with ThreadPoolExecutor(6) as callers:
        results = list(callers.map(upsert, range(6)))
    assert sorted(results) == [[200] * 3] * 5 + [[201] * 3]
    found = [each["emails"][0]["value"] for each in tenant.get("/v1/contacts").json()["data"]]
    assert sorted(found) == ["ada@x.example", "bob@x.example", "eve@x.example"]
