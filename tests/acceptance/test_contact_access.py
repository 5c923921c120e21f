"""B9: who could see a contact at a moment, and why."""

import uuid
from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def seeing(tenant: Tenant, contact_id: str, **parameters: Any) -> dict[str, list[str]]:
    answer = tenant.http.get(f"/v1/contacts/{contact_id}/access", params=parameters)
    assert answer.status_code == 200, answer.text
    assert {(row["permission"], row["scope"]) for row in answer.json()["data"]} == {("contacts.read", "all")}
    return {row.get("api_key_id") or row["user_id"]: row["from"] for row in answer.json()["data"]}


def test_it_is_told_as_it_was_then_whatever_happened_since(installation: Installation, tenant: Tenant) -> None:
    ada, bob = person(installation, tenant, ["sales"]), person(installation, tenant)
    made = tenant.add()
    first = made["created_at"]
    key = tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": ["sales"]}).json()
    second = tenant.http.put(f"/v1/users/{bob.id}/roles", json={"roles": ["marketing", "sales"]}).json()["updated_at"]
    third = tenant.http.post(f"/v1/users/{ada.id}/suspend").json()["updated_at"]
    tenant.http.delete(f"/v1/api-keys/{key['id']}")

    admin = {tenant.user_id: ["admin"]}
    both = ["marketing", "sales"]
    assert seeing(tenant, made["id"], on=first) == admin | {ada.id: ["sales"]}
    assert seeing(tenant, made["id"], on=second) == admin | {ada.id: ["sales"], bob.id: both, key["id"]: ["sales"]}
    assert seeing(tenant, made["id"], on=third) == admin | {bob.id: both, key["id"]: ["sales"]}
    assert seeing(tenant, made["id"]) == admin | {bob.id: both}
    assert tenant.http.get(f"/v1/contacts/{made['id']}/access").json()["data"][0].keys() == {
        *("user_id", "permission", "scope", "from")
    }


def test_the_owner_of_then_counts(installation: Installation, tenant: Tenant) -> None:
    body = {"name": "Own", "permissions": ["contacts.read:own"]}
    assert tenant.http.post("/v1/roles", json=body).status_code == 201
    ada, bob = (person(installation, tenant, ["own"]) for _ in range(2))
    made = tenant.add({"name": "Ada", "owner_id": ada.id})
    path = f"/v1/contacts/{made['id']}"
    after = tenant.http.patch(path, json={"owner_id": bob.id}).json()["updated_at"]

    def others(on: str) -> list[dict[str, Any]]:
        rows = tenant.http.get(f"{path}/access", params={"on": on}).json()["data"]
        return [row for row in rows if row["user_id"] != tenant.user_id]

    row = {"permission": "contacts.read", "scope": "own", "from": ["own"]}
    assert others(made["created_at"]) == [row | {"user_id": ada.id}]
    assert others(after) == [row | {"user_id": bob.id}]


def test_a_contact_is_there_from_its_beginning_to_its_end(installation: Installation, tenant: Tenant) -> None:
    before = tenant.add()["created_at"]
    made = tenant.add()
    path = f"/v1/contacts/{made['id']}/access"
    tenant.http.delete(f"/v1/contacts/{made['id']}")
    problem(tenant.http.get(path), 410, "contact.deleted")
    problem(tenant.http.get(path, params={"on": before}), 404, "contact.not_found")
    assert seeing(tenant, made["id"], on=made["created_at"]) == {tenant.user_id: ["admin"]}
    problem(tenant.http.get(f"/v1/contacts/{uuid.uuid4()}/access"), 404, "contact.not_found")
    problem(installation.tenant().http.get(path), 404, "contact.not_found")
    (error,) = problem(tenant.http.get(path, params={"on": "2999-01-01T00:00:00Z"}), 400, "query.invalid")["errors"]
    assert (error["parameter"], error["code"]) == ("on", "time.future")


def test_pages_show_everybody_once_and_stay_with_their_moment(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add()
    people = [person(installation, tenant, ["sales"]).id for _ in range(4)]
    found = []
    for page in tenant.pages(f"/v1/contacts/{made['id']}/access", limit=2):
        found += [row["user_id"] for row in page]
        person(installation, tenant, ["sales"])
    assert found == sorted([*people, tenant.user_id])
    cursor = tenant.get(f"/v1/contacts/{made['id']}/access", limit=2).json()["next_cursor"]
    other = tenant.add()
    problem(tenant.get(f"/v1/contacts/{other['id']}/access", limit=2, cursor=cursor), 400, "cursor.invalid")


def test_it_takes_the_permission_to_read_the_audit_trail(installation: Installation, tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}/access"
    refusal = person(installation, tenant, ["sales"]).http.get(path)
    assert problem(refusal, 403, "permission.missing")["permission"] == "audit.read"
    assert person(installation, tenant, ["manager"]).http.get(path).status_code == 200
