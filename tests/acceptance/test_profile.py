"""R3.3, B1: a contact with all that belongs to it, in one call, and no more than the caller may see."""

from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


class Circle:
    """Ada with a company, a manager and a call with her."""

    def __init__(self, tenant: Tenant, **owners: str) -> None:
        self.tenant = tenant
        self.ada = tenant.add({"name": "Ada", "company": "Engines", "tags": ["vip"], "owner_id": owners.get("ada")})
        self.grace = tenant.add({"name": "Grace", "owner_id": owners.get("grace")})
        self.path = f"/v1/contacts/{self.ada['id']}"
        self.write("PUT", f"{self.path}/relationships/{self.grace['id']}", {"kind": "manager"})

    def write(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.tenant.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        self.tenant.position = int(answer.headers["Event-Position"])
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def call(self, subject: str) -> dict[str, Any]:
        body = {"type": "call", "contact_id": self.ada["id"], "occurred_at": "2026-01-05T09:10:00Z", "subject": subject}
        return self.write("POST", "/v1/interactions", body)


def test_everything_is_there_in_one_call(tenant: Tenant) -> None:
    circle = Circle(tenant)
    for number in range(20):
        circle.call(f"Call {number}")
    found = tenant.get(f"{circle.path}/profile").json()
    assert found["contact"] == tenant.get(circle.path).json() == circle.ada
    assert found["companies"] == [tenant.get(f"/v1/companies/{circle.ada['company']['id']}").json()]
    assert found["companies"][0]["name"] == "Engines"
    assert found["relationships"] == tenant.get(f"{circle.path}/relationships").json()["data"]
    assert [each["kind"] for each in found["relationships"]] == ["manager"]
    assert found["timeline"] == tenant.get(f"{circle.path}/timeline", limit=20).json()["data"]
    assert len(found["timeline"]) == 20
    assert (found["leads"], found["customer"], found["consents"]) == ([], None, [])


def test_it_can_be_read_as_it_was(tenant: Tenant) -> None:
    circle = Circle(tenant)
    then = tenant.get(f"{circle.path}/profile").json()
    moment = then["relationships"][0]["updated_at"]
    circle.call("Later")
    circle.write("PATCH", f"/v1/companies/{circle.ada['company']['id']}", {"industry": "Machinery"})
    circle.write("PATCH", circle.path, {"company": None, "title": "Countess"})
    circle.write("DELETE", f"{circle.path}/relationships/{circle.grace['id']}")
    now = tenant.get(f"{circle.path}/profile").json()
    assert (now["companies"], now["relationships"], now["contact"]["title"]) == ([], [], "Countess")
    assert "Later" in {entry["title"] for entry in now["timeline"]}
    assert tenant.get(f"{circle.path}/profile", as_of=moment).json() == then
    problem(tenant.get(f"{circle.path}/profile", as_of="2020-01-01T00:00:00Z"), 404, "contact.not_found")


def test_a_deleted_contact_has_none_until_it_is_restored(tenant: Tenant) -> None:
    circle = Circle(tenant)
    circle.write("DELETE", circle.path)
    problem(tenant.get(f"{circle.path}/profile"), 410, "contact.deleted")
    circle.write("POST", f"{circle.path}/restore")
    found = tenant.get(f"{circle.path}/profile").json()
    assert [each["kind"] for each in found["timeline"]][:2] == ["restored", "deleted"]
    assert len(found["relationships"]) == 1


def test_open_leads_and_what_a_converted_one_became_are_there(tenant: Tenant) -> None:
    circle = Circle(tenant)
    bodies = [{"title": title, "contact_id": circle.ada["id"]} for title in ("Open", "Won", "Lost")]
    leads = {body["title"]: circle.write("POST", "/v1/leads", body) for body in bodies}
    circle.write("POST", f"/v1/leads/{leads['Lost']['id']}/lose", {"reason": "price"})
    circle.write("POST", f"/v1/leads/{leads['Won']['id']}/qualify")
    won = circle.write("POST", f"/v1/leads/{leads['Won']['id']}/convert")
    found = tenant.get(f"{circle.path}/profile").json()
    assert [lead["title"] for lead in found["leads"]] == ["Open"]
    assert found["customer"] == tenant.get(f"/v1/customers/{won['customer_id']}").json()


def test_a_merged_contact_brings_what_belongs_to_it(tenant: Tenant) -> None:
    circle = Circle(tenant)
    circle.call("Hers")
    into = tenant.add({"name": "Ada L."})
    circle.write("POST", f"/v1/contacts/{into['id']}/merge", {"from": circle.ada["id"]})
    found = tenant.get(f"/v1/contacts/{into['id']}/profile").json()
    assert [each["kind"] for each in found["relationships"]] == ["manager"]
    assert "Hers" in {entry["title"] for entry in found["timeline"]}
    gone = problem(tenant.get(f"{circle.path}/profile"), 410, "contact.merged")
    assert gone["merged_into"] == into["id"]


def test_what_the_caller_must_not_see_is_absent(installation: Installation, tenant: Tenant) -> None:
    """R2.6."""
    hidden = [{"resource": "contacts", "field": field, "access": "hidden"} for field in ("company", "tags")]
    role = {"name": "own", "permissions": ["contacts.read:own"], "field_rules": hidden}
    assert tenant.http.post("/v1/roles", json=role).status_code == 201
    ada = person(installation, tenant, ["own"])
    circle = Circle(tenant, ada=ada.id)
    circle.call("Secret")
    circle.write("POST", "/v1/leads", {"title": "Secret", "contact_id": circle.ada["id"]})
    found = ada.http.get(f"{circle.path}/profile", headers={"Read-After": str(tenant.position)}).json()
    assert found.keys() == {"contact", "relationships", "timeline", "leads", "customer", "consents"}
    assert not {"company", "tags"} & found["contact"].keys()
    assert (found["relationships"], found["leads"]) == ([], [])
    assert [each["kind"] for each in found["timeline"]] == ["created"]
    problem(ada.http.get(f"/v1/contacts/{circle.grace['id']}/profile"), 404, "contact.not_found")
