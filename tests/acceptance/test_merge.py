"""R3.5, B1, B2, B8: contacts are merged and taken apart over HTTP; old ids say where they are; the past shows two."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person
from tests.acceptance.test_as_of import earlier

pytestmark = pytest.mark.servers


def merge(tenant: Tenant, into: Any, other: Any, choose: dict[str, str] | None = None, **options: Any) -> Any:
    body = {"from": other["id"]} | ({"choose": choose} if choose else {})
    return acted(tenant, tenant.http.post(f"/v1/contacts/{into['id']}/merge", json=body, **options))


def unmerge(tenant: Tenant, into: Any, other: Any, **options: Any) -> Any:
    return acted(tenant, tenant.http.post(f"/v1/contacts/{into['id']}/unmerge", json={"from": other["id"]}, **options))


def acted(tenant: Tenant, answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers.get("Event-Position", tenant.position))
    return answer.json()


def two(tenant: Tenant) -> tuple[Any, Any]:
    ada = tenant.add({"name": "Ada Lovelace", "email": "ada@engines.example", "company": "Engines", "tags": ["math"]})
    twin = tenant.add({"name": "Augusta King", "phone": "+442079460018", "title": "Countess", "tags": ["poet"]})
    return ada, twin


def ids(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {found["id"] for found in answer.json()["data"]}


def test_two_are_one_and_two_again(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    preview = tenant.http.post(
        f"/v1/contacts/{ada['id']}/merge", json={"from": twin["id"]}, params={"dry_run": "true"}
    ).json()
    assert [event["type"] for event in preview["events"]] == ["contact.absorbed.v1", "contact.merged.v1"]
    assert tenant.get("/v1/contacts").json()["data"] == [ada, twin]

    made = merge(tenant, ada, twin)

    assert {**preview["state"], "updated_at": ""} == {**made, "updated_at": ""}
    assert (made["id"], made["version"], made["title"], made["tags"]) == (ada["id"], 2, "Countess", ["math", "poet"])
    assert (made["name"], made["company"], made["emails"]) == (ada["name"], ada["company"], ada["emails"])
    assert made["phones"] == twin["phones"]
    assert tenant.get(f"/v1/contacts/{ada['id']}").json() == made

    back = unmerge(tenant, ada, twin)

    assert back["into"] == {**ada, "version": 3, "updated_at": back["into"]["updated_at"]}
    assert back["from"] == {**twin, "version": 3, "updated_at": back["from"]["updated_at"]}
    for contact in (back["into"], back["from"]):
        assert tenant.get(f"/v1/contacts/{contact['id']}").json() == contact
    assert ids(tenant.search("augusta")) == {twin["id"]}


def test_the_old_id_says_where_the_contact_is_by_now(tenant: Tenant) -> None:
    a, b, c = (tenant.add({"name": name}) for name in ("Ada", "Augusta", "Countess"))
    merge(tenant, b, a)
    merge(tenant, c, b)
    for gone in (a, b):
        path = f"/v1/contacts/{gone['id']}"
        for answer in (
            tenant.get(path),
            tenant.get(f"{path}/relationships"),
            tenant.get(f"{path}/access"),
            tenant.http.patch(path, json={"title": "x"}),
            tenant.http.delete(path),
            tenant.http.put(f"{path}/relationships/{c['id']}", json={"kind": "friend"}),
            tenant.http.post(f"{path}/merge", json={"from": c["id"]}),
            tenant.http.post(f"{path}/unmerge", json={"from": c["id"]}),
            tenant.http.post(f"/v1/contacts/{c['id']}/merge", json={"from": gone["id"]}),
        ):
            assert problem(answer, 410, "contact.merged")["merged_into"] == c["id"]


def test_lists_and_searches_show_the_survivor_alone(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    made = merge(tenant, ada, twin, {"name": "from"})
    assert tenant.get("/v1/contacts").json()["data"] == [made]
    for text in ("augusta king", "ada@engines", "+442079460018"):
        assert ids(tenant.search(text)) == {ada["id"]}
    assert ids(tenant.get("/v1/contacts", tag="poet")) == {ada["id"]}


def test_before_the_merge_there_were_two_and_after_it_one(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    made = merge(tenant, ada, twin)
    back = unmerge(tenant, ada, twin)
    before, after, apart = earlier(made["updated_at"]), made["updated_at"], back["into"]["updated_at"]

    assert tenant.get("/v1/contacts", as_of=before).json()["data"] == [ada, twin]
    assert tenant.get("/v1/contacts", as_of=after).json()["data"] == [made]
    assert tenant.get("/v1/contacts", as_of=apart).json()["data"] == [back["into"], back["from"]]
    path = f"/v1/contacts/{twin['id']}"
    assert tenant.get(path, as_of=before).json() == twin
    assert problem(tenant.get(path, as_of=after), 410, "contact.merged")["merged_into"] == ada["id"]
    assert tenant.get(path, as_of=apart).json() == back["from"]


def test_both_histories_tell_of_it(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    merge(tenant, ada, twin)
    survivor, gone = (tenant.get(f"/v1/contacts/{each['id']}/history").json()["data"][0] for each in (ada, twin))
    assert (survivor["action"], gone["action"]) == ("contact.absorbed", "contact.merged")
    assert survivor["correlation_id"] == gone["correlation_id"]
    assert {"field": "merged_into", "old": None, "new": ada["id"]} in gone["changes"]
    changes = {change["field"]: (change["old"], change["new"]) for change in survivor["changes"]}
    assert changes["merged_from"] == ([], [twin["id"]])
    assert changes["title"] == (None, "Countess")
    assert changes["tags"] == (["math"], ["math", "poet"])
    audited = tenant.get("/v1/audit", action="contact.merged").json()["data"]
    assert [entry["target"]["id"] for entry in audited] == [twin["id"]]
    unmerge(tenant, ada, twin)
    assert tenant.get(f"/v1/contacts/{ada['id']}/history").json()["data"][0]["action"] == "contact.separated"


def test_it_holds_to_versions_and_is_carried_out_once(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    path, body = f"/v1/contacts/{ada['id']}/merge", {"from": twin["id"]}
    problem(tenant.http.post(path, json=body, headers={"If-Match": '"7"'}), 412, "precondition.version")
    first, again = (
        tenant.http.post(path, json=body, headers={"If-Match": '"1"', "Idempotency-Key": "k"}) for _ in range(2)
    )
    assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
    assert (first.headers["ETag"], again.headers["ETag"]) == ('"2"', '"2"')
    undone = [
        tenant.http.post(f"/v1/contacts/{ada['id']}/unmerge", json=body, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    tenant.http.patch(f"/v1/contacts/{twin['id']}", json={"title": "x"})
    undone.append(tenant.http.post(f"/v1/contacts/{ada['id']}/unmerge", json=body, headers={"Idempotency-Key": "k"}))
    assert undone[0].json() == undone[1].json() == undone[2].json()


def test_what_cannot_be_merged_is_named(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    path = f"/v1/contacts/{ada['id']}/merge"
    assert bad_fields(tenant.http.post(path, json={})) == {"/from": "field.required"}
    assert bad_fields(tenant.http.post(path, json={"from": str(uuid.uuid4())})) == {"/from": "contact.not_found"}
    assert bad_fields(tenant.http.post(path, json={"from": "x", "choose": {"title": "mine"}, "y": 1})) == {
        "/from": "type.uuid",
        "/choose/title": "value.not_allowed",
        "/y": "field.unknown",
    }
    assert bad_fields(tenant.http.post(path, json={"from": ada["id"]})) == {"/from": "contact.merge_itself"}
    body = {"from": twin["id"]}
    problem(tenant.http.post(f"/v1/contacts/{ada['id']}/unmerge", json=body), 409, "contact.not_merged")
    tenant.http.delete(f"/v1/contacts/{twin['id']}")
    assert problem(tenant.http.post(path, json=body), 410, "contact.deleted")["errors"][0]["pointer"] == "/from"


def test_both_have_to_be_within_reach(installation: Installation, tenant: Tenant) -> None:
    """R2.6: one that can't be seen is missing; one that can't be merged is refused."""
    tenant.http.post("/v1/roles", json={"name": "Own", "permissions": ["contacts.read:own", "contacts.merge:own"]})
    tenant.http.post("/v1/roles", json={"name": "See", "permissions": ["contacts.read:all", "contacts.merge:own"]})
    own, seeing = person(installation, tenant, ["own"]), person(installation, tenant, ["see"])
    theirs = tenant.add({"name": "Theirs"})
    for who, status in ((own, 404), (seeing, 403)):
        mine = tenant.add({"name": "Mine", "owner_id": who.id})
        answer = who.http.post(f"/v1/contacts/{theirs['id']}/merge", json={"from": mine["id"]})
        assert answer.status_code == status
        answer = who.http.post(f"/v1/contacts/{mine['id']}/merge", json={"from": theirs["id"]})
        if status == 404:
            assert bad_fields(answer) == {"/from": "contact.not_found"}
        else:
            assert problem(answer, 403, "permission.missing")["permission"] == "contacts.merge"
        other = tenant.add({"name": "Mine too", "owner_id": who.id})
        assert who.http.post(f"/v1/contacts/{mine['id']}/merge", json={"from": other["id"]}).status_code == 200
    sales = person(installation, tenant, ["sales"])
    answer = sales.http.post(f"/v1/contacts/{theirs['id']}/merge", json={"from": theirs["id"]})
    assert problem(answer, 403, "permission.missing")["permission"] == "contacts.merge"


def test_what_is_hidden_is_merged_and_not_told(installation: Installation, tenant: Tenant) -> None:
    """R2.6: nothing is lost because of who merges, and nothing is learnt by it."""
    rules = [{"resource": "contacts", "field": field, "access": "hidden"} for field in ("title", "external_ids")]
    permissions = ["contacts.read:all", "contacts.merge:all"]
    tenant.http.post("/v1/roles", json={"name": "Blind", "permissions": permissions, "field_rules": rules})
    blind = person(installation, tenant, ["blind"])
    ada = tenant.add({"name": "Ada", "external_ids": {"erp": "one-4711"}})
    twin = tenant.add({"name": "Twin", "title": "Geheimrat", "external_ids": {"erp": "two-4711"}})
    path, body = f"/v1/contacts/{ada['id']}/merge", {"from": twin["id"]}
    refused = blind.http.post(path, json=body | {"choose": {"title": "from", "external_ids": "from"}})
    assert set(bad_fields(refused).values()) == {"field.not_writable"}
    told = [refused, blind.http.post(path, json=body, params={"dry_run": "true"}), blind.http.post(path, json=body)]
    told.append(
        blind.http.get(f"/v1/contacts/{ada['id']}/history", headers={"Read-After": told[2].headers["Event-Position"]})
    )
    assert tenant.http.get(f"/v1/contacts/{ada['id']}").json()["title"] == "Geheimrat"
    told.append(blind.http.post(f"/v1/contacts/{ada['id']}/unmerge", json=body, params={"dry_run": "true"}))
    told.append(blind.http.post(f"/v1/contacts/{ada['id']}/unmerge", json=body))
    for answer in told:
        assert "Geheimrat" not in answer.text
        assert "4711" not in answer.text
    assert [answer.status_code for answer in told[1:]] == [200] * 5


def test_custom_fields_are_merged_key_by_key(tenant: Tenant) -> None:
    for key, unique in (("segment", False), ("level", False), ("code", True)):
        field = {"label": key, "type": "text", "required": False, "unique": unique}
        answer = tenant.http.put(f"/v1/custom-fields/contact/{key}", json=field)
        assert answer.status_code in {200, 201}, answer.text
    ada = tenant.add({"name": "Ada", "custom": {"segment": "A", "level": "1"}})
    twin = tenant.add({"name": "Twin", "custom": {"segment": "B", "level": "2", "code": "x-1"}})
    path = f"/v1/contacts/{ada['id']}/merge"
    refused = tenant.http.post(path, json={"from": twin["id"], "choose": {"custom.nothing": "from"}})
    assert bad_fields(refused) == {"/choose/custom.nothing": "field.unknown"}
    made = merge(tenant, ada, twin, {"custom.level": "from"})
    assert made["custom"] == {"segment": "A", "level": "2", "code": "x-1"}
    taken = tenant.http.post("/v1/contacts", json={"name": "Third", "custom": {"code": "X-1"}})
    problem(taken, 409, "contact.custom_taken")

    tenant.http.patch(f"/v1/contacts/{ada['id']}", json={"custom": {"code": None, "segment": "C"}})
    third = tenant.add({"name": "Third", "custom": {"code": "x-1"}})
    body = {"from": twin["id"]}
    problem(tenant.http.post(f"/v1/contacts/{ada['id']}/unmerge", json=body), 409, "contact.custom_taken")
    tenant.http.patch(f"/v1/contacts/{third['id']}", json={"custom": None})
    back = unmerge(tenant, ada, twin)
    assert (back["into"]["custom"], back["from"]["custom"]) == ({"segment": "C", "level": "1"}, twin["custom"])
    fourth = tenant.http.post("/v1/contacts", json={"name": "Fourth", "custom": {"code": "x-1"}})
    problem(fourth, 409, "contact.custom_taken")


def test_ids_of_other_systems_find_the_survivor_and_a_merged_contact_is_not_restored(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "external_ids": {"erp": "7"}})
    twin = tenant.add({"name": "Twin", "external_ids": {"erp": "8"}})
    merge(tenant, ada, twin)
    taken = tenant.http.post("/v1/contacts", json={"name": "Third", "external_ids": {"erp": "8"}})
    problem(taken, 409, "contact.external_ids_taken")
    problem(tenant.http.post(f"/v1/contacts/{twin['id']}/restore"), 410, "contact.merged")
    assert tenant.http.patch(f"/v1/contacts/{ada['id']}", json={"external_ids": {"erp": "8"}}).status_code == 200


def test_a_contact_comes_back_without_values_that_do_not_fit_any_more(tenant: Tenant) -> None:
    def choices(*names: str) -> None:
        field = {"label": "Segment", "type": "choice", "choices": list(names)}
        answer = tenant.http.put("/v1/custom-fields/contact/segment", json=field)
        assert answer.status_code in {200, 201}, answer.text

    choices("A", "B")
    ada = tenant.add({"name": "Ada", "custom": {"segment": "A"}})
    twin = tenant.add({"name": "Twin", "title": "Lady", "custom": {"segment": "B"}})
    merge(tenant, ada, twin)
    choices("A")
    shown = tenant.http.post(
        f"/v1/contacts/{ada['id']}/unmerge", json={"from": twin["id"]}, params={"dry_run": "true"}
    ).json()["state"]["from"]
    back = unmerge(tenant, ada, twin)["from"]
    assert (shown["custom"], shown["title"], shown["version"]) == ({}, "Lady", 4)
    assert back == {**shown, "updated_at": back["updated_at"]}
    assert tenant.get(f"/v1/contacts/{twin['id']}").json() == back
