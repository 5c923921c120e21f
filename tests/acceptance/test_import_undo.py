"""B2, R3.5: an import is taken back, field by field, and what somebody has changed since stays as it is."""

from typing import Any

import pytest

from tests.acceptance.importing import contacts, ended, errors, head, imported
from tests.acceptance.installation import Tenant

pytestmark = pytest.mark.servers


def taken_back(tenant: Tenant, import_id: str) -> dict[str, Any]:
    """Undo an import, to the end."""
    assert tenant.http.post(f"/v1/imports/{import_id}/undo").status_code == 202
    found = ended(tenant, import_id)
    assert found["status"] == "undone", found
    tenant.position = head(tenant)
    return found


def test_contacts_that_were_made_are_deleted_and_fields_that_were_written_are_as_before(tenant: Tenant) -> None:
    old = tenant.add(
        {"name": "Ada Lovelace", "email": "ada@x.example", "title": "Countess", "external_ids": {"erp": "7"}}
    )
    text = (
        "name,email,title,tags,company,external_ids.erp\n"
        "Ada King,ada@x.example,Analyst,new,Engines,\n"
        "Bob,bob@x.example,,,,8\n"
    )
    made = imported(tenant, text, policy="update")
    assert (made["counts"]["created"], made["counts"]["updated"]) == (1, 1)
    found = taken_back(tenant, made["id"])
    assert found["undone"] == {"deleted": 1, "restored": 1, "refused": 0, "companies": 1}
    (ada,) = contacts(tenant).values()
    same = {name: value for name, value in ada.items() if name not in {"version", "updated_at"}}
    assert same == {name: value for name, value in old.items() if name not in {"version", "updated_at"}}
    tenant.add({"name": "Carol", "external_ids": {"erp": "8"}})  # what the deleted one held is free again


def test_what_somebody_has_changed_since_stays_and_is_listed(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada Lovelace", "email": "ada@x.example", "title": "Countess"})
    text = "name,email,title\nAda King,ada@x.example,Analyst\nBob,bob@x.example,\nCarol,carol@x.example,\n"
    made = imported(tenant, text, policy="update")
    bob = contacts(tenant)["Bob"]
    tenant.http.patch(f"/v1/contacts/{ada['id']}", json={"title": "Lady"})
    tenant.http.patch(f"/v1/contacts/{bob['id']}", json={"title": "Builder"})
    found = taken_back(tenant, made["id"])
    assert found["undone"] == {"deleted": 1, "restored": 1, "refused": 2, "companies": 0}
    assert {name: each["title"] for name, each in contacts(tenant).items()} == {
        "Ada Lovelace": "Lady",
        "Bob": "Builder",
    }
    listed = errors(tenant, made["id"])
    assert {(each["column"], each["code"], each["value"]) for each in listed} == {
        ("title", "import.changed_since", ada["id"]),
        ("title", "import.changed_since", bob["id"]),
    }


def test_undoing_twice_changes_nothing_more(tenant: Tenant) -> None:
    made = imported(tenant, "name\nAda\n")
    first = taken_back(tenant, made["id"])
    again = tenant.http.post(f"/v1/imports/{made['id']}/undo")
    assert (again.status_code, again.json()["version"]) == (202, first["version"])


def test_an_import_of_many_portions_is_taken_back_whole(tenant: Tenant) -> None:
    rows = "".join(f"Person {n},u{n}@x.example\n" for n in range(1100))
    made = imported(tenant, "name,email\n" + rows)
    assert taken_back(tenant, made["id"])["undone"]["deleted"] == 1100
    assert contacts(tenant) == {}


def test_companies_that_it_made_go_unless_somebody_uses_or_has_changed_them(tenant: Tenant) -> None:
    there = tenant.add({"name": "Old", "company": "There"})["company"]["id"]
    names = ("There", "Gone", "Used", "Changed", "Parent", "Met")
    rows = "".join(f"{name} person,{name.lower()}@x.example,{name}\n" for name in names)
    made = imported(tenant, "name,email,company\n" + rows)
    companies = {each["name"]: each["id"] for each in tenant.get("/v1/companies").json()["data"]}
    tenant.add({"name": "Another's", "company": "Used"})
    tenant.http.patch(f"/v1/companies/{companies['Changed']}", json={"industry": "Steel"})
    tenant.http.post("/v1/companies", json={"name": "Child", "parent_id": companies["Parent"]})
    tenant.http.post("/v1/interactions", json={"type": "call", "company_id": companies["Met"]})

    found = taken_back(tenant, made["id"])

    assert found["undone"] == {"deleted": 6, "restored": 0, "refused": 4, "companies": 1}
    left = {each["name"] for each in tenant.get("/v1/companies").json()["data"]}
    assert left == {"There", "Used", "Changed", "Parent", "Child", "Met"}
    assert tenant.get(f"/v1/companies/{there}").status_code == 200
    assert {(each["column"], each["code"], each["value"]) for each in errors(tenant, made["id"])} == {
        ("company", "import.changed_since", companies["Changed"]),
        *(("company", "import.company_used", companies[name]) for name in ("Used", "Parent", "Met")),
    }
    again = tenant.add({"name": "Ada", "company": "Gone"})["company"]  # its name is free again
    assert again["id"] != companies["Gone"]
