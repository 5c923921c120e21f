"""R1.6, R7.1: API keys: shown once, good at once, refused at once, and named by what they did."""

import uuid
from typing import Any

import httpx
import psycopg
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.patient import patient
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def issue(by: httpx.Client, *roles: str, **more: Any) -> dict[str, Any]:
    answer = by.post("/v1/api-keys", json={"name": "Nightly import", "roles": roles, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made: dict[str, Any] = answer.json()
    return made


class Program:
    """Somebody who has a key, and nothing else."""

    def __init__(self, installation: Installation, key: str) -> None:
        self.http = patient(str(installation.ready["url"]))
        self.http.headers["Authorization"] = f"Bearer {key}"
        installation.clients.append(self.http)


def test_a_key_is_shown_once_and_stored_by_its_digest_alone(installation: Installation, tenant: Tenant) -> None:
    made = issue(tenant.http, "sales", expires_at="2099-01-01T02:00:00+02:00")
    key = made.pop("key")
    assert key.startswith(made["prefix"])
    assert (made["name"], made["roles"], made["user_id"]) == ("Nightly import", ["sales"], tenant.user_id)
    assert (made["expires_at"], made["last_used_at"]) == ("2099-01-01T00:00:00Z", None)
    assert tenant.http.get("/v1/api-keys").json() == {"data": [made], "next_cursor": None}
    assert tenant.http.get(f"/v1/api-keys/{made['id']}").json() == made
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT data FROM store.event WHERE tenant_id = %s AND topic = 'api_key.issued.v1'"
        ((data,),) = connection.execute(query, (tenant.id,)).fetchall()
    secret = key.removeprefix(made["prefix"])
    assert not any(secret[at : at + 12].encode() in data for at in range(len(secret) - 11))


def test_what_is_done_with_a_key_is_the_keys_and_whose_it_is_the_users(
    installation: Installation, tenant: Tenant
) -> None:
    made = issue(tenant.http, "sales")
    program = Program(installation, made["key"])

    added = program.http.post("/v1/contacts", json={"name": "Ada"})

    assert (added.status_code, added.json()["owner_id"]) == (201, tenant.user_id)
    tenant.position = int(added.headers["Event-Position"])
    (entry,) = tenant.get(f"/v1/contacts/{added.json()['id']}/history").json()["data"]
    assert entry["actor"] == {"kind": "api_key", "id": made["id"], "name": "Nightly import"}
    assert tenant.http.get(f"/v1/api-keys/{made['id']}").json()["last_used_at"] is not None
    tenant.http.delete(f"/v1/api-keys/{made['id']}")
    (entry,) = tenant.get(f"/v1/contacts/{added.json()['id']}/history").json()["data"]
    assert entry["actor"]["name"] == "Nightly import"


def test_a_key_may_what_its_roles_allow_and_nothing_of_its_user(installation: Installation, tenant: Tenant) -> None:
    program = Program(installation, issue(tenant.http, "marketing")["key"])
    assert program.http.get("/v1/contacts").status_code == 200
    refusal = program.http.get("/v1/users")
    assert problem(refusal, 403, "permission.missing")["permission"] == "users.read"
    assert program.http.get("/v1/me/permissions").json()["roles"] == ["marketing"]
    for method, path in (
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("GET", "/v1/auth/sessions"),
        ("POST", "/v1/auth/logout"),
        ("POST", "/v1/auth/password/change"),
        ("DELETE", f"/v1/auth/sessions/{uuid.uuid4()}"),
    ):
        assert problem(program.http.request(method, path), 403, "auth.user_required")["permission"] == "signed in"


def test_a_key_that_was_revoked_is_refused_from_the_very_next_request_on(
    installation: Installation, tenant: Tenant
) -> None:
    made = issue(tenant.http, "sales")
    program, path = Program(installation, made["key"]), f"/v1/api-keys/{made['id']}"
    assert program.http.get("/v1/contacts").status_code == 200
    assert tenant.http.delete(path, params={"dry_run": "true"}).json()["events"][0]["type"] == "api_key.revoked.v1"
    assert program.http.get("/v1/contacts").status_code == 200

    answer = tenant.http.delete(path)

    assert (answer.status_code, int(answer.headers["Event-Position"]) > 0) == (204, True)
    for route in ("/v1/contacts", "/v1/me", f"/v1/contacts/{uuid.uuid4()}"):
        refusal = program.http.get(route)
        problem(refusal, 401, "auth.key_ended")
        assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
    problem(tenant.http.delete(path), 410, "api_key.deleted")
    problem(tenant.http.get(path), 410, "api_key.deleted")
    assert tenant.http.get("/v1/api-keys").json()["data"] == []


def test_a_change_of_its_role_holds_from_the_very_next_request_on(installation: Installation, tenant: Tenant) -> None:
    body = {"name": "Programs", "permissions": ["contacts.read"]}
    assert tenant.http.post("/v1/roles", json=body).status_code == 201
    made = issue(tenant.http, "programs")
    program = Program(installation, made["key"])
    assert program.http.get("/v1/contacts").status_code == 200
    assert tenant.http.patch("/v1/roles/programs", json={"permissions": []}).status_code == 200
    problem(program.http.get("/v1/contacts"), 403, "permission.missing")
    problem(tenant.http.delete("/v1/roles/programs"), 409, "role.in_use")
    tenant.http.delete(f"/v1/api-keys/{made['id']}")
    assert tenant.http.delete("/v1/roles/programs").status_code == 204


def test_nobody_gives_a_key_what_they_do_not_hold(installation: Installation, tenant: Tenant) -> None:
    tenant.http.post("/v1/roles", json={"name": "Clerks", "permissions": ["api_keys.manage", "reports.read"]})
    clerk, seller = person(installation, tenant, ["clerks"]), person(installation, tenant, ["sales"])
    body = {"name": "Mine", "roles": ["admin"]}
    problem(clerk.http.post("/v1/api-keys", json=body), 403, "permission.missing")
    refusal = seller.http.post("/v1/api-keys", json=body | {"roles": []})
    assert problem(refusal, 403, "permission.missing")["permission"] == "api_keys.manage"
    program = Program(installation, issue(clerk.http, "clerks")["key"])
    problem(program.http.post("/v1/api-keys", json=body), 403, "permission.missing")
    powerful = issue(tenant.http, "admin")
    assert clerk.http.delete(f"/v1/api-keys/{powerful['id']}").status_code == 204


def test_a_key_rests_while_its_user_is_suspended(installation: Installation, tenant: Tenant) -> None:
    other = person(installation, tenant, ["admin"])
    program = Program(installation, issue(other.http, "sales")["key"])
    assert program.http.get("/v1/contacts").status_code == 200
    assert tenant.http.post(f"/v1/users/{other.id}/suspend").status_code == 200
    problem(program.http.get("/v1/contacts"), 401, "auth.key_ended")
    assert tenant.http.post(f"/v1/users/{other.id}/restore").status_code == 200
    assert program.http.get("/v1/contacts").status_code == 200


def test_a_dry_run_issues_nothing_and_tells_no_secret(tenant: Tenant) -> None:
    body = {"name": "Import", "roles": ["sales"]}
    answer = tenant.http.post("/v1/api-keys", params={"dry_run": "true"}, json=body)
    assert (answer.status_code, "key" in answer.json()["state"]) == (200, False)
    (event,) = answer.json()["events"]
    assert event["data"].keys() == {"name", "roles", "user_id", "prefix"}
    assert tenant.http.get("/v1/api-keys").json()["data"] == []


def test_an_idempotency_key_is_not_looked_at_for_an_answer_would_have_no_secret(tenant: Tenant) -> None:
    body, headers = {"name": "Import", "roles": []}, {"Idempotency-Key": "same"}
    first, second = (tenant.http.post("/v1/api-keys", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert "Idempotent-Replay" not in second.headers


def test_pages_show_every_key_once_the_oldest_first(tenant: Tenant) -> None:
    ids = [issue(tenant.http)["id"] for _ in range(5)]
    pages = [[key["id"] for key in page] for page in tenant.pages("/v1/api-keys", limit=2)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    problem(tenant.http.get("/v1/api-keys", params={"cursor": "x"}), 400, "cursor.invalid")


def test_every_bad_member_is_named_at_once(tenant: Tenant) -> None:
    body = {"name": "", "roles": ["pilot", 5], "expires_at": "2020-01-01T00:00:00Z", "key": "mine"}
    assert bad_fields(tenant.http.post("/v1/api-keys", json=body)) == {
        "/name": "field.blank",
        "/roles/0": "role.not_found",
        "/roles/1": "type.wrong",
        "/expires_at": "time.past",
        "/key": "field.unknown",
    }
    naive = {"name": "Import", "roles": [], "expires_at": "2099-01-01T00:00:00"}
    assert bad_fields(tenant.http.post("/v1/api-keys", json=naive)) == {"/expires_at": "type.wrong"}


@pytest.mark.parametrize("odd", ["rk_", "rk_x", "rk_" + "A" * 96, "RK_" + "A" * 96])
def test_what_is_no_key_is_refused(installation: Installation, odd: str) -> None:
    problem(Program(installation, odd).http.get("/v1/contacts"), 401, "auth.token_invalid")


def test_the_same_idempotency_key_of_a_user_and_of_a_key_are_two(installation: Installation, tenant: Tenant) -> None:
    program = Program(installation, issue(tenant.http, "admin")["key"])
    headers = {"Idempotency-Key": "same"}
    answers = [by.post("/v1/contacts", json={"name": "Ada"}, headers=headers) for by in (tenant.http, program.http)]
    assert len({answer.json()["id"] for answer in answers}) == 2
