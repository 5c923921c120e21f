"""R1.3, R1.5, R6.3, N-S3: who did what, from where; what a security officer looks at; and who may look."""

import time
import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import Person, person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


def trail(tenant: Tenant, **filters: Any) -> list[dict[str, Any]]:
    return [entry for page in tenant.pages("/v1/audit", **filters) for entry in page]


def test_a_profiles_changes_say_field_old_new_who_when_and_from_where(
    installation: Installation, tenant: Tenant
) -> None:
    ada = person(installation, tenant, ["sales"])
    ada.http.patch("/v1/me", json={"title": "Countess"})
    headers = {"X-Correlation-Id": "why"}
    answer = tenant.http.patch(f"/v1/users/{ada.id}", json={"title": "Lady", "locale": "en"}, headers=headers)
    tenant.position = int(answer.headers["Event-Position"])

    second, first, *_ = trail(tenant, target_id=ada.id)

    assert first["actor"] == {"kind": "user", "id": ada.id, "name": "Ada Byron"}
    assert first["changes"] == [{"field": "title", "old": None, "new": "Countess"}]
    assert second["actor"] == {"kind": "user", "id": tenant.user_id, "name": "Grace Hopper"}
    assert {change["field"]: (change["old"], change["new"]) for change in second["changes"]} == {
        "title": ("Countess", "Lady"),
        "locale": (None, "en"),
    }
    assert (second["action"], second["target"]) == ("user.changed", {"kind": "user", "id": ada.id})
    assert (second["address"], second["correlation_id"]) == ("127.0.0.1", "why")
    assert (second["at"], second["position"]) == (answer.json()["updated_at"], tenant.position)


def test_every_act_is_in_it_newest_first_and_nothing_that_signs_in(installation: Installation, tenant: Tenant) -> None:
    contact = tenant.add()
    key = tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": ["sales"]}).json()
    program = httpx.Client(base_url=str(installation.ready["url"]), headers={"Authorization": f"Bearer {key['key']}"})
    installation.clients.append(program)
    changed = program.patch(f"/v1/contacts/{contact['id']}", json={"title": "Countess"})
    tenant.position = int(changed.headers["Event-Position"])

    answer = tenant.get("/v1/audit")

    entries = answer.json()["data"]
    assert [entry["position"] for entry in entries] == list(range(tenant.position, 0, -1))
    assert {entry["action"] for entry in entries} == {
        *("tenant.registered", "user.registered", "session.started"),
        *("contact.registered", "api_key.issued", "contact.changed"),
    }
    assert entries[0]["actor"] == {"kind": "api_key", "id": key["id"], "name": "Import"}
    assert not any(word in answer.text for word in ("password_hash", "$2b$", "digest", key["key"][15:]))


def test_filters_and_pages(installation: Installation, tenant: Tenant) -> None:
    ada = person(installation, tenant, ["admin"])
    before = [tenant.add()["created_at"] for _ in range(3)][1]
    made = [ada.http.post("/v1/contacts", json={"name": "Ada"}) for _ in range(3)]
    tenant.position = int(made[-1].headers["Event-Position"])

    hers = trail(tenant, actor_id=ada.id, action="contact.registered", limit=2)
    assert [entry["target"]["id"] for entry in hers] == [answer.json()["id"] for answer in made[::-1]]
    assert len(trail(tenant, action="contact.registered")) == 6
    since = trail(tenant, **{"action": "contact.registered", "from": before})
    until = trail(tenant, action="contact.registered", to=before)
    assert (len(since), len(until)) == (5, 1)
    assert trail(tenant, actor_id=str(uuid.uuid4())) == []
    refused = problem(tenant.get("/v1/audit", action="contact.flown"), 400, "query.invalid")
    assert refused["errors"][0]["parameter"] == "action"
    assert "contact.registered" in refused["errors"][0]["message"]

    cursor = tenant.get("/v1/audit", limit=1).json()["next_cursor"]
    for path, parameters in (("/v1/audit", {"action": "contact.changed"}), ("/v1/security-events", {})):
        problem(tenant.get(path, **parameters, cursor=cursor), 400, "cursor.invalid")
    problem(installation.tenant().get("/v1/audit", cursor=cursor), 400, "cursor.invalid")
    for wrong in ({"from": "yesterday"}, {"actor_id": "x"}, {"limit": 0}, {"page": 2}):
        problem(tenant.get("/v1/audit", **wrong), 400, "query.invalid")


def test_who_may_look_and_at_what(installation: Installation, tenant: Tenant) -> None:
    made = tenant.add()
    for path in ("/v1/audit", "/v1/security-events"):
        seller = person(installation, tenant, ["sales"])
        assert problem(seller.http.get(path), 403, "permission.missing")["permission"] == "audit.read"
        assert person(installation, tenant, ["manager"]).http.get(path).status_code == 200
    stranger = installation.tenant()
    for target in (made["id"], tenant.user_id, tenant.id):
        assert trail(stranger, target_id=target) == trail(stranger, actor_id=target) == []
    assert {entry["actor"]["id"] for entry in trail(stranger)} == {stranger.user_id}


def fail_to_sign_in(who: Person) -> None:
    problem(
        who.http.post("/v1/auth/login", json={"email": who.email, "password": "wrong"}), 401, "auth.invalid_credentials"
    )


def security_events(tenant: Tenant, at_least: int, **filters: Any) -> list[dict[str, Any]]:
    """Failures are noted off the way of the answer, so they are waited for."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [event for page in tenant.pages("/v1/security-events", **filters) for event in page]
        if len(found) >= at_least or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_security_events_are_told_with_kind_severity_and_whom_they_are_about(
    installation: Installation, tenant: Tenant
) -> None:
    ada = person(installation, tenant)
    fail_to_sign_in(ada)
    fail_to_sign_in(ada)

    found = security_events(tenant, 2)

    assert len(found) == 2
    for event in found:
        assert (event["kind"], event["severity"], event["actor"]) == ("sign_in_failed", "low", None)
        assert (event["address"], event["user"]) == ("127.0.0.1", {"id": ada.id, "name": "Ada Byron"})
        assert event["detail"]
    assert [event["position"] for event in found] == sorted((event["position"] for event in found), reverse=True)
    assert len(security_events(tenant, 1, **{"from": found[0]["at"]})) == 1
    assert security_events(tenant, 0, kind="refresh_reused") == []
    problem(tenant.get("/v1/security-events", kind="boredom"), 400, "query.invalid")
    assert security_events(installation.tenant(), 0) == []
