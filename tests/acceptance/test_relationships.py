"""R3.3, B1: relationships over HTTP, from both ends, under the caller's reach."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person
from tests.acceptance.test_isolation import comparable

pytestmark = pytest.mark.servers


class Family:
    """Contacts of a tenant by name, and what they are to each other."""

    def __init__(self, tenant: Tenant, *names: str) -> None:
        self.tenant = tenant
        self.ids = {name: tenant.add({"name": name})["id"] for name in names}

    def path(self, one: str, other: str | None = None) -> str:
        return f"/v1/contacts/{self.ids[one]}/relationships" + (f"/{self.ids[other]}" if other else "")

    def put(self, one: str, other: str, **body: Any) -> httpx.Response:
        answer = self.tenant.http.put(self.path(one, other), json=body)
        assert answer.is_success, answer.text
        self.tenant.position = int(answer.headers["Event-Position"])
        return answer

    def of(self, one: str, **parameters: Any) -> list[tuple[str, str]]:
        answer = self.tenant.get(self.path(one), **parameters)
        assert answer.status_code == 200, answer.text
        return [(each["other"]["name"]["display"], each["kind"]) for each in answer.json()["data"]]


@pytest.fixture
def family(tenant: Tenant) -> Family:
    return Family(tenant, "Ada", "Byron", "Grace")


def test_a_relationship_is_seen_from_both_ends(family: Family) -> None:
    put = family.put("Ada", "Byron", kind="Parent")
    listed = family.tenant.get(family.path("Ada")).json()
    assert listed == {"data": [put.json()], "next_cursor": None}
    assert (put.status_code, put.headers["Location"]) == (201, family.path("Ada", "Byron"))
    assert (put.json()["contact_id"], put.json()["other_id"]) == (family.ids["Ada"], family.ids["Byron"])
    assert (put.json()["kind"], put.json()["reverse_kind"]) == ("parent", "child")
    mirrored = family.tenant.get(family.path("Byron")).json()["data"][0]
    assert (mirrored["kind"], mirrored["reverse_kind"], mirrored["other_id"]) == ("child", "parent", family.ids["Ada"])
    assert (mirrored["id"], mirrored["version"]) == (put.json()["id"], 1)


def test_put_replaces_and_says_the_same_only_once(family: Family) -> None:
    first = family.put("Ada", "Grace", kind="colleague")
    again = family.put("Grace", "Ada", kind="colleague")
    assert (again.status_code, again.headers["Event-Position"]) == (200, first.headers["Event-Position"])
    other = family.put("Ada", "Grace", kind="mentor", reverse_kind="apprentice").json()
    assert (other["version"], other["created_at"]) == (2, first.json()["created_at"])
    assert family.of("Grace") == [("Ada", "apprentice")]


def test_pages_lead_on_and_a_deletion_ends_it_for_both(family: Family) -> None:
    family.put("Ada", "Byron", kind="parent")
    family.put("Grace", "Ada", kind="friend")
    found = [each["other_id"] for page in family.tenant.pages(family.path("Ada"), limit=1) for each in page]
    assert found == [family.ids["Byron"], family.ids["Grace"]]
    path, http = family.path("Byron", "Ada"), family.tenant.http
    dry = http.delete(path, params={"dry_run": "true"}).json()
    assert [event["type"] for event in dry["events"]] == ["relationship.ended.v1"]
    gone = http.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    family.tenant.position = int(gone.headers["Event-Position"])
    problem(http.delete(path), 410, "relationship.deleted")
    assert (family.of("Ada"), family.of("Byron")) == ([("Grace", "friend")], [])
    problem(http.delete(family.path("Byron", "Grace")), 404, "relationship.not_found")
    family.put("Ada", "Byron", kind="pen friend")
    assert family.of("Byron") == [("Ada", "pen friend")]


def test_a_key_answers_twice_and_acts_once(family: Family) -> None:
    path, headers = family.path("Ada", "Grace"), {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (family.tenant.http.put(path, json={"kind": "friend"}, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replay"] == "true"


def test_it_can_be_read_as_it_was(family: Family) -> None:
    added = family.put("Ada", "Byron", kind="parent").json()["updated_at"]
    changed = family.put("Ada", "Byron", kind="guardian").json()["updated_at"]
    assert family.of("Byron", as_of=added) == [("Ada", "child")]
    assert family.of("Byron", as_of=changed) == [("Ada", "ward")]
    assert family.tenant.http.delete(family.path("Ada", "Byron")).status_code == 204
    assert family.of("Ada", as_of=changed) == [("Byron", "guardian")]
    problem(family.tenant.get(family.path("Ada"), as_of="2020-01-01T00:00:00Z"), 404, "contact.not_found")


def test_bad_bodies_and_paths_are_refused(family: Family) -> None:
    http = family.tenant.http
    assert bad_fields(http.put(family.path("Ada", "Grace"), json={"kind": " ", "since": 1})) == {
        "/kind": "field.blank",
        "/since": "field.unknown",
    }
    problem(http.put(family.path("Ada", "Ada"), json={"kind": "friend"}), 422, "relationship.self")
    problem(http.put(family.path("Ada", "Grace"), content=b"{"), 415, "body.media_type")


def test_both_ends_must_be_there_before_anything_else_is_looked_at(family: Family) -> None:
    http = family.tenant.http
    gone = family.tenant.add()["id"]
    assert http.delete(f"/v1/contacts/{gone}").status_code == 204
    ada = f"/v1/contacts/{family.ids['Ada']}/relationships"
    for method in ("PUT", "DELETE"):
        answers = {
            missing: http.request(method, path.format(missing), content=b"{")
            for missing in (str(uuid.uuid4()), "nonsense")
            for path in (ada + "/{}", f"/v1/contacts/{{}}/relationships/{family.ids['Ada']}")
        }
        assert {problem(answer, 404, "contact.not_found")["status"] for answer in answers.values()} == {404}
        problem(http.request(method, f"{ada}/{gone}", content=b"{"), 410, "contact.deleted")
        problem(http.request(method, f"/v1/contacts/{gone}/relationships/{family.ids['Ada']}"), 410, "contact.deleted")
    problem(family.tenant.get(f"/v1/contacts/{gone}/relationships"), 410, "contact.deleted")


def test_who_reads_and_writes_some_contacts_relates_only_those(installation: Installation, tenant: Tenant) -> None:
    """R2.6."""
    held = ["contacts.read:team", "contacts.write:own"]
    assert tenant.http.post("/v1/roles", json={"name": "half", "permissions": held}).status_code == 201
    ada, bob = (person(installation, tenant, ["half"]) for _ in range(2))
    team = tenant.http.post("/v1/teams", json={"name": "North"}).json()["id"]
    assert tenant.http.put(f"/v1/teams/{team}/members", json={"user_ids": [ada.id, bob.id]}).status_code == 200
    own, own2, bobs = (tenant.add({"name": "x", "owner_id": owner})["id"] for owner in (ada.id, ada.id, bob.id))
    admins = tenant.add({"name": "out of reach"})["id"]

    def put(one: str, other: str, by: httpx.Client = ada.http) -> httpx.Response:
        return by.put(f"/v1/contacts/{one}/relationships/{other}", json={"kind": "friend"})

    assert put(own, own2).status_code == put(own, bobs).status_code == 201
    assert problem(put(bobs, own), 403, "permission.missing")["permission"] == "contacts.write"
    missing = comparable(put(own, str(uuid.uuid4())))
    assert put(own, admins, tenant.http).status_code == 201
    for answer in (put(own, admins), ada.http.delete(f"/v1/contacts/{own}/relationships/{admins}")):
        assert comparable(answer) == missing
    position = put(own, admins, tenant.http).headers["Event-Position"]

    def seen(by: httpx.Client, **parameters: str) -> set[str]:
        answer = by.get(f"/v1/contacts/{own}/relationships", params=parameters, headers={"Read-After": position})
        return {each["other_id"] for each in answer.json()["data"]}

    then = tenant.http.get(f"/v1/contacts/{admins}").json()["created_at"]
    now: Callable[[httpx.Client], set[str]] = seen
    assert now(ada.http) == {own2, bobs}
    assert now(tenant.http) == {own2, bobs, admins}
    assert seen(ada.http, as_of=then) == set()


def test_names_that_are_hidden_are_absent(installation: Installation, family: Family) -> None:
    """R2.6."""
    role = {
        "name": "nameless",
        "permissions": ["contacts.read:all", "contacts.write:all"],
        "field_rules": [{"resource": "contacts", "field": "name", "access": "hidden"}],
    }
    assert family.tenant.http.post("/v1/roles", json=role).status_code == 201
    blind = person(installation, family.tenant, ["nameless"])
    put = blind.http.put(family.path("Ada", "Grace"), json={"kind": "friend"})
    position = put.headers["Event-Position"]
    listed = blind.http.get(family.path("Ada"), headers={"Read-After": position}).json()["data"]
    assert put.json()["other"] == listed[0]["other"] == {"id": family.ids["Grace"]}
