"""R5.1, R5.2, R5.5, R2.6, B1, B8: leads over HTTP, from the first word to the customer and back."""

from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

OLD = "2025-03-01T10:00:00Z"


def added(tenant: Tenant, **members: Any) -> dict[str, Any]:
    """A lead that must be accepted."""
    answer = tenant.http.post("/v1/leads", json={"title": "Engine", **members})
    assert answer.status_code == 201, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    made: dict[str, Any] = answer.json()
    return made


def moved(tenant: Tenant, lead: dict[str, Any], act: str, **members: Any) -> dict[str, Any]:
    """A move that must be accepted."""
    answer = tenant.http.post(f"/v1/leads/{lead['id']}/{act}", json=members)
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    found: dict[str, Any] = answer.json()
    return found


def test_a_lead_goes_all_the_way_and_each_answer_is_what_is_read(tenant: Tenant) -> None:
    lead = added(tenant, contact={"name": "Mary Somerville"}, value={"amount": "12.5", "currency": "EUR"}, source="web")
    assert (lead["status"], lead["value"], lead["score"]) == ("new", {"amount": "12.50", "currency": "EUR"}, 0)
    assert tenant.get(f"/v1/contacts/{lead['contact_id']}").json()["name"]["display"] == "Mary Somerville"

    for act, status in (("qualify", "qualified"), ("nurture", "nurturing"), ("convert", "converted")):
        lead = moved(tenant, lead, act, reason="so")
        assert lead["status"] == status
        assert tenant.get(f"/v1/leads/{lead['id']}").json() == lead
    customer = tenant.get(f"/v1/customers/{lead['customer_id']}").json()
    assert (customer["lead_ids"], customer["name"]) == ([lead["id"]], "Mary Somerville")
    assert customer["contact_id"] == lead["contact_id"]
    assert tenant.get("/v1/customers").json()["data"] == [customer]
    actions = [entry["action"] for entry in tenant.get(f"/v1/leads/{lead['id']}/history").json()["data"]]
    assert actions == ["lead.converted", "lead.nurtured", "lead.qualified", "lead.registered"]


def test_converting_twice_and_undoing_leave_no_trace(tenant: Tenant) -> None:
    lead = moved(tenant, added(tenant, company="Observatory"), "qualify")
    once = moved(tenant, lead, "convert")
    position = tenant.position
    assert moved(tenant, lead, "convert") == once
    assert tenant.position == position

    undone = moved(tenant, lead, "undo-convert", reason="another one")
    assert (undone["status"], undone["customer_id"]) == ("qualified", None)
    problem(tenant.get(f"/v1/customers/{once['customer_id']}"), 410, "customer.deleted")
    assert tenant.get("/v1/customers").json()["data"] == []
    assert moved(tenant, lead, "convert")["customer_id"] == once["customer_id"]
    assert tenant.get(f"/v1/customers/{once['customer_id']}").json()["name"] == "Observatory"


def test_leads_of_one_company_are_one_customer(tenant: Tenant) -> None:
    leads = [moved(tenant, added(tenant, company="Observatory"), "qualify") for _ in range(2)]
    customers = {moved(tenant, lead, "convert")["customer_id"] for lead in leads}
    (only,) = tenant.get("/v1/customers").json()["data"]
    assert customers == {only["id"]}
    assert only["lead_ids"] == [lead["id"] for lead in leads]


def test_customers_as_of_a_moment_are_what_they_were(installation: Installation, tenant: Tenant) -> None:
    leads = [moved(tenant, added(tenant, company="Observatory"), "qualify") for _ in range(2)]
    once = moved(tenant, leads[0], "convert")
    twice = moved(tenant, leads[1], "convert")
    path = f"/v1/customers/{once['customer_id']}"
    tenant.http.patch(f"/v1/companies/{once['company_id']}", json={"name": "Greenwich"})
    moved(tenant, leads[0], "undo-convert")
    undone = moved(tenant, leads[1], "undo-convert")

    problem(tenant.get(path), 410, "customer.deleted")
    first = tenant.get(path, as_of=once["updated_at"]).json()
    assert (first["name"], first["lead_ids"], first["version"]) == ("Observatory", [once["id"]], 1)
    second = tenant.get(path, as_of=twice["updated_at"]).json()
    assert second["lead_ids"] == [once["id"], twice["id"]]
    assert tenant.get("/v1/customers", as_of=twice["updated_at"]).json()["data"] == [second]
    problem(tenant.get(path, as_of=leads[1]["updated_at"]), 404, "customer.not_found")
    problem(tenant.get(path, as_of=undone["updated_at"]), 410, "customer.deleted")
    assert tenant.get("/v1/customers", as_of=leads[1]["updated_at"]).json()["data"] == []
    seller = person(installation, tenant, ["sales"])
    headers = {"Read-After": str(tenant.position)}
    unseen = seller.http.get(path, params={"as_of": twice["updated_at"]}, headers=headers)
    problem(unseen, 404, "customer.not_found")


def test_what_is_not_in_the_table_is_refused_with_what_is(tenant: Tenant) -> None:
    lead = added(tenant)
    refused = problem(tenant.http.post(f"/v1/leads/{lead['id']}/convert", json={}), 409, "lead.move_not_allowed")
    assert refused["allowed"] == ["qualify", "nurture", "lose"]
    assert bad_fields(tenant.http.post(f"/v1/leads/{lead['id']}/lose", json={})) == {"/reason": "field.required"}
    lost = moved(tenant, lead, "lose", reason="price")
    assert lost["lost_reason"] == "price"
    assert moved(tenant, lead, "lose", reason="other") == lost


def test_the_past_takes_a_permission_and_the_log_keeps_when_it_was_told(
    installation: Installation, tenant: Tenant
) -> None:
    body = {"title": "Old", "occurred_at": OLD, "moves": [{"act": "qualify", "occurred_at": "2025-03-03T10:00:00Z"}]}
    seller = person(installation, tenant, ["sales"])
    refused = problem(seller.http.post("/v1/leads", json=body), 403, "permission.missing")
    assert refused["permission"] == "history.backdate"

    lead = added(tenant, **body)
    assert (lead["occurred_at"], lead["status_since"]) == (OLD, "2025-03-03T10:00:00Z")
    assert lead["created_at"] > "2026"
    assert tenant.get(f"/v1/leads/{lead['id']}").json() == lead
    early = tenant.http.post(f"/v1/leads/{lead['id']}/nurture", json={"occurred_at": OLD})
    assert bad_fields(early) == {"/occurred_at": "time.before_last_move"}
    assert moved(tenant, lead, "nurture", occurred_at="2025-03-04T10:00:00Z")["status_since"] == "2025-03-04T10:00:00Z"
    newest = tenant.get(f"/v1/leads/{lead['id']}/history").json()["data"][0]
    assert newest["at"] > "2026"


def test_two_open_leads_of_one_contact_are_flagged_until_one_is_closed(tenant: Tenant) -> None:
    first = added(tenant, contact={"name": "Ada", "external_ids": {"erp": "7"}})
    second = added(tenant, contact={"name": "Ada again", "external_ids": {"erp": "7"}})
    assert second["contact_id"] == first["contact_id"]
    assert (first["flags"], second["flags"]) == ([], ["duplicate"])
    assert ids(tenant.get("/v1/leads", flag="duplicate")) == [first["id"], second["id"]]
    moved(tenant, second, "lose", reason="the same")
    assert ids(tenant.get("/v1/leads", flag="duplicate")) == []


def test_lists_are_filtered_sorted_and_paged(tenant: Tenant) -> None:
    made = [added(tenant, source="web" if n % 2 else "fair") for n in range(5)]
    moved(tenant, made[1], "qualify")
    assert ids(tenant.get("/v1/leads", source="web")) == [made[1]["id"], made[3]["id"]]
    assert ids(tenant.get("/v1/leads", status="qualified")) == [made[1]["id"]]
    assert ids(tenant.get("/v1/leads", min_score=1)) == []
    for sort, last in (("-created_at", 0), ("status_since", 1), ("-score", None)):
        pages = list(tenant.pages("/v1/leads", sort=sort, limit=2))
        found = [lead["id"] for page in pages for lead in page]
        assert sorted(found) == sorted(lead["id"] for lead in made)
        assert last is None or found[-1] == made[last]["id"]


def test_a_lead_as_of_a_moment_is_what_it_was(tenant: Tenant) -> None:
    lead = added(tenant)
    was = lead["updated_at"]
    moved(tenant, lead, "qualify")
    then = tenant.get(f"/v1/leads/{lead['id']}", as_of=was)
    assert then.json() == lead
    assert ids(tenant.get("/v1/leads", as_of=was, status="new")) == [lead["id"]]
    assert ids(tenant.get("/v1/leads", status="new")) == []


def test_a_changed_and_a_deleted_lead(tenant: Tenant) -> None:
    lead = added(tenant, external_ids={"erp": "1"})
    stale = tenant.http.patch(f"/v1/leads/{lead['id']}", json={"source": "x"}, headers={"If-Match": '"9"'})
    problem(stale, 412, "precondition.version")
    taken = problem(
        tenant.http.post("/v1/leads", json={"title": "Other", "external_ids": {"erp": "1"}}),
        *(409, "lead.external_ids_taken"),
    )
    assert taken["errors"][0]["pointer"] == "/external_ids/erp"
    dry = tenant.http.delete(f"/v1/leads/{lead['id']}", params={"dry_run": "true"})
    assert dry.json()["events"] == [{"type": "lead.deleted.v1", "data": {}}]
    deleted = tenant.http.delete(f"/v1/leads/{lead['id']}")
    assert deleted.status_code == 204
    tenant.position = int(deleted.headers["Event-Position"])
    problem(tenant.get(f"/v1/leads/{lead['id']}"), 410, "lead.deleted")
    assert ids(tenant.get("/v1/leads")) == []
    added(tenant, external_ids={"erp": "1"})


def test_a_seller_sees_and_moves_the_teams_leads_only(installation: Installation, tenant: Tenant) -> None:
    seller, colleague = (person(installation, tenant, ["sales"]) for _ in range(2))
    theirs, mine = added(tenant), seller.http.post("/v1/leads", json={"title": "Mine"}).json()
    problem(seller.http.get(f"/v1/leads/{theirs['id']}"), 404, "lead.not_found")
    problem(seller.http.post(f"/v1/leads/{theirs['id']}/qualify", json={}), 404, "lead.not_found")
    assert ids(seller.http.get("/v1/leads", headers={"Read-After": "1"})) in ([], [mine["id"]])

    away = {"owner_id": colleague.id}
    refused = problem(seller.http.post(f"/v1/leads/{mine['id']}/assign", json=away), 403, "permission.missing")
    assert refused["permission"] == "leads.assign"
    team = tenant.http.post("/v1/teams", json={"name": "South"}).json()["id"]
    tenant.http.put(f"/v1/teams/{team}/members", json={"user_ids": [seller.id, colleague.id]})
    assert seller.http.post(f"/v1/leads/{mine['id']}/assign", json=away).json()["owner_id"] == colleague.id
    assert colleague.http.post(f"/v1/leads/{mine['id']}/qualify", json={}).status_code == 200


def test_a_field_that_is_hidden_is_nowhere(installation: Installation, tenant: Tenant) -> None:
    rules = [{"resource": "leads", "field": field, "access": "hidden"} for field in ("value", "source")]
    role = {"name": "Interns", "permissions": ["leads.read:all", "leads.write:all"], "field_rules": rules}
    key = tenant.http.post("/v1/roles", json=role).json()["key"]
    intern = person(installation, tenant, [key])
    lead = added(tenant, value={"amount": "1", "currency": "EUR"}, source="web")
    shown = intern.http.get(f"/v1/leads/{lead['id']}", headers={"Read-After": str(tenant.position)}).json()
    assert {"value", "source"}.isdisjoint(shown)
    history = intern.http.get(f"/v1/leads/{lead['id']}/history").json()["data"][0]["changes"]
    assert not [change for change in history if change["field"].partition(".")[0] in {"value", "source"}]
    problem(intern.http.get("/v1/leads", params={"source": "web"}), 400, "query.invalid")
    refused = bad_fields(intern.http.patch(f"/v1/leads/{lead['id']}", json={"source": "x"}))
    assert refused == {"/source": "field.not_writable"}


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [lead["id"] for lead in answer.json()["data"]]
