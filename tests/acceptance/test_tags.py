"""R3.1, R2.6: the tags that contacts have, counted within the caller's reach."""

from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def counts(answer: Any) -> list[tuple[str, int]]:
    assert answer.status_code == 200, answer.text
    return [(each["tag"], each["count"]) for each in answer.json()["data"]]


def test_tags_are_counted_case_apart_as_most_spell_them(tenant: Tenant) -> None:
    for tags in (["VIP", "Vendor"], ["VIP"], ["vip", "Übersee"], []):
        tenant.add({"name": "Ada", "tags": tags})
    gone = tenant.add({"name": "Bob", "tags": ["VIP", "gone"]})
    tenant.position = int(tenant.http.delete(f"/v1/contacts/{gone['id']}").headers["Event-Position"])

    assert counts(tenant.get("/v1/tags")) == [("VIP", 3), ("Vendor", 1), ("Übersee", 1)]
    assert counts(tenant.get("/v1/tags", q="v", sort="name")) == [("Vendor", 1), ("VIP", 3)]
    assert counts(tenant.get("/v1/tags", q="üB")) == [("Übersee", 1)]
    assert counts(tenant.get("/v1/tags", q="%")) == []


@pytest.mark.parametrize("sort", ["-count", "name"])
def test_pages_show_each_tag_once(tenant: Tenant, sort: str) -> None:
    for number in range(3):
        tenant.add({"name": "Ada", "tags": [f"t{n}" for n in range(number, 5)]})
    found = [each["tag"] for page in tenant.pages("/v1/tags", limit=2, sort=sort) for each in page]
    assert found == (["t2", "t3", "t4", "t1", "t0"] if sort == "-count" else [f"t{n}" for n in range(5)])
    cursor = tenant.get("/v1/tags", limit=2, sort=sort).json()["next_cursor"]
    problem(tenant.get("/v1/tags", limit=2, sort=sort, q="t", cursor=cursor), 400, "cursor.invalid")


def test_only_tags_of_contacts_within_reach_are_told_and_none_where_they_are_hidden(
    installation: Installation, tenant: Tenant
) -> None:
    hidden = {"resource": "contacts", "field": "tags", "access": "hidden"}
    for name, rules in (("own", []), ("blind", [hidden])):
        scope = "own" if name == "own" else "all"
        role = {"name": name, "permissions": [f"contacts.read:{scope}"], "field_rules": rules}
        assert tenant.http.post("/v1/roles", json=role).status_code == 201
    ada, eve = (person(installation, tenant, [role]) for role in ("own", "blind"))
    tenant.add({"name": "Hers", "owner_id": ada.id, "tags": ["vip"]})
    tenant.add({"name": "Another's", "tags": ["vip", "secret"]})

    after = {"Read-After": str(tenant.position)}
    assert counts(tenant.get("/v1/tags")) == [("vip", 2), ("secret", 1)]
    assert counts(ada.http.get("/v1/tags", headers=after)) == [("vip", 1)]
    assert counts(eve.http.get("/v1/tags", headers=after)) == []
