"""R1.1, R1.5, R2.3, R2.4, R2.5: users of a tenant, what they may do, and who says so."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Tenant, bad_fields, problem
from tests.acceptance.people import login, person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


def new(**members: Any) -> dict[str, Any]:
    email = f"user-{uuid.uuid4().hex[:12]}@engines.example"
    return {"name": "Ada Byron", "email": email, "password": PASSWORD, "roles": ["marketing"]} | members


def give(by: httpx.Client, user_id: str, *roles: str) -> httpx.Response:
    return by.put(f"/v1/users/{user_id}/roles", json={"roles": roles})


def test_an_admin_adds_a_user_who_can_sign_in_at_once(tenant: Tenant) -> None:
    body = new()
    answer = tenant.http.post("/v1/users", json=body)
    made = answer.json()

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/users/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (made["name"], made["email"], made["roles"], made["status"]) == (
        "Ada Byron",
        body["email"],
        ["marketing"],
        "active",
    )
    assert "password" not in answer.text
    assert tenant.http.get(answer.headers["Location"]).json() == made
    tokens = login(tenant.http, body["email"])
    me = tenant.http.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()
    assert me["id"] == made["id"]


def test_users_are_listed_in_pages_with_their_last_sign_in(installation: Installation, tenant: Tenant) -> None:
    colleagues = [person(installation, tenant, ["sales"]) for _ in range(2)]
    tenant.position = int(tenant.http.patch("/v1/me", json={"title": "Admiral"}).headers["Event-Position"])
    pages = list(tenant.pages("/v1/users", limit=2))
    assert [len(page) for page in pages] == [2, 1]
    listed = [user for page in pages for user in page]
    assert [user["id"] for user in listed] == [tenant.user_id, *(one.id for one in colleagues)]
    assert all(user["last_login_at"] for user in listed)
    assert (listed[0]["title"], listed[0]["roles"]) == ("Admiral", ["admin"])


def test_every_bad_field_of_a_new_user_is_named_at_once(tenant: Tenant) -> None:
    body = {"name": " ", "email": "nobody", "password": "short", "roles": ["sales", "pilot"], "id": "x"}
    assert bad_fields(tenant.http.post("/v1/users", json=body)) == {
        "/name": "field.blank",
        "/email": "email.invalid",
        "/password": "password.too_short",
        "/roles/1": "role.not_found",
        "/id": "field.read_only",
    }
    problem(tenant.http.post("/v1/users", json=new(email=tenant.email)), 409, "user.email_taken")


def test_a_dry_run_adds_nobody_and_tells_no_hash(tenant: Tenant) -> None:
    body = new()
    answer = tenant.http.post("/v1/users", json=body, params={"dry_run": "true"})
    assert answer.status_code == 200
    assert answer.json()["state"]["email"] == body["email"]
    assert "password" not in answer.text
    problem(
        tenant.http.post("/v1/auth/login", json={"email": body["email"], "password": PASSWORD}),
        401,
        "auth.invalid_credentials",
    )


def test_a_user_edits_the_profile_and_nothing_else(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant)
    changed = ada.http.patch(
        "/v1/me", json={"name": "Ada King", "phone": "+44 20 7946 0018", "timezone": "Europe/London", "locale": "en-GB"}
    )
    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'
    assert (changed.json()["name"], changed.json()["phone"]) == ("Ada King", "+442079460018")
    # The sign-in comes from a read model, which may have heard of it in between.
    seen = {"last_login_at": None}
    assert ada.http.get("/v1/me").json() | seen == changed.json() | seen
    assert bad_fields(
        ada.http.patch("/v1/me", json={"timezone": "Mars", "locale": "x", "phone": "1", "roles": []})
    ) == {
        "/timezone": "timezone.unknown",
        "/locale": "locale.invalid",
        "/phone": "phone.invalid",
        "/roles": "field.unknown",
    }
    stale = ada.http.patch("/v1/me", json={"title": "x"}, headers={"If-Match": '"1"'})
    assert problem(stale, 412, "precondition.version")["version"] == 2


def test_every_process_shows_a_profile_as_it_was_changed_last(urls: list[str], tenant: Tenant) -> None:
    """What a process keeps of a user is good only while the tenant's log ends where it did."""
    headers = {"Authorization": f"Bearer {tenant.token}"}
    clients = [httpx.Client(base_url=url, headers=headers, timeout=PATIENCE) for url in urls]
    for number, client in enumerate(clients * 3):
        changed = client.patch("/v1/me", json={"title": f"Countess {number}"})
        for reader in clients * 2:
            shown = reader.get("/v1/me")
            assert (shown.json()["title"], shown.headers["ETag"]) == (f"Countess {number}", changed.headers["ETag"])
    for client in clients:
        client.close()


def test_other_roles_hold_from_the_very_next_request_on(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant)
    assert problem(ada.http.get("/v1/contacts"), 403, "permission.missing")["permission"] == "contacts.read"
    for roles, status in ((["marketing"], 200), ([], 403), (["manager", "sales"], 200), (["admin"], 200), ([], 403)):
        assert give(tenant.http, ada.id, *roles).json()["roles"] == roles
        assert ada.http.get("/v1/contacts").status_code == status
        assert ada.http.get("/v1/me/permissions").json()["roles"] == roles


def test_a_suspended_user_is_out_at_once_and_in_again_after_a_new_sign_in(
    installation: Installation, tenant: Tenant
) -> None:
    ada = person(installation, tenant, ["marketing"])
    path = f"/v1/users/{ada.id}"

    assert tenant.http.post(f"{path}/suspend").json()["status"] == "suspended"

    problem(ada.http.get("/v1/me"), 401, "auth.session_ended")
    problem(
        ada.http.post("/v1/auth/refresh", json={"refresh_token": ada.tokens["refresh_token"]}),
        401,
        "auth.session_ended",
    )
    signing_in = {"email": ada.email, "password": PASSWORD}
    problem(ada.http.post("/v1/auth/login", json=signing_in), 401, "auth.invalid_credentials")
    assert tenant.http.get(f"{path}/access").json() == {"permissions": [], "field_rules": []}
    etag = tenant.http.post(f"{path}/suspend").headers["ETag"]
    assert tenant.http.post(f"{path}/suspend").headers["ETag"] == etag  # it is so already

    assert tenant.http.post(f"{path}/restore", json={}).json()["status"] == "active"

    problem(ada.http.get("/v1/me"), 401, "auth.session_ended")
    login(ada.http, ada.email)


def test_the_last_admin_stays_whoever_goes_at_the_same_time(installation: Installation, tenant: Tenant) -> None:
    problem(give(tenant.http, tenant.user_id), 409, "user.last_admin")
    problem(tenant.http.post(f"/v1/users/{tenant.user_id}/suspend"), 409, "user.last_admin")
    others = [person(installation, tenant, ["admin"]) for _ in range(4)]
    people = [(tenant.http, tenant.user_id), *((other.http, other.id) for other in others)]

    def go(who: tuple[httpx.Client, str]) -> int:
        return give(who[0], who[1], "sales").status_code

    with ThreadPoolExecutor(5) as at_once:
        statuses = sorted(at_once.map(go, people))
    assert statuses == [200] * 4 + [409]


def test_nobody_gives_or_takes_what_they_do_not_hold(installation: Installation, tenant: Tenant) -> None:
    ada, bob = person(installation, tenant, ["manager"]), person(installation, tenant, ["sales"])
    assert problem(give(ada.http, bob.id, "admin"), 403, "permission.missing")["permission"] == "users.manage"
    assert problem(bob.http.post("/v1/users", json=new()), 403, "permission.missing")["permission"] == "users.manage"
    assert problem(give(bob.http, bob.id, "admin"), 403, "permission.missing")["permission"] == "users.manage"


def test_access_is_explained_by_the_roles_that_give_it(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant, ["sales", "marketing"])
    held = {one["permission"]: one for one in tenant.http.get(f"/v1/users/{ada.id}/access").json()["permissions"]}
    assert held["contacts.write"] == {"permission": "contacts.write", "scope": "all", "from": ["marketing"]}
    assert held["contacts.read"]["from"] == ["sales", "marketing"]
    assert held["users.read"] == {"permission": "users.read", "scope": None, "from": ["sales"]}
    mine = ada.http.get("/v1/me/permissions").json()
    assert {permission.partition(":")[0] for permission in mine["permissions"]} == held.keys()
    assert "contacts.write:all" in mine["permissions"]


def test_users_of_another_tenant_are_missing(installation: Installation, tenant: Tenant) -> None:
    stranger = installation.tenant()
    for answer in (
        stranger.http.get(f"/v1/users/{tenant.user_id}"),
        give(stranger.http, tenant.user_id, "sales"),
        stranger.http.post(f"/v1/users/{tenant.user_id}/suspend"),
        stranger.http.get(f"/v1/users/{tenant.user_id}/access"),
    ):
        problem(answer, 404, "user.not_found")
    assert [user["id"] for user in stranger.get("/v1/users").json()["data"]] == [stranger.user_id]


def test_permissions_are_listed_with_what_they_are_for(tenant: Tenant) -> None:
    listed = {one["permission"]: one for one in tenant.http.get("/v1/permissions").json()["data"]}
    assert listed["leads.assign"]["scoped"] is True
    assert listed["audit.read"]["scoped"] is False
    assert all(one["description"] for one in listed.values())


def test_a_repeated_request_adds_one_user(tenant: Tenant) -> None:
    body, headers = new(), {"Idempotency-Key": uuid.uuid4().hex}
    first = tenant.http.post("/v1/users", json=body, headers=headers)
    again = tenant.http.post("/v1/users", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
