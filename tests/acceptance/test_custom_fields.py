"""R3.1, R3.4: custom fields over HTTP: defined, given values, read, and gone again."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person
from tests.acceptance.test_as_of import earlier

pytestmark = pytest.mark.servers


def put(tenant: Tenant, key: str, kind: str = "text", *, of: str = "contact", **members: Any) -> httpx.Response:
    """Define or change a field."""
    return tenant.http.put(f"/v1/custom-fields/{of}/{key}", json={"label": key.title(), "type": kind, **members})


def fields(tenant: Tenant, of: str = "contact") -> Mapping[str, Any]:
    """The fields that are there, by key."""
    return {field["key"]: field for field in tenant.http.get(f"/v1/custom-fields/{of}").json()["data"]}


def test_a_field_is_defined_listed_and_used(tenant: Tenant) -> None:
    answer = put(tenant, "segment", "choice", choices=["A", " B "], required=False)
    made = answer.json()

    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert answer.headers["Location"] == "/v1/custom-fields/contact/segment"
    assert {**made, "id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "version": 1,
        "kind": "contact",
        "key": "segment",
        "label": "Segment",
        "type": "choice",
        "required": False,
        "unique": False,
        "choices": ["A", "B"],
        "changing": False,
        "created_at": "",
        "updated_at": "",
    }
    assert fields(tenant) == {"segment": made}
    assert fields(tenant, "company") == {}

    contact = tenant.add({"name": "Ada", "custom": {"segment": "b"}})
    path = f"/v1/contacts/{contact['id']}"
    assert contact["custom"] == {"segment": "B"}
    assert tenant.get(path).json() == contact == tenant.get("/v1/contacts").json()["data"][0]
    assert tenant.search("ada").json()["data"][0]["custom"] == {"segment": "B"}
    changed = tenant.http.patch(path, json={"custom": {"segment": None}})
    assert changed.json()["custom"] == {}
    (last, _) = tenant.http.get(f"{path}/history").json()["data"]
    assert last["changes"] == [{"field": "custom.segment", "old": "B", "new": None}]
    before = tenant.get(path, as_of=contact["created_at"]).json()
    assert before["custom"] == {"segment": "B"}
    put(tenant, "vip", "boolean")
    tenant.http.patch(path, json={"custom": {"vip": False}})
    assert tenant.http.get(f"{path}/history").json()["data"][0]["changes"] == [
        {"field": "custom.vip", "old": None, "new": False}
    ]


def test_every_bad_value_is_told_and_nothing_is_saved(tenant: Tenant) -> None:
    put(tenant, "size", "number")
    put(tenant, "since", "date", required=True)
    refused = tenant.http.post("/v1/contacts", json={"name": "Ada", "custom": {"size": "big", "nope": 1}})
    assert bad_fields(refused) == {
        "/custom/size": "number.invalid",
        "/custom/nope": "custom_field.unknown",
        "/custom/since": "field.required",
    }
    assert tenant.get("/v1/contacts").json()["data"] == []


def test_a_unique_value_is_one_contacts_and_free_when_that_is_gone(tenant: Tenant) -> None:
    put(tenant, "number", unique=True)
    first = tenant.add({"name": "Ada", "custom": {"number": "C-1"}})
    body = {"name": "Eve", "custom": {"number": "c-1"}}

    taken = problem(tenant.http.post("/v1/contacts", json=body), 409, "contact.custom_taken")
    dry = tenant.http.post("/v1/contacts?dry_run=true", json=body)
    tenant.http.delete(f"/v1/contacts/{first['id']}")

    assert [error["pointer"] for error in taken["errors"]] == ["/custom/number"]
    problem(dry, 409, "contact.custom_taken")
    assert tenant.http.post("/v1/contacts", json=body).status_code == 201


def test_a_deleted_field_hides_its_values_and_brings_them_back(tenant: Tenant) -> None:
    put(tenant, "note")
    contact = tenant.add({"name": "Ada", "custom": {"note": "keep me"}})
    path = f"/v1/contacts/{contact['id']}"

    gone = tenant.http.delete("/v1/custom-fields/contact/note")

    assert (gone.status_code, fields(tenant)) == (204, {})
    assert tenant.get(path).json()["custom"] == {}
    problem(tenant.http.patch(path, json={"custom": {"note": "x"}}), 422, "validation.failed")
    problem(tenant.http.delete("/v1/custom-fields/contact/note"), 410, "custom_field.deleted")
    problem(tenant.http.delete("/v1/custom-fields/contact/never"), 404, "custom_field.not_found")
    assert tenant.get(path, as_of=contact["created_at"]).json()["custom"] == {"note": "keep me"}
    back = put(tenant, "note")
    assert (back.status_code, back.json()["version"]) == (201, 3)
    assert tenant.get(path).json()["custom"] == {"note": "keep me"}


def test_the_fields_of_a_moment_are_those_that_were_defined_then(tenant: Tenant) -> None:
    """B1."""
    path = "/v1/custom-fields/contact"
    first = put(tenant, "note", label="Note").json()
    second = put(tenant, "note", label="Remark").json()
    other = put(tenant, "area").json()
    tenant.http.delete(f"{path}/note")
    last = put(tenant, "area", label="Region").json()

    for moment, then in (
        (earlier(first["created_at"]), []),
        (first["updated_at"], [first]),
        (second["updated_at"], [second]),
        (other["updated_at"], [other, second]),
        (last["updated_at"], [last]),
    ):
        assert tenant.get(path, as_of=moment).json() == {"data": then, "next_cursor": None}, moment
    assert tenant.get("/v1/custom-fields/company", as_of=last["updated_at"]).json()["data"] == []
    problem(tenant.get(path, as_of="2999-01-01T00:00:00Z"), 400, "query.invalid")


def test_a_bad_definition_is_refused_with_all_that_is_wrong(tenant: Tenant) -> None:
    refused = tenant.http.put(
        "/v1/custom-fields/contact/Bad-Key", json={"label": " ", "type": "boolean", "unique": True, "choices": ["A"]}
    )
    assert set(bad_fields(refused).values()) == {
        *("custom_field.key_invalid", "field.blank", "custom_field.unique_type", "custom_field.choices"),
    }
    assert bad_fields(put(tenant, "x", "colour")) == {"/type": "value.not_allowed"}
    assert bad_fields(put(tenant, "x", "choice")) == {"/choices": "field.required"}
    assert bad_fields(put(tenant, "x", "choice", choices=["A", "a", ""])) == {
        "/choices/1": "value.repeated",
        "/choices/2": "field.blank",
    }
    problem(put(tenant, "x", of="animal"), 404, "custom_field.not_found")
    problem(tenant.http.get("/v1/custom-fields/animal"), 404, "custom_field.not_found")


def test_a_definition_is_changed_under_if_match_tried_dry_and_repeated_once(tenant: Tenant) -> None:
    path, body = "/v1/custom-fields/contact/x", {"label": "X", "type": "text"}
    dry = tenant.http.put(f"{path}?dry_run=true", json=body).json()
    assert (dry["dry_run"], fields(tenant)) == (True, {})
    first = tenant.http.put(path, json=body, headers={"Idempotency-Key": "k"})
    again = tenant.http.put(path, json=body, headers={"Idempotency-Key": "k"})
    assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
    assert first.status_code == again.status_code == 201
    renamed = tenant.http.put(path, json=body | {"label": "Y"}, headers={"If-Match": '"1"'})
    assert (renamed.status_code, renamed.json()["label"], renamed.json()["version"]) == (200, "Y", 2)
    problem(tenant.http.put(path, json=body, headers={"If-Match": '"1"'}), 412, "precondition.version")
    assert tenant.http.put(path, json=body | {"label": "Y"}).headers["ETag"] == '"2"'


def test_roles_hide_fields_and_are_not_asked_for_what_they_cannot_write(
    installation: Installation, tenant: Tenant
) -> None:
    put(tenant, "salary", "number", required=True)
    put(tenant, "note", required=True)
    kinds = {"contacts.read:all", "contacts.write:all"}
    rules = [{"resource": "contacts", "field": "custom.salary", "access": "hidden"}]
    role = {"name": "Interns", "permissions": sorted(kinds), "field_rules": rules}
    tenant.http.post("/v1/roles", json=role)
    intern = person(installation, tenant, ["interns"])
    listed = [field["key"] for field in intern.http.get("/v1/custom-fields/contact").json()["data"]]

    made = intern.http.post("/v1/contacts", json={"name": "Ada", "custom": {"note": "x"}})
    refused = intern.http.post("/v1/contacts", json={"name": "Ada", "custom": {"salary": "much"}})
    path = f"/v1/contacts/{made.json()['id']}"

    assert listed == ["note"]
    assert (made.status_code, made.json()["custom"]) == (201, {"note": "x"})
    assert bad_fields(refused) == {"/custom/salary": "field.not_writable", "/custom/note": "field.required"}
    problem(
        intern.http.put("/v1/custom-fields/contact/x", json={"label": "X", "type": "text"}), 403, "permission.missing"
    )
    tenant.http.patch(path, json={"custom": {"salary": 7}})
    assert intern.http.get(path).json()["custom"] == {"note": "x"}


def test_the_audit_trail_tells_what_became_of_a_field(tenant: Tenant) -> None:
    put(tenant, "x", "choice", choices=["A"])
    put(tenant, "x", "choice", choices=["A", "B"], required=True)
    (entry,) = tenant.http.get("/v1/audit", params={"action": "custom_field.changed"}).json()["data"]
    assert entry["target"]["kind"] == "custom_field"
    assert entry["changes"] == [
        {"field": "required", "old": False, "new": True},
        {"field": "choices", "old": ["A"], "new": ["A", "B"]},
    ]
