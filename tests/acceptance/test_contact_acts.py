"""R3.1: deleted and brought back; tags on and off, by several at once; what the history says of it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def act(tenant: Tenant, contact: dict[str, Any], what: str, body: Any = None, **options: Any) -> httpx.Response:
    answer = tenant.http.post(f"/v1/contacts/{contact['id']}/{what}", json=body, **options)
    if "Event-Position" in answer.headers:
        tenant.position = int(answer.headers["Event-Position"])
    return answer


def delete(tenant: Tenant, contact: dict[str, Any]) -> None:
    answer = tenant.http.delete(f"/v1/contacts/{contact['id']}")
    assert answer.status_code == 204
    tenant.position = int(answer.headers["Event-Position"])


def test_a_deleted_contact_comes_back_whole_and_is_found_again(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace", "company": "Engines", "external_ids": {"erp": "7"}, "tags": ["vip"]})
    delete(tenant, made)
    assert tenant.search("lovelace").json()["data"] == []
    back = act(tenant, made, "restore")
    assert (back.status_code, back.headers["ETag"]) == (200, '"3"')
    assert back.json() == made | {"version": 3, "updated_at": back.json()["updated_at"]}
    assert tenant.get(f"/v1/contacts/{made['id']}").json() == back.json()
    assert [each["id"] for each in tenant.get("/v1/contacts").json()["data"]] == [made["id"]]
    assert [each["id"] for each in tenant.search("lovelace").json()["data"]] == [made["id"]]
    clash = tenant.http.post("/v1/contacts", json={"name": "x", "external_ids": {"erp": "7"}})
    problem(clash, 409, "contact.external_ids_taken")
    position = tenant.position
    again = act(tenant, made, "restore", {})
    assert (again.status_code, int(again.headers["Event-Position"])) == (200, position)


def test_a_restoration_into_a_clash_is_refused_dry_or_not(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "external_ids": {"erp": "7"}})
    delete(tenant, made)
    dry = act(tenant, made, "restore", params={"dry_run": "true"}).json()
    assert [event["type"] for event in dry["events"]] == ["contact.restored.v1"]
    tenant.add({"name": "Grace", "external_ids": {"erp": "7"}})
    for parameters in ({}, {"dry_run": "true"}):
        refusal = problem(act(tenant, made, "restore", params=parameters), 409, "contact.external_ids_taken")
        assert refusal["errors"][0]["pointer"] == "/external_ids/erp"
    problem(tenant.get(f"/v1/contacts/{made['id']}"), 410, "contact.deleted")


def test_relationships_are_hidden_while_it_is_gone_and_back_with_it(tenant: Tenant) -> None:
    ada, grace = tenant.add({"name": "Ada"}), tenant.add({"name": "Grace"})
    path = f"/v1/contacts/{grace['id']}/relationships"
    assert tenant.http.put(f"{path}/{ada['id']}", json={"kind": "friend"}).status_code == 201
    delete(tenant, ada)
    assert tenant.get(path).json()["data"] == []
    act(tenant, ada, "restore")
    assert [each["other_id"] for each in tenant.get(path).json()["data"]] == [ada["id"]]


def test_tags_change_by_themselves(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "tags": ["math"]})
    after = act(tenant, made, "tags", {"add": ["VIP"], "remove": ["Math", "nothing"]})
    assert (after.status_code, after.json()["tags"], after.json()["version"]) == (200, ["VIP"], 2)
    assert after.headers["ETag"] == '"2"'
    assert tenant.get("/v1/contacts", tag="VIP").json()["data"] == [after.json()]
    assert act(tenant, made, "tags", {"add": ["vip"]}).json()["version"] == 2
    stale = act(tenant, made, "tags", {"add": ["x"]}, headers={"If-Match": '"1"'})
    problem(stale, 412, "precondition.version")
    bad = act(tenant, made, "tags", {"add": [""], "remove": 7, "x": 1})
    assert bad_fields(bad) == {"/add/0": "tag.blank", "/remove": "type.wrong", "/x": "field.unknown"}


def test_tags_of_several_people_at_once_are_all_there(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada"})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: act(tenant, made, "tags", {"add": [f"t{n}"]}), range(12)))
    tenant.position = max(int(answer.headers["Event-Position"]) for answer in answers)
    found = tenant.get(f"/v1/contacts/{made['id']}").json()
    assert set(found["tags"]) == {f"t{n}" for n in range(12)}


def test_the_history_tells_who_changed_what_deleted_and_restored(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "tags": ["math"]})
    act(tenant, made, "tags", {"add": ["vip"]})
    delete(tenant, made)
    act(tenant, made, "restore")
    entries = tenant.get(f"/v1/contacts/{made['id']}/history").json()["data"]
    assert [each["action"] for each in entries[:3]] == ["contact.restored", "contact.deleted", "contact.changed"]
    assert entries[2]["changes"] == [{"field": "tags", "old": ["math"], "new": ["math", "vip"]}]
    assert {each["actor"]["name"] for each in entries} == {"Grace Hopper"}


def test_who_may_not_write_tags_or_the_contact_is_refused(installation: Installation, tenant: Tenant) -> None:
    """R2.6."""
    held = ["contacts.read:all", "contacts.write:own"]
    rules = [{"resource": "contacts", "field": "tags", "access": "read"}]
    assert tenant.http.post("/v1/roles", json={"name": "half", "permissions": held, "field_rules": rules}).is_success
    half = person(installation, tenant, ["half"])
    own, other = tenant.add({"name": "x", "owner_id": half.id}), tenant.add({"name": "y"})

    def post(contact: dict[str, Any], what: str, body: Any = None) -> httpx.Response:
        return half.http.post(f"/v1/contacts/{contact['id']}/{what}", json=body)

    for body in ({"add": ["a"]}, {"remove": [""]}):
        assert set(bad_fields(post(own, "tags", body)).values()) == {"field.not_writable"}
    assert post(own, "tags", {}).status_code == 200
    problem(post(other, "tags", {"add": ["a"]}), 403, "permission.missing")
    for contact in (own, other):
        delete(tenant, contact)
    assert post(own, "restore").json()["version"] == 3
    problem(post(other, "restore"), 403, "permission.missing")
