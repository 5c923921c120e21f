"""R2.6: whose contacts a caller reads, in every operation that needs contacts.read: one that forgets it fails here."""

import uuid
from typing import Any

import httpx
import pytest

from commands.sight import SEEING
from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import Person, person
from tests.acceptance.test_isolation import comparable

pytestmark = pytest.mark.servers

WIDEST = {"limit": 200, "q": "zuse"}
"""Parameters with which a list shows most."""
SELECT = "/v1/contacts/search"
DUPLICATES = "/v1/contacts/duplicates"


NOBODYS = ("/v1/companies", "/v1/custom-fields", "/v1/tags")
"""Reads that name no contact: of tags, test_tags counts whose."""


class Office:
    """A tenant with Ada, who reads her own contacts, Bob, who reads his team's, and Carl in Bob's team."""

    def __init__(self, installation: Installation, tenant: Tenant) -> None:
        self.tenant, self.notes = tenant, dict[str, str]()
        for scope in ("own", "team"):
            held = [f"contacts.{act}:{scope}" for act in ("read", "write", "delete")]
            answer = tenant.http.post("/v1/roles", json={"name": scope, "permissions": held})
            assert answer.status_code == 201
        self.ada, self.bob, self.carl = (person(installation, tenant, [role]) for role in ("own", "team", "own"))
        self.team = f"/v1/teams/{tenant.http.post('/v1/teams', json={'name': 'North'}).json()['id']}/members"
        self.share(self.bob, self.carl)
        self.of_ada, self.of_bob, self.of_carl = (self.add(each) for each in (self.ada, self.bob, self.carl))
        self.nobodys = self.noted(tenant.add({"name": "Konrad Zuse"}))
        self.patch(self.nobodys, owner_id=None)

    def share(self, *people: Person) -> None:
        assert self.tenant.http.put(self.team, json={"user_ids": [each.id for each in people]}).status_code == 200

    def add(self, owner: Person, **members: Any) -> dict[str, Any]:
        return self.noted(self.tenant.add({"name": "Konrad Zuse", "owner_id": owner.id, **members}))

    def noted(self, contact: dict[str, Any]) -> dict[str, Any]:
        """With a note."""
        answer = self.tenant.http.post(f"/v1/contacts/{contact['id']}/notes", json={"html": "x"})
        self.notes[contact["id"]] = answer.json()["id"]
        return contact

    def about(self, path: str, contact_id: str) -> str:
        """A path with the id of a contact, or of its note."""
        return path.format(contact_id=contact_id, note_id=self.notes.get(contact_id, contact_id))

    def patch(self, contact: dict[str, Any], **members: Any) -> Any:
        answer = self.tenant.http.patch(f"/v1/contacts/{contact['id']}", json=members)
        assert answer.status_code == 200, answer.text
        self.tenant.position = int(answer.headers["Event-Position"])
        return answer.json()

    def delete(self, contact: dict[str, Any]) -> None:
        answer = self.tenant.http.delete(f"/v1/contacts/{contact['id']}")
        self.tenant.position = int(answer.headers["Event-Position"])

    def get(self, by: Person, path: str, **parameters: Any) -> httpx.Response:
        return by.http.get(path, params=parameters, headers={"Read-After": str(self.tenant.position)})

    def ids(self, by: Person, path: str, **parameters: Any) -> list[str]:
        answer = self.get(by, path, **parameters)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["data"]]

    def operations(self) -> dict[str, set[str]]:
        """Every path that is read with contacts.read, and the query parameters that it takes.

        But for companies and custom fields, which are nobody's own.
        """
        paths: dict[str, dict[str, Any]] = self.tenant.http.get("/openapi.json").json()["paths"]
        reads = {(method, path) for path, ops in paths.items() for method in ops if method != "get"}
        others = {(method, path) for method, path in reads if paths[path][method].get("x-permission") == SEEING}
        assert others == {("post", SELECT)}, "what is read by another method has to be tried here as well"
        return {
            path: {each["name"] for each in methods["get"]["parameters"] if each["in"] == "query"}
            for path, methods in paths.items()
            if methods.get("get", {}).get("x-permission") == SEEING and not path.startswith(NOBODYS)
        }


@pytest.fixture
def office(installation: Installation, tenant: Tenant) -> Office:
    return Office(installation, tenant)


def test_what_is_out_of_reach_is_missing_to_the_byte_for_every_operation(office: Office) -> None:
    then = office.nobodys["created_at"]
    gone = office.add(office.bob)
    office.delete(gone)
    on_one = {path: takes for path, takes in office.operations().items() if "{" in path}
    assert {"/v1/contacts/{contact_id}", "/v1/contacts/{contact_id}/history"} <= on_one.keys()
    for path, takes in on_one.items():
        for parameters in ({}, *([{"as_of": then}] if "as_of" in takes else [])):
            answers = {
                contact_id: office.get(office.ada, office.about(path, contact_id), **parameters)
                for contact_id in (str(uuid.uuid4()), *(c["id"] for c in (office.of_bob, office.nobodys, gone)))
            }
            missing, *others = map(comparable, answers.values())
            assert missing[0] == 404
            assert others == [missing] * len(others), path
            own = office.get(office.ada, office.about(path, office.of_ada["id"]), **parameters)
            assert own.status_code == 200, own.text


def test_no_list_shows_more_than_is_within_reach(office: Office) -> None:
    then = office.patch(office.nobodys, title="x")["updated_at"]
    own, bobs, carls, nobodys = (c["id"] for c in (office.of_ada, office.of_bob, office.of_carl, office.nobodys))
    lists = {path: takes for path, takes in office.operations().items() if "{" not in path}
    assert {"/v1/contacts", "/v1/contacts/search"} <= lists.keys()
    for path, takes in lists.items():
        widest = {name: most for name, most in WIDEST.items() if name in takes}
        for parameters in (widest, *([widest | {"as_of": then}] if "as_of" in takes else [])):
            for reader, seen in ((office.ada, {own}), (office.bob, {bobs, carls}), (office.carl, {carls})):
                text = office.get(reader, path, **parameters).text
                # Duplicates come in pairs: who reads one of them only is shown none.
                shown = seen if path != DUPLICATES or len(seen) > 1 else set()
                assert {each for each in (own, bobs, carls, nobodys) if each in text} == shown, path


def test_no_selection_shows_more_than_is_within_reach(office: Office) -> None:
    own, bobs, carls, nobodys = (c["id"] for c in (office.of_ada, office.of_bob, office.of_carl, office.nobodys))
    named = {"filters": [{"field": "name", "operator": "HAS"}]}
    after = {"Read-After": str(office.tenant.position)}
    for body in ({"q": "zuse"}, {"filter_groups": [named]}, {"q": "zuse", "filter_groups": [named]}):
        for reader, seen in ((office.ada, {own}), (office.bob, {bobs, carls}), (office.carl, {carls})):
            answer = reader.http.post(SELECT, json=body, headers=after)
            assert answer.status_code == 200, answer.text
            assert {each for each in (own, bobs, carls, nobodys) if each in answer.text} == seen, body


def test_pages_are_full_and_lead_on(office: Office) -> None:
    mine = {office.of_ada["id"]}
    for _ in range(4):
        mine.add(office.add(office.ada)["id"])
        office.add(office.bob)
    for path, parameters in (("/v1/contacts", {}), ("/v1/contacts/search", {"q": "zuse"})):
        found: list[str] = []
        cursor: dict[str, str | None] = {}
        for size in (2, 2, 1):
            answer = office.get(office.ada, path, limit=2, **parameters, **cursor).json()
            assert len(answer["data"]) == size
            found += [each["id"] for each in answer["data"]]
            cursor = {"cursor": answer["next_cursor"]}
        assert (set(found), cursor) == (mine, {"cursor": None})


def test_a_cursor_of_somebody_who_sees_more_shows_no_more(office: Office) -> None:
    for path, parameters in (("/v1/contacts", {}), ("/v1/contacts/search", {"q": "zuse"})):
        cursor = office.tenant.get(path, limit=1, **parameters).json()["next_cursor"]
        assert cursor
        assert set(office.ids(office.ada, path, cursor=cursor, **parameters)) <= {office.of_ada["id"]}


def test_whose_it_is_now_decides_about_its_past_too(office: Office) -> None:
    path = f"/v1/contacts/{office.of_ada['id']}"
    then = office.patch(office.of_ada, title="Engineer")["updated_at"]
    office.patch(office.of_ada, owner_id=office.carl.id)

    for parameters in ({}, {"as_of": then}):
        problem(office.get(office.ada, path, **parameters), 404, "contact.not_found")
        problem(office.get(office.ada, f"{path}/history", **parameters), 404, "contact.not_found")
        assert office.ids(office.ada, "/v1/contacts", **parameters) == []
        assert office.get(office.carl, path, **parameters).json()["title"] == "Engineer"
        assert office.of_ada["id"] in office.ids(office.carl, "/v1/contacts", **parameters)


def test_a_change_of_teams_holds_from_the_very_next_request_on(office: Office) -> None:
    path = f"/v1/contacts/{office.of_ada['id']}"
    problem(office.get(office.bob, path), 404, "contact.not_found")
    office.share(office.bob, office.ada)
    assert office.get(office.bob, path).status_code == 200
    assert set(office.ids(office.bob, "/v1/contacts/search", q="zuse")) == {
        *(office.of_ada["id"], office.of_bob["id"]),
    }
    office.share(office.bob)
    problem(office.get(office.bob, path), 404, "contact.not_found")
    assert office.ids(office.bob, "/v1/contacts") == [office.of_bob["id"]]


def test_a_deleted_contact_is_gone_for_those_only_who_might_read_it(office: Office) -> None:
    office.delete(office.of_bob)
    path = f"/v1/contacts/{office.of_bob['id']}"
    for by, status, code in ((office.bob, 410, "contact.deleted"), (office.ada, 404, "contact.not_found")):
        problem(office.get(by, path), status, code)
        problem(by.http.patch(path, json={"title": "x"}), status, code)
        problem(by.http.delete(path), status, code)


def test_who_writes_more_than_they_read_finds_no_more(installation: Installation, office: Office) -> None:
    held = ["contacts.read:own", "contacts.write:all"]
    office.tenant.http.post("/v1/roles", json={"name": "wide", "permissions": held})
    wide = person(installation, office.tenant, ["wide"])
    problem(wide.http.patch(f"/v1/contacts/{office.of_bob['id']}", json={}), 404, "contact.not_found")


def test_who_reads_nobodys_contacts_is_refused(installation: Installation, office: Office) -> None:
    office.tenant.http.post("/v1/roles", json={"name": "blind", "permissions": ["contacts.write:all"]})
    blind = person(installation, office.tenant, ["blind"])
    for path in office.operations():
        answer = office.get(blind, path.replace("{contact_id}", office.of_bob["id"]), q="zuse")
        assert problem(answer, 403, "permission.missing")["permission"] == "contacts.read"
