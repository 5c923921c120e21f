"""R2.1, R2.4, R2.6: roles that a tenant defines, and teams."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def define(by: httpx.Client, name: str, *permissions: str, **more: Any) -> httpx.Response:
    return by.post("/v1/roles", json={"name": name, "permissions": permissions, **more})


def give(by: httpx.Client, user_id: str, *roles: str) -> httpx.Response:
    return by.put(f"/v1/users/{user_id}/roles", json={"roles": roles})


def test_the_built_in_roles_are_there_and_do_not_change(tenant: Tenant) -> None:
    listed = {role["key"]: role for role in tenant.http.get("/v1/roles").json()["data"]}
    assert list(listed) == ["admin", "manager", "sales", "marketing"]
    assert all(role["built_in"] for role in listed.values())
    assert "contacts.write:team" in listed["sales"]["permissions"]
    assert tenant.http.get("/v1/roles/sales").json() == listed["sales"]
    problem(tenant.http.patch("/v1/roles/sales", json={"permissions": []}), 409, "role.built_in")
    problem(tenant.http.delete("/v1/roles/admin"), 409, "role.built_in")
    problem(define(tenant.http, "Admin"), 409, "role.key_taken")


def test_a_role_of_ones_own_holds_from_the_very_next_request_on(installation: Installation, tenant: Tenant) -> None:
    made = define(tenant.http, "Prüfer (DACH)", "contacts.read", "audit.read").json()
    assert (made["key"], made["permissions"]) == ("prufer-dach", ["audit.read", "contacts.read:all"])
    ada = person(installation, tenant)
    assert ada.http.get("/v1/contacts").status_code == 403

    assert give(tenant.http, ada.id, "prufer-dach").status_code == 200
    assert ada.http.get("/v1/contacts").status_code == 200
    path = "/v1/roles/prufer-dach"
    assert tenant.http.patch(path, json={"permissions": ["audit.read"]}).json()["version"] == 2
    assert ada.http.get("/v1/contacts").status_code == 403
    assert ada.http.get("/v1/me/permissions").json()["permissions"] == ["audit.read"]

    problem(tenant.http.delete(path), 409, "role.in_use")
    give(tenant.http, ada.id)
    assert tenant.http.delete(path).status_code == 204
    problem(tenant.http.get(path), 404, "role.not_found")
    assert bad_fields(give(tenant.http, ada.id, "prufer-dach")) == {"/roles/0": "role.not_found"}
    assert define(tenant.http, "Prüfer (DACH)").json()["key"] == "prufer-dach"


def test_every_bad_member_of_a_role_is_named_at_once(tenant: Tenant) -> None:
    body = {"name": " ", "permissions": ["contacts.fly", "leads.read:own", "reports.read:own", 5]}
    assert bad_fields(tenant.http.post("/v1/roles", json=body)) == {
        "/name": "field.blank",
        "/permissions/0": "permission.unknown",
        "/permissions/2": "permission.unknown",
        "/permissions/3": "type.wrong",
    }
    assert bad_fields(define(tenant.http, "X", key="Not a key")) == {"/key": "role.key_invalid"}
    assert bad_fields(tenant.http.post("/v1/roles", json={"permissions": []})) == {"/name": "field.required"}
    assert define(tenant.http, "Readers", key="readers").status_code == 201
    problem(define(tenant.http, "Readers"), 409, "role.key_taken")


def test_nobody_defines_more_than_they_hold(installation: Installation, tenant: Tenant) -> None:
    define(tenant.http, "Keepers", "roles.manage", "users.read", "leads.read:team")
    keeper = person(installation, tenant)
    give(tenant.http, keeper.id, "keepers")

    refusal = define(keeper.http, "Mine", "leads.read:all")
    assert problem(refusal, 403, "permission.missing")["permission"] == "leads.read"
    assert define(keeper.http, "Mine", "leads.read:own", "users.read").status_code == 201
    problem(keeper.http.patch("/v1/roles/mine", json={"permissions": ["users.manage"]}), 403, "permission.missing")
    problem(keeper.http.patch("/v1/roles/keepers", json={"permissions": ["privacy.manage"]}), 403, "permission.missing")
    assert keeper.http.patch("/v1/roles/mine", json={"name": "Ours"}).json()["name"] == "Ours"


def test_teams_have_members_who_see_so(installation: Installation, tenant: Tenant) -> None:
    ada, bob = person(installation, tenant, ["sales"]), person(installation, tenant)
    team = tenant.http.post("/v1/teams", json={"name": "North"}).json()
    path = f"/v1/teams/{team['id']}/members"

    changed = tenant.http.put(path, json={"user_ids": [ada.id, bob.id, ada.id]})

    assert (changed.status_code, changed.json()["user_ids"]) == (200, [ada.id, bob.id])
    assert ada.http.get("/v1/teams").json()["data"] == [changed.json()]
    assert ada.http.get("/v1/me").json()["teams"] == [team["id"]]
    assert tenant.http.put(path, json={"user_ids": [bob.id]}).json()["user_ids"] == [bob.id]
    assert ada.http.get("/v1/me").json()["teams"] == []
    stranger = installation.tenant()
    errors = bad_fields(tenant.http.put(path, json={"user_ids": [stranger.user_id, bob.id, str(uuid.uuid4())]}))
    assert errors == {"/user_ids/0": "user.not_found", "/user_ids/2": "user.not_found"}
    assert bad_fields(tenant.http.post("/v1/teams", json={"name": ""})) == {"/name": "field.blank"}
    problem(ada.http.put(path, json={"user_ids": []}), 403, "permission.missing")
