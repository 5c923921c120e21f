"""R5.1, R5.2, R5.5: many leads at once, with what has happened to them already."""

from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def send(tenant: Tenant, *items: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    answer = tenant.http.post("/v1/leads/batch", json={"items": list(items), **members})
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def won(title: str, **members: Any) -> dict[str, Any]:
    """A lead that was converted long ago."""
    steps = [("qualify", "2025-01-02"), ("convert", "2025-01-05")]
    moves = [{"act": act, "occurred_at": f"{day}T00:00:00Z"} for act, day in steps]
    return {"title": title, "occurred_at": "2025-01-01T00:00:00Z", "moves": moves, **members}


def test_leads_of_one_company_become_one_customer_in_one_batch_and_in_the_next(tenant: Tenant) -> None:
    results = send(tenant, *(won(f"Engine {n}", company="Observatory") for n in range(3)))
    results += send(tenant, won("Engine 3", company="OBSERVATORY"))
    assert [each["status"] for each in results] == [201] * 4
    (customer,) = tenant.get("/v1/customers").json()["data"]
    assert sorted(customer["lead_ids"]) == sorted(each["id"] for each in results)
    assert (customer["name"], customer["since"]) == ("Observatory", "2025-01-05T00:00:00Z")
    lead = tenant.get(f"/v1/leads/{results[0]['id']}").json()
    assert (lead["status"], lead["status_since"]) == ("converted", "2025-01-05T00:00:00Z")
    seconds = {each["status"]: each["seconds"]["median"] for each in tenant.get("/v1/pipeline").json()["statuses"]}
    assert (seconds["new"], seconds["qualified"]) == (86400, 3 * 86400)


def test_an_item_that_is_refused_leaves_the_others_alone(installation: Installation, tenant: Tenant) -> None:
    seller = person(installation, tenant, ["sales"])
    bad = {"title": "Bad", "moves": [{"act": "convert"}]}
    results = send(tenant, {"title": "Good"}, bad, {"title": " "})
    assert [each["status"] for each in results] == [201, 409, 422]
    assert results[1]["error"]["allowed"] == ["qualify", "nurture", "lose"]
    assert results[2]["error"]["errors"][0]["pointer"] == "/items/2/title"
    answer = seller.http.post("/v1/leads/batch", json={"items": [won("Old"), {"title": "Now"}]})
    assert [each["status"] for each in answer.json()["results"]] == [403, 201]


def test_items_change_the_leads_that_their_external_ids_find_and_add_the_others(
    installation: Installation, tenant: Tenant
) -> None:
    (first,) = send(tenant, won("Old", external_ids={"crm": "1"}), match="external_id")
    again = won("New", external_ids={"crm": "1"}, source="web", contact={"name": "Ada"})
    other = {"title": "Other", "external_ids": {"crm": "2"}}
    results = send(tenant, again, other, {**other, "title": "Other once more"}, {"title": "x"}, match="external_id")
    assert [each["status"] for each in results] == [200, 201, 200, 422]
    assert (results[0]["id"], results[1]["id"]) == (first["id"], results[2]["id"])
    lead = tenant.get(f"/v1/leads/{first['id']}").json()
    assert (lead["title"], lead["source"], lead["status"], lead["contact_id"]) == ("New", "web", "converted", None)
    assert tenant.get(f"/v1/leads/{results[1]['id']}").json()["title"] == "Other once more"
    both = {"title": "x", "external_ids": {"crm": "1", "erp": "7"}}
    send(tenant, {"title": "Third", "external_ids": {"erp": "7"}})
    (refused,) = send(tenant, both, match="external_id")
    assert (refused["status"], refused["error"]["code"]) == (409, "lead.ambiguous")

    seller = person(installation, tenant, ["sales"])
    body = {"items": [{"title": "x", "external_ids": {"crm": "1"}}], "match": "external_id"}
    (unseen,) = seller.http.post("/v1/leads/batch", json=body).json()["results"]
    assert (unseen["status"], unseen["error"]["code"]) == (409, "lead.external_ids_taken")
