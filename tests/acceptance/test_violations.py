"""R6.3, invariant 4: who names another tenant's record is told that there is none, and the operator who, what and from
where. Neither the one tenant nor the other learns of it."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.acceptance.command_line import rapport
from tests.acceptance.installation import Installation, Tenant, problem
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

Told = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def other(installation: Installation) -> Tenant:
    """The tenant whose records are named."""
    return installation.tenant("Bombe Works")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], installation: Installation) -> Told:
    """What the operator is told of a tenant, oldest first, once there are so many."""

    def of(tenant: Tenant, number: int, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while True:
            ran = rapport(capsys, installation, "security-events", "--limit", 1000, "--json")
            assert ran.code == 0, ran.error
            found = [each for each in json.loads(ran.out) if each["actor"]["tenant_id"] == tenant.id][::-1]
            if len(found) >= number or time.monotonic() > deadline:
                assert len(found) == number, found
                return found
            time.sleep(0.1)

    return of


def targets(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["target"]["kind"], event["target"]["id"]) for event in events]


def test_who_names_a_foreign_record_is_told_to_the_operator_with_what_and_from_where(
    tenant: Tenant, other: Tenant, told: Told
) -> None:
    theirs = other.add()
    answer = tenant.http.get(f"/v1/contacts/{theirs['id']}", headers={"X-Correlation-Id": f"probe-{theirs['id']}"})
    problem(answer, 404, "contact.not_found")

    (event,) = told(tenant, 1)

    assert event.pop("position") > 0
    assert event.pop("at")
    assert event == {
        "kind": "cross_tenant_attempted",
        "actor": {"kind": "user", "id": tenant.user_id, "tenant_id": tenant.id},
        "target": {"kind": "contact", "id": theirs["id"], "tenant_id": other.id},
        "operation": "GET /v1/contacts/{contact_id}",
        "address": "127.0.0.1",
        "correlation_id": f"probe-{theirs['id']}",
    }


def test_wherever_a_foreign_id_is_named_it_is_noticed(tenant: Tenant, other: Tenant, told: Told) -> None:
    theirs = other.add({"name": "Ada", "company": "Engines"})
    team = other.http.post("/v1/teams", json={"name": "North"}).json()
    own = tenant.http.post("/v1/teams", json={"name": "South"}).json()
    company, user = theirs["company"]["id"], other.user_id
    tries: list[tuple[str, str, dict[str, Any], int, tuple[str, str]]] = [
        ("DELETE", f"/v1/contacts/{theirs['id']}", {}, 404, ("contact", theirs["id"])),
        ("GET", f"/v1/users/{user}/access", {}, 404, ("user", user)),
        ("PUT", f"/v1/teams/{team['id']}/members", {"json": {"user_ids": []}}, 404, ("team", team["id"])),
        ("POST", "/v1/contacts", {"json": {"name": "A", "owner_id": user}}, 422, ("user", user)),
        ("POST", "/v1/contacts", {"json": {"name": "A", "company": {"id": company}}}, 422, ("company", company)),
        ("PUT", f"/v1/teams/{own['id']}/members", {"json": {"user_ids": [tenant.user_id, user]}}, 422, ("user", user)),
        ("GET", "/v1/contacts", {"params": {"owner_id": user}}, 200, ("user", user)),
        ("GET", "/v1/contacts", {"params": {"company_id": company}}, 200, ("company", company)),
        ("GET", "/v1/audit", {"params": {"target_id": theirs["id"]}}, 200, ("contact", theirs["id"])),
    ]
    for method, path, options, status, _ in tries:
        answer = tenant.http.request(method, path, **options)
        assert answer.status_code == status, answer.text
        assert status != 200 or answer.json() == {"data": [], "next_cursor": None}

    assert targets(told(tenant, len(tries))) == [target for *_, target in tries]


def test_a_cursor_of_another_tenant_is_noticed(tenant: Tenant, other: Tenant, told: Told) -> None:
    for _ in range(2):
        other.add()
        tenant.add()
    cursor = other.get("/v1/contacts", limit=1).json()["next_cursor"]
    own = tenant.get("/v1/contacts", limit=1).json()["next_cursor"]

    problem(tenant.http.get("/v1/contacts", params={"limit": 1, "cursor": cursor}), 400, "cursor.invalid")
    problem(tenant.http.get("/v1/contacts", params={"tag": "x", "cursor": own}), 400, "cursor.invalid")
    problem(tenant.http.get("/v1/contacts", params={"cursor": "A" * 60}), 400, "cursor.invalid")

    assert targets(told(tenant, 1)) == [("cursor", other.id)]


def test_a_session_and_a_key_of_another_tenant_are_noticed_and_a_key_is_who_it_was(
    tenant: Tenant, other: Tenant, told: Told
) -> None:
    (session,) = other.http.get("/v1/auth/sessions").json()["data"]
    theirs = other.http.post("/v1/api-keys", json={"name": "Import", "roles": []}).json()
    own = tenant.http.post("/v1/api-keys", json={"name": "Probe", "roles": ["admin"]}).json()
    contact = other.add()

    problem(tenant.http.delete(f"/v1/auth/sessions/{session['id']}"), 404, "session.not_found")
    problem(tenant.http.delete(f"/v1/api-keys/{theirs['id']}"), 404, "api_key.not_found")
    answer = tenant.http.get(f"/v1/contacts/{contact['id']}", headers={"Authorization": f"Bearer {own['key']}"})
    problem(answer, 404, "contact.not_found")

    found = told(tenant, 3)
    assert targets(found) == [("session", session["id"]), ("api_key", theirs["id"]), ("contact", contact["id"])]
    assert [event["actor"]["kind"] for event in found] == ["user", "user", "api_key"]
    assert found[2]["actor"]["id"] == own["id"]


def test_what_is_not_there_or_gone_or_ones_own_is_no_violation(tenant: Tenant, other: Tenant, told: Told) -> None:
    made = tenant.add()
    assert tenant.http.delete(f"/v1/contacts/{made['id']}").status_code == 204
    for some_id in (uuid.uuid4(), "not-an-id", tenant.user_id):
        problem(tenant.http.get(f"/v1/contacts/{some_id}"), 404, "contact.not_found")
    tenant.http.get("/v1/contacts", params={"owner_id": str(uuid.uuid4())})
    tenant.http.get(f"/v1/contacts/{other.add()['id']}")  # asked last: when it is there, so is what was before it
    assert len(told(tenant, 1)) == 1


def test_neither_tenant_learns_of_it(installation: Installation, tenant: Tenant, other: Tenant, told: Told) -> None:
    theirs = other.add()
    tenant.http.get(f"/v1/contacts/{theirs['id']}")
    told(tenant, 1)
    for one in (tenant, other):
        assert one.get("/v1/security-events").json()["data"] == []
        assert "cross_tenant" not in one.get("/v1/audit").text
        problem(one.http.get("/v1/security-events", params={"kind": "cross_tenant_attempted"}), 400, "query.invalid")
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        query = "SELECT tenant_id::text, convert_from(metadata, 'UTF8') FROM store.event WHERE topic = %s"
        stored = connection.execute(query, ("security.cross_tenant_attempted.v1",)).fetchall()
    assert {tenant_id for tenant_id, _ in stored} == {"00000000-0000-7000-8000-000000000000"}
    assert [metadata for _, metadata in stored if "127.0.0.1" in metadata] == [], "addresses are sealed"


def test_nobody_fills_the_operators_log(
    capsys: pytest.CaptureFixture[str], installation: Installation, tenant: Tenant, other: Tenant, told: Told
) -> None:
    ids = [other.add()["id"] for _ in range(3)]
    for number in range(30):
        problem(tenant.http.get(f"/v1/contacts/{ids[number % 3]}"), 404, "contact.not_found")
    found = told(tenant, 10)
    assert {event["kind"] for event in found} == {"cross_tenant_attempted"}

    ran = rapport(capsys, installation, "security-events", "--limit", 2, "--from", found[0]["at"][:19])
    assert ran.code == 0
    assert len(ran.out.splitlines()) >= 3
    assert len(json.loads(rapport(capsys, installation, "security-events", "--limit", 2, "--json").out)) == 2
    assert json.loads(rapport(capsys, installation, "security-events", "--from", "2999-01-01", "--json").out) == []
    counted = rapport(capsys, installation, "security-events", "--kind", "named_ids_unseen", "--json")
    assert json.loads(counted.out) == []
