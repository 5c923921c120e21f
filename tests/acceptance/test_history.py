"""R1.5, N-S3: who changed what of a contact, from what to what, and when."""

import pytest

from tests.acceptance.installation import Tenant, problem

pytestmark = pytest.mark.servers


def test_each_act_says_who_when_and_what_was_before(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Byron", "external_ids": {"erp": "7"}}, **{"X-Correlation-Id": "first"})
    path = f"/v1/contacts/{made['id']}"
    patch = {"name": {"family": "Lovelace"}, "title": "Countess", "external_ids": {"erp": None}}
    changed = tenant.http.patch(path, json=patch, headers={"X-Correlation-Id": "second"})
    deleted = tenant.http.delete(path, headers={"X-Correlation-Id": "third"})
    tenant.position = int(deleted.headers["Event-Position"])

    answer = tenant.get(f"{path}/history")
    third, second, first = answer.json()["data"]

    who = {"kind": "user", "id": tenant.user_id, "name": "Grace Hopper"}
    for entry, correlation_id in ((first, "first"), (second, "second"), (third, "third")):
        assert entry["actor"] == who
        assert entry["target"] == {"kind": "contact", "id": made["id"]}
        assert entry["correlation_id"] == correlation_id
    assert [entry["action"] for entry in (first, second, third)] == [
        "contact.registered",
        "contact.changed",
        "contact.deleted",
    ]
    assert first["at"] == made["created_at"]
    assert second["at"] == changed.json()["updated_at"]
    assert [entry["position"] for entry in (first, second, third)] == [4, 5, 6]
    assert {(change["field"], change["old"], change["new"]) for change in second["changes"]} == {
        ("name.family", "Byron", "Lovelace"),
        ("name.display", "Ada Byron", "Ada Lovelace"),
        ("title", None, "Countess"),
        ("external_ids.erp", "7", None),
    }
    assert {change["field"]: change["new"] for change in first["changes"]} == {
        "name.given": "Ada",
        "name.family": "Byron",
        "name.display": "Ada Byron",
        "owner_id": tenant.user_id,
        "external_ids.erp": "7",
        "lifecycle": "lead",
    }
    assert all(change["old"] is None for change in first["changes"])
    assert third["changes"] == []


def test_what_changed_nothing_is_not_in_it(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada"})
    tenant.http.patch(f"/v1/contacts/{made['id']}", json={"name": "Ada"})
    tenant.http.patch(f"/v1/contacts/{made['id']}", json={"email": "nonsense"})
    tenant.http.patch(f"/v1/contacts/{made['id']}", params={"dry_run": "true"}, json={"title": "x"})
    assert len(tenant.get(f"/v1/contacts/{made['id']}/history").json()["data"]) == 1


def test_pages_show_every_entry_once_newest_first(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"
    for n in range(6):
        tenant.position = int(tenant.http.patch(path, json={"title": f"T{n}"}).headers["Event-Position"])

    pages = tenant.pages(f"{path}/history", limit=3)
    positions = []
    for page in pages:
        positions += [entry["position"] for entry in page]
        tenant.http.patch(path, json={"title": f"later {len(positions)}"})

    assert positions == [10, 9, 8, 7, 6, 5, 4]


def test_a_cursor_belongs_to_its_contact(tenant: Tenant) -> None:
    one, two = (f"/v1/contacts/{tenant.add()['id']}" for _ in range(2))
    tenant.position = int(tenant.http.patch(one, json={"title": "x"}).headers["Event-Position"])
    cursor = tenant.get(f"{one}/history", limit=1).json()["next_cursor"]
    problem(tenant.get(f"{two}/history", limit=1, cursor=cursor), 400, "cursor.invalid")


def test_a_company_has_no_history_as_a_contact(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "company": "Engines"})
    problem(tenant.get(f"/v1/contacts/{made['company']['id']}/history"), 404, "contact.not_found")
    problem(tenant.get(f"/v1/contacts/{tenant.user_id}/history"), 404, "contact.not_found")
    problem(tenant.get(f"/v1/contacts/{made['company']['id']}"), 404, "contact.not_found")
