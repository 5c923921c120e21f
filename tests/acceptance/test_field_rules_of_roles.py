"""R2.5, R2.6: field rules in roles: told, in effect from the next request on, handed on by nobody who lacks them."""

from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def rule(field: str, access: str, resource: str = "contacts") -> dict[str, str]:
    return {"resource": resource, "field": field, "access": access}


def define(by: httpx.Client, name: str, *rules: dict[str, str], **members: Any) -> httpx.Response:
    body = {"name": name, "permissions": ["contacts.read"], "field_rules": rules, **members}
    return by.post("/v1/roles", json=body)


def test_a_role_shows_its_rules_and_takes_others(tenant: Tenant) -> None:
    made = define(tenant.http, "Interns", rule("email", "hidden"), rule("custom.salary", "read"))
    kept = [rule("emails", "hidden"), rule("custom.salary", "read")]
    assert (made.status_code, made.json()["field_rules"]) == (201, kept)
    assert tenant.http.get("/v1/roles/interns").json() == made.json()
    assert tenant.http.get("/v1/roles/sales").json()["field_rules"] == []
    changed = tenant.http.patch("/v1/roles/interns", json={"field_rules": [rule("title", "write")]}).json()
    assert (changed["version"], changed["field_rules"]) == (2, [rule("title", "write")])
    (entry, *_) = tenant.http.get("/v1/audit", params={"action": "role.changed"}).json()["data"]
    assert entry["changes"] == [{"field": "field_rules", "old": kept, "new": [rule("title", "write")]}]


def test_every_bad_rule_is_named_at_once(tenant: Tenant) -> None:
    rules: list[Any] = [rule("emails", "read"), rule("email", "hidden"), rule("name.given", "read")]
    rules += [rule("email", "none"), rule("email", "read", "users"), {**rule("title", "read"), "for": "me"}, 5]
    assert bad_fields(define(tenant.http, "Interns", *rules)) == {
        "/field_rules/1/field": "value.repeated",
        "/field_rules/2/field": "field_rule.unknown",
        "/field_rules/3/access": "value.not_allowed",
        "/field_rules/4/resource": "field_rule.unknown",
        "/field_rules/5/for": "field.unknown",
        "/field_rules/6": "type.wrong",
    }


def test_what_is_in_effect_is_told_with_the_roles_that_let_it_be(installation: Installation, tenant: Tenant) -> None:
    define(tenant.http, "One", rule("title", "hidden"), rule("tags", "hidden"))
    define(tenant.http, "Two", rule("title", "read"))
    define(tenant.http, "Other", rule("tags", "hidden"), permissions=["reports.read"])
    ada = person(installation, tenant, ["one", "two", "other"])
    access = f"/v1/users/{ada.id}/access"
    title = rule("title", "read")

    assert ada.http.get("/v1/me/permissions").json()["field_rules"] == [title]
    assert tenant.http.get(access).json()["field_rules"] == [title | {"from": ["two"]}]
    tenant.http.patch("/v1/roles/two", json={"field_rules": []})
    assert ada.http.get("/v1/me/permissions").json()["field_rules"] == []
    tenant.http.put(f"/v1/users/{ada.id}/roles", json={"roles": ["one"]})
    assert len(ada.http.get("/v1/me/permissions").json()["field_rules"]) == 2
    tenant.http.put(f"/v1/users/{ada.id}/roles", json={"roles": ["one", "sales"]})
    assert tenant.http.get(access).json()["field_rules"] == []


def test_nobody_hands_on_fields_that_they_do_not_hold(installation: Installation, tenant: Tenant) -> None:
    held = ["contacts.read", "roles.manage", "users.manage", "users.read", "api_keys.manage"]
    define(tenant.http, "Keepers", rule("title", "hidden"), permissions=held)
    define(tenant.http, "Readers")
    keeper, ada = person(installation, tenant, ["keepers"]), person(installation, tenant)
    roles = f"/v1/users/{ada.id}/roles"

    def refused(answer: httpx.Response) -> None:
        assert problem(answer, 403, "permission.missing")["permission"] == "contacts.read"

    refused(define(keeper.http, "Mine"))
    refused(define(keeper.http, "Mine", rule("title", "read")))
    assert define(keeper.http, "Mine", rule("title", "hidden")).status_code == 201
    refused(keeper.http.patch("/v1/roles/mine", json={"field_rules": []}))
    refused(keeper.http.delete("/v1/roles/readers"))
    refused(keeper.http.put(roles, json={"roles": ["readers"]}))
    refused(keeper.http.post("/v1/invites", json={"email": "x@engines.example", "roles": ["readers"]}))
    refused(keeper.http.post("/v1/api-keys", json={"name": "k", "roles": ["readers"]}))
    assert keeper.http.put(roles, json={"roles": ["mine"]}).status_code == 200
