"""R4.2, R5.2, B1: what happened with a lead, on its own timeline and on those of its contact and company."""

from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import Person, person
from tests.acceptance.test_as_of import earlier
from tests.acceptance.test_interactions import log
from tests.acceptance.test_leads import added, moved
from tests.acceptance.test_merge import merge, unmerge

pytestmark = pytest.mark.servers


def told(tenant: Tenant, path: str, by: Person | None = None, **query: str) -> list[tuple[str, str]]:
    """Kind and title of the entries of a timeline, newest first."""
    headers = {"Read-After": str(tenant.position)}
    answer = (by or tenant).http.get(f"/v1/{path}/timeline", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return [(entry["kind"], entry["title"]) for entry in answer.json()["data"]]


def test_moves_and_interactions_are_told_in_the_order_in_which_they_happened(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    lead = added(tenant, contact_id=ada["id"], company="Engines", occurred_at="2026-01-01T00:00:00Z")
    moved(tenant, lead, "qualify", occurred_at="2026-01-03T00:00:00Z")
    log(tenant, type="call", lead_id=lead["id"], occurred_at="2026-01-02T00:00:00Z", subject="Price")
    moved(tenant, lead, "convert", occurred_at="2026-01-04T00:00:00Z")
    seller = tenant.user_id
    tenant.http.post(f"/v1/leads/{lead['id']}/assign", json={"owner_id": None})
    tenant.position += 1
    path = f"leads/{lead['id']}"

    moves = [("lead_moved", "Lead converted"), ("lead_moved", "Lead qualified")]
    assert told(tenant, path) == [
        ("lead_assigned", "Lead given to another owner"),
        moves[0],
        moves[1],
        ("interaction", "Price"),
        ("lead_created", "Lead added"),
    ]
    assert told(tenant, path, outcome="converted", author_id=seller) == moves[:1]
    assert told(tenant, path, to="2026-01-03T00:00:00Z", order="asc") == [
        ("lead_created", "Lead added"),
        ("interaction", "Price"),
    ]
    assert [entry for page in tenant.pages(f"/v1/{path}/timeline", limit=2) for entry in page] == (
        tenant.get(f"/v1/{path}/timeline").json()["data"]
    )
    assert told(tenant, path, as_of=lead["created_at"]) == [("lead_created", "Lead added")]
    for record in (f"contacts/{ada['id']}", f"companies/{lead['company_id']}"):
        assert [each for each in told(tenant, record) if each[0].startswith("lead_")] == [
            *moves,
            ("lead_created", "Lead added"),
        ]
    entry = tenant.get(f"/v1/contacts/{ada['id']}/timeline", outcome="qualified").json()["data"][0]
    assert entry["refs"] == {"lead_id": lead["id"], "contact_id": ada["id"], "company_id": lead["company_id"]}
    assert (entry["outcome"], entry["author"]["id"]) == ("qualified", seller)

    tenant.http.delete(f"/v1/leads/{lead['id']}")
    tenant.position += 2
    problem(tenant.get(f"/v1/{path}/timeline"), 410, "lead.deleted")
    assert ("lead_deleted", "Lead deleted") in told(tenant, f"contacts/{ada['id']}")


def test_who_may_not_read_a_lead_is_not_told_of_it_on_other_timelines(
    installation: Installation, tenant: Tenant
) -> None:
    seller = person(installation, tenant, ["sales"])
    ada = tenant.add({"name": "Ada"})
    mine = added(tenant, contact_id=ada["id"], owner_id=seller.id)
    others = moved(tenant, added(tenant, contact_id=ada["id"]), "qualify")
    contact = f"contacts/{ada['id']}"
    kinds = [kind for kind, _ in told(tenant, contact, seller)]
    assert sorted(kinds) == ["created", "lead_created"]
    assert told(tenant, f"leads/{mine['id']}", seller) == [("lead_created", "Lead added")]
    problem(seller.http.get(f"/v1/leads/{others['id']}/timeline"), 404, "lead.not_found")

    rule = {"resource": "leads", "field": "contact", "access": "hidden"}
    role = {"name": "Blind", "permissions": ["leads.read:all", "contacts.read:all"], "field_rules": [rule]}
    blind = person(installation, tenant, [tenant.http.post("/v1/roles", json=role).json()["key"]])
    assert [kind for kind, _ in told(tenant, contact, blind)] == ["created"]
    answer = blind.http.get(f"/v1/leads/{mine['id']}/timeline", headers={"Read-After": str(tenant.position)})
    assert [entry["refs"] for entry in answer.json()["data"]] == [{"lead_id": mine["id"]}]


def test_leads_are_on_the_timeline_of_the_contact_that_theirs_was_merged_into(tenant: Tenant) -> None:
    ada, twin = (tenant.add({"name": name}) for name in ("Ada", "Twin"))
    moved(tenant, added(tenant, contact_id=twin["id"]), "qualify")
    made: dict[str, Any] = merge(tenant, ada, twin)
    leads = [("lead_moved", "Lead qualified"), ("lead_created", "Lead added")]
    path = f"contacts/{ada['id']}"
    assert [each for each in told(tenant, path) if each[0].startswith("lead_")] == leads
    assert told(tenant, path, as_of=earlier(made["updated_at"])) == [("created", "Contact added")]
    unmerge(tenant, ada, twin)
    assert [each for each in told(tenant, path) if each[0].startswith("lead_")] == []
