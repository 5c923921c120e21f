"""R5.3: leads with which nothing happens, over HTTP, flagged by the worker that runs beside."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

LONG_AGO = "2026-01-01T00:00:00Z"


def add(tenant: Tenant, **members: Any) -> dict[str, Any]:
    answer = tenant.http.post("/v1/leads", json={"title": "Engine", **members})
    assert answer.status_code == 201, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    made: dict[str, Any] = answer.json()
    return made


def sweep_now(installation: Installation, tenant: Tenant) -> None:
    """As if the last sweep were a minute ago."""
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        connection.execute("UPDATE store.sweep SET swept_at = '-infinity' WHERE tenant_id = %s", (tenant.id,))


def until(holds: Callable[[], Any], meanwhile: Callable[[], None] = lambda: None) -> None:
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < PATIENCE
        meanwhile()
        time.sleep(0.1)


def ids(tenant: Tenant, path: str = "/v1/follow-ups", **query: Any) -> list[str]:
    return [lead["id"] for lead in tenant.http.get(path, params=query).json()["data"]]


def test_quiet_leads_are_flagged_and_an_interaction_takes_the_flag_off(
    installation: Installation, tenant: Tenant
) -> None:
    ada = tenant.add({"name": "Ada Lovelace"})
    quiet = add(tenant, occurred_at=LONG_AGO, contact_id=ada["id"])
    older = add(tenant, occurred_at="2025-01-01T00:00:00Z")
    add(tenant, occurred_at=LONG_AGO, moves=[{"act": "lose", "occurred_at": LONG_AGO, "reason": "price"}])
    add(tenant)
    until(lambda: ids(tenant) == [older["id"], quiet["id"]], meanwhile=partial(sweep_now, installation, tenant))
    pages = [lead["id"] for page in tenant.pages("/v1/follow-ups", limit=1) for lead in page]
    assert pages == [older["id"], quiet["id"]]
    assert sorted(ids(tenant, "/v1/leads", flag="inactive")) == sorted(pages)
    flagged = tenant.http.get(f"/v1/leads/{quiet['id']}").json()
    assert (flagged["flags"], flagged["last_activity_at"], flagged["version"]) == (["inactive"], LONG_AGO, 2)
    entries = tenant.http.get(f"/v1/leads/{quiet['id']}/history").json()["data"]
    assert entries[0]["actor"]["kind"] == "system"
    moment = entries[0]["at"]

    assert tenant.http.post(f"/v1/leads/{older['id']}/qualify", json={}).json()["flags"] == []
    call = {"type": "call", "contact_id": ada["id"], "occurred_at": LONG_AGO}
    assert tenant.http.post("/v1/interactions", json=call).status_code == 201
    told = tenant.http.post("/v1/interactions", json=call | {"occurred_at": quiet["created_at"]})
    assert told.status_code == 201
    until(lambda: ids(tenant) == [])
    active = tenant.http.get(f"/v1/leads/{quiet['id']}").json()
    assert (active["flags"], active["last_activity_at"]) == ([], quiet["created_at"])
    then = ids(tenant, "/v1/leads", flag="inactive", as_of=moment)
    assert quiet["id"] in then
    assert ids(tenant, as_of=moment) == [lead_id for lead_id in (older["id"], quiet["id"]) if lead_id in then]
    assert ids(tenant, as_of=quiet["created_at"]) == []


def test_follow_ups_are_those_that_the_caller_may_read(installation: Installation, tenant: Tenant) -> None:
    seller = person(installation, tenant, ["sales"])
    own, other = add(tenant, occurred_at=LONG_AGO, owner_id=seller.id), add(tenant, occurred_at=LONG_AGO)
    until(
        lambda: sorted(ids(tenant)) == sorted([own["id"], other["id"]]),
        meanwhile=partial(sweep_now, installation, tenant),
    )
    assert ids(tenant, owner_id=seller.id) == [own["id"]]
    found = seller.http.get("/v1/follow-ups").json()["data"]
    assert [lead["id"] for lead in found] == [own["id"]]
    nobody = person(installation, tenant, ["marketing"])
    rules = [{"resource": "leads", "field": "owner_id", "access": "hidden"}]
    role = {"name": "Interns", "permissions": ["leads.read:all"], "field_rules": rules}
    intern = person(installation, tenant, [tenant.http.post("/v1/roles", json=role).json()["key"]])
    assert len(nobody.http.get("/v1/follow-ups").json()["data"]) == 2
    problem(intern.http.get("/v1/follow-ups", params={"owner_id": seller.id}), 400, "query.invalid")


def test_follow_ups_show_the_custom_fields_of_leads_those_of_then_with_then(
    installation: Installation, tenant: Tenant
) -> None:
    field = "/v1/custom-fields/lead/area"
    assert tenant.http.put(field, json={"label": "Area", "type": "text"}).status_code == 201
    lead = add(tenant, occurred_at=LONG_AGO, custom={"area": "north"})
    until(lambda: ids(tenant) == [lead["id"]], meanwhile=partial(sweep_now, installation, tenant))
    (shown,) = tenant.http.get("/v1/follow-ups").json()["data"]
    assert shown["custom"] == {"area": "north"}
    assert tenant.http.delete(field).status_code == 204
    assert tenant.http.get("/v1/follow-ups").json()["data"] == [shown | {"custom": {}}]
    flagged = tenant.http.get(f"/v1/leads/{lead['id']}/history").json()["data"][0]
    then = {"as_of": flagged["at"]}
    assert tenant.http.get("/v1/follow-ups", params=then).json()["data"] == [shown]


def test_how_many_days_it_takes_is_the_tenants_to_say(installation: Installation, tenant: Tenant) -> None:
    assert tenant.http.patch("/v1/settings", json={"inactivity_days": 3650}).status_code == 200
    lead = add(tenant, occurred_at=LONG_AGO)
    assert tenant.http.patch("/v1/settings", json={"inactivity_days": 14}).status_code == 200
    until(lambda: ids(tenant) == [lead["id"]], meanwhile=partial(sweep_now, installation, tenant))
