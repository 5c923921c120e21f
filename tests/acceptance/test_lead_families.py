"""R3.5, R5.5, B1, B2: leads and customers of contacts that are merged, and taken apart again."""

from typing import Any

import pytest

from tests.acceptance.installation import Tenant
from tests.acceptance.test_as_of import earlier
from tests.acceptance.test_leads import added, ids, moved
from tests.acceptance.test_merge import merge, unmerge

pytestmark = pytest.mark.servers


def won(tenant: Tenant, contact: Any) -> dict[str, Any]:
    return moved(tenant, moved(tenant, added(tenant, contact_id=contact["id"]), "qualify"), "convert")


def customers(tenant: Tenant) -> dict[str, str]:
    """Names by id."""
    return {each["id"]: each["name"] for each in tenant.get("/v1/customers").json()["data"]}


def standing(tenant: Tenant) -> list[int]:
    return [each["count"] for each in tenant.get("/v1/pipeline").json()["statuses"]]


def test_leads_are_found_under_the_contact_that_theirs_was_merged_into(tenant: Tenant) -> None:
    ada, twin = (tenant.add({"name": name}) for name in ("Ada", "Twin"))
    lead, other = added(tenant, contact_id=ada["id"]), added(tenant, contact_id=twin["id"])
    figures = standing(tenant)
    assert ids(tenant.get("/v1/leads", flag="duplicate")) == []

    made = merge(tenant, ada, twin)

    assert ids(tenant.get("/v1/leads", contact_id=ada["id"])) == [lead["id"], other["id"]]
    assert ids(tenant.get("/v1/leads", contact_id=ada["id"], as_of=earlier(made["updated_at"]))) == [lead["id"]]
    assert ids(tenant.get("/v1/leads", flag="duplicate")) == [lead["id"], other["id"]]
    assert ids(tenant.get("/v1/leads", flag="duplicate", as_of=earlier(made["updated_at"]))) == []
    path = f"/v1/leads/{lead['id']}"
    assert tenant.get(path, as_of=made["updated_at"]).json() == tenant.get(path).json()
    assert tenant.get(path, as_of=made["updated_at"]).json()["flags"] == ["duplicate"]
    assert tenant.get(path, as_of=earlier(made["updated_at"])).json()["flags"] == []
    profile = tenant.get(f"/v1/contacts/{ada['id']}/profile").json()
    assert [(each["id"], each["flags"]) for each in profile["leads"]] == [
        (lead["id"], ["duplicate"]),
        (other["id"], ["duplicate"]),
    ]
    assert moved(tenant, other, "qualify")["flags"] == ["duplicate"]
    assert standing(tenant) == [figures[0] - 1, figures[1] + 1, *figures[2:]]

    unmerge(tenant, ada, twin)

    assert ids(tenant.get("/v1/leads", contact_id=ada["id"])) == [lead["id"]]
    assert ids(tenant.get("/v1/leads", contact_id=twin["id"])) == [other["id"]]
    assert ids(tenant.get("/v1/leads", flag="duplicate")) == []


def test_two_customers_stay_two_under_one_name_and_new_ones_come_to_the_survivors(tenant: Tenant) -> None:
    ada, twin = (tenant.add({"name": name}) for name in ("Ada", "Twin"))
    mine, others = won(tenant, ada), won(tenant, twin)
    late = moved(tenant, added(tenant, contact_id=twin["id"]), "qualify")
    assert customers(tenant) == {mine["customer_id"]: "Ada", others["customer_id"]: "Twin"}

    merged = merge(tenant, ada, twin)

    assert customers(tenant) == {mine["customer_id"]: "Ada", others["customer_id"]: "Ada"}
    assert moved(tenant, late, "convert")["customer_id"] == mine["customer_id"]
    assert tenant.get(f"/v1/contacts/{ada['id']}/profile").json()["customer"]["id"] == mine["customer_id"]

    unmerge(tenant, ada, twin)

    assert customers(tenant) == {mine["customer_id"]: "Ada", others["customer_id"]: "Twin"}
    then = {each["id"]: each["name"] for each in tenant.get("/v1/customers", as_of=merged["updated_at"]).json()["data"]}
    assert then == {mine["customer_id"]: "Ada", others["customer_id"]: "Ada"}
    assert moved(tenant, late, "undo-convert")["customer_id"] is None
    assert moved(tenant, late, "convert")["customer_id"] == others["customer_id"]
