"""R5.1, R3.1, R3.4, R2.6, B1: custom fields of leads, by themselves and in batches, and beside those of contacts."""

from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person
from tests.acceptance.test_custom_fields import fields, put
from tests.acceptance.test_leads import added

pytestmark = pytest.mark.servers


def define(tenant: Tenant, key: str, kind: str = "text", of: str = "lead", **members: Any) -> None:
    answer = put(tenant, key, kind, of=of, **members)
    assert answer.is_success, answer.text


def change(tenant: Tenant, lead: dict[str, Any], custom: Any) -> dict[str, Any]:
    answer = tenant.http.patch(f"/v1/leads/{lead['id']}", json={"custom": custom})
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    found: dict[str, Any] = answer.json()
    return found


def test_a_lead_has_values_of_its_own_fields_and_a_contact_that_comes_with_it_of_its(tenant: Tenant) -> None:
    define(tenant, "region", "choice", choices=["North", "South"])
    define(tenant, "seats", "number", required=True)
    define(tenant, "segment", of="contact", required=True)
    bare = tenant.http.post("/v1/leads", json={"title": "x", "contact": {"name": "Ada"}, "custom": {"region": "up"}})
    assert bad_fields(bare) == {
        "/custom/region": "value.not_allowed",
        "/custom/seats": "field.required",
        "/contact/custom/segment": "field.required",
    }

    lead = added(
        tenant,
        contact={"name": "Ada", "custom": {"segment": "A"}},
        custom={"region": "north", "seats": 5},
    )
    assert lead["custom"] == {"region": "North", "seats": 5}
    assert tenant.get(f"/v1/contacts/{lead['contact_id']}").json()["custom"] == {"segment": "A"}
    assert tenant.get(f"/v1/leads/{lead['id']}").json() == lead == tenant.get("/v1/leads").json()["data"][0]
    changed = change(tenant, lead, {"region": None})
    assert changed["custom"] == {"seats": 5}
    assert tenant.get(f"/v1/leads/{lead['id']}", as_of=lead["updated_at"]).json()["custom"] == lead["custom"]
    newest = tenant.get(f"/v1/leads/{lead['id']}/history").json()["data"][0]
    assert newest["changes"] == [{"field": "custom.region", "old": "North", "new": None}]
    refused = tenant.http.patch(f"/v1/leads/{lead['id']}", json={"custom": {"seats": None, "other": 1}})
    assert bad_fields(refused) == {"/custom/seats": "field.required", "/custom/other": "custom_field.unknown"}
    profile = tenant.get(f"/v1/contacts/{lead['contact_id']}/profile").json()
    assert profile["leads"][0]["custom"] == {"seats": 5}


def test_unique_values_are_one_leads_until_they_are_given_up_also_in_batches(tenant: Tenant) -> None:
    define(tenant, "offer", unique=True)
    first = added(tenant, custom={"offer": "A-1"})
    problem(tenant.http.post("/v1/leads", json={"title": "x", "custom": {"offer": "a-1"}}), 409, "lead.custom_taken")
    items = [{"title": "Two", "custom": {"offer": "A-2"}}, {"title": "Again", "custom": {"offer": "a-2"}}]
    answer = tenant.http.post("/v1/leads/batch", json={"items": items}).json()["results"]
    assert [each["status"] for each in answer] == [201, 409]
    assert answer[1]["error"]["errors"][0]["pointer"] == "/items/1/custom/offer"
    change(tenant, first, {"offer": "A-3"})
    added(tenant, custom={"offer": "A-1"})
    tenant.http.delete(f"/v1/leads/{first['id']}")
    added(tenant, custom={"offer": "A-3"})


def test_a_definition_changes_only_where_the_values_of_leads_fit(installation: Installation, tenant: Tenant) -> None:
    define(tenant, "since")
    lead = added(tenant, custom={"since": "long ago"})
    refused = problem(put(tenant, "since", "date", of="lead"), 409, "custom_field.values_unfit")
    assert (refused["count"], refused["ids"]) == (1, [lead["id"]])
    role = {"name": "Definers", "permissions": ["settings.manage", "contacts.read:all", "leads.read:own"]}
    other = person(installation, tenant, [tenant.http.post("/v1/roles", json=role).json()["key"]])
    body = {"label": "Since", "type": "date"}
    unseen = problem(other.http.put("/v1/custom-fields/lead/since", json=body), 409, "custom_field.values_unfit")
    assert (unseen["count"], unseen["ids"]) == (1, [])
    change(tenant, lead, {"since": "2026-01-05"})
    define(tenant, "since", "date")
    assert fields(tenant, "lead")["since"]["type"] == "date"
    added(tenant, custom={"since": "2026-01-05"})
    problem(put(tenant, "since", "date", of="lead", unique=True), 409, "custom_field.not_unique")


def test_what_is_not_ones_to_see_is_absent_and_not_required(installation: Installation, tenant: Tenant) -> None:
    define(tenant, "margin", "number", required=True)
    rule = {"resource": "leads", "field": "custom.margin", "access": "hidden"}
    role = {"name": "Sellers", "permissions": ["leads.read:all", "leads.write:all"], "field_rules": [rule]}
    seller = person(installation, tenant, [tenant.http.post("/v1/roles", json=role).json()["key"]])
    lead = added(tenant, custom={"margin": 3})
    headers = {"Read-After": str(tenant.position)}
    assert seller.http.get(f"/v1/leads/{lead['id']}", headers=headers).json()["custom"] == {}
    assert seller.http.post("/v1/leads", json={"title": "Mill"}).json()["custom"] == {}
    refused = seller.http.patch(f"/v1/leads/{lead['id']}", json={"custom": {"margin": 1}})
    assert bad_fields(refused) == {"/custom/margin": "field.not_writable"}
