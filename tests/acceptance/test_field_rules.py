"""R2.6: what is hidden is in no answer, and what is not one's to write is not written, found through openapi.json."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from domain.field_rules import RULED
from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import Person, person

pytestmark = pytest.mark.servers

SECRETS: dict[str, Any] = {
    "name": {"given": "Konradin", "family": "Zusemann"},
    "emails": [{"value": "geheim@secretive.example"}],
    "phones": [{"value": "+493012345678"}],
    "company": "Verschwiegen GmbH",
    "title": "Geheimrat",
    "tags": ["diskret"],
    "external_ids": {"erp": "4711-007"},
    "lifecycle": "evangelist",
}
SIGNS: dict[str, list[str]] = {
    "name": ["konradin", "zusemann"],
    "emails": ["geheim@", "secretive"],
    "phones": ["12345678"],
    "company": ["verschwiegen"],
    "title": ["geheimrat"],
    "tags": ["diskret"],
    "external_ids": ["4711-007"],
    "lifecycle": ["evangelist"],
}
"""What tells each of these values, in lower case."""
MEMBERS = {"name": "konradin", "emails": "secretive", "company": "verschwiegen", "title": "geheimrat"}
"""What finds the contact by a field alone."""


def rule(field: str, access: str) -> dict[str, str]:
    return {"resource": "contacts", "field": field, "access": access}


class Desk:
    """A tenant with a contact that has everything, changed and changed back, and people who don't see all of it."""

    def __init__(self, installation: Installation, tenant: Tenant) -> None:
        self.installation, self.tenant = installation, tenant
        self.owner = person(installation, tenant)
        self.contact = tenant.add({**SECRETS, "owner_id": self.owner.id})
        self.path = f"/v1/contacts/{self.contact['id']}"
        self.note_id = tenant.http.post(f"{self.path}/notes", json={"html": "<p>Rings on Mondays</p>"}).json()["id"]
        self.patch(title="Geheimrat a.D.", tags=["diskret", "vip"], lifecycle="customer")
        self.then = self.patch(title="Geheimrat", lifecycle="evangelist")["updated_at"]

    def patch(self, **members: Any) -> Any:
        answer = self.tenant.http.patch(self.path, json=members)
        assert answer.status_code == 200, answer.text
        self.tenant.position = int(answer.headers["Event-Position"])
        return answer.json()

    def reader(self, *rules: dict[str, str]) -> Person:
        """Somebody in a role with these rules."""
        held = ["contacts.read", "contacts.write", "contacts.delete", "audit.read"]
        made = self.tenant.http.post("/v1/roles", json={"name": "Ruled", "permissions": held, "field_rules": rules})
        assert made.status_code == 201, made.text
        return person(self.installation, self.tenant, ["ruled"])

    def hiding(self, *fields: str) -> Person:
        return self.reader(*(rule(field, "hidden") for field in fields))

    def get(self, by: Person | Tenant, path: str, **parameters: Any) -> httpx.Response:
        return by.http.get(path, params=parameters, headers={"Read-After": str(self.tenant.position)})

    def answers(self, by: Person) -> Iterator[tuple[str, httpx.Response]]:
        """All that anybody can read with contacts.read and audit.read, now and as of the past."""
        paths: dict[str, dict[str, Any]] = self.tenant.http.get("/openapi.json").json()["paths"]
        for path, methods in paths.items():
            operation = methods.get("get", {})
            if operation.get("x-permission") not in {"contacts.read", "audit.read"}:
                continue
            takes = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
            for text in MEMBERS.values() if "q" in takes else [None]:
                for as_of in (None, self.then) if "as_of" in takes else [None]:
                    asked = {"q": text, "as_of": as_of, "limit": 200 if "limit" in takes else None}
                    parameters = {name: value for name, value in asked.items() if value is not None}
                    company_id = self.contact["company"]["id"]
                    own = {"contact_id": self.contact["id"], "company_id": company_id, "record_kind": "contact"}
                    own["note_id"] = self.note_id
                    yield path, self.get(by, path.format_map(own), **parameters)


@pytest.fixture
def desk(installation: Installation, tenant: Tenant) -> Desk:
    return Desk(installation, tenant)


def signs(answer: httpx.Response, *fields: str) -> list[str]:
    text = json.dumps(answer.json(), ensure_ascii=False).lower()
    return [sign for field in fields for sign in SIGNS[field] if sign in text]


@pytest.mark.parametrize("hidden", [("name",), ("emails", "phones"), ("company",), tuple(SIGNS)])
def test_what_is_hidden_is_in_no_answer(desk: Desk, hidden: tuple[str, ...]) -> None:
    reader = desk.hiding(*hidden)
    seen: set[str] = set()
    shown = [field for field in SIGNS if field not in hidden]
    for path, answer in desk.answers(reader):
        if "company" in hidden and path.startswith("/v1/companies"):
            problem(answer, 403, "permission.missing")
            continue
        assert answer.status_code == 200, answer.text
        assert signs(answer, *hidden) == [], path
        seen |= set(signs(answer, *shown))
    assert seen == {sign for field in shown for sign in SIGNS[field]}, "the rest is shown, so what is hidden could be"
    assert desk.get(reader, desk.path).json().keys() == desk.contact.keys() - set(hidden)


def test_who_owns_a_contact_can_be_hidden(desk: Desk) -> None:
    reader = desk.hiding("owner_id", "custom")
    for path, answer in desk.answers(reader):
        # Who could see a contact is for the audit and tells users; there the owner has entries of his own, too.
        if path not in {"/v1/audit", "/v1/contacts/{contact_id}/access"}:
            assert desk.owner.id not in answer.text, path
    assert desk.owner.id not in desk.get(reader, "/v1/audit", target_id=desk.contact["id"]).text
    assert desk.get(reader, desk.path).json().keys() == desk.contact.keys() - {"owner_id", "custom"}


def test_a_search_looks_only_at_what_is_seen(desk: Desk) -> None:
    reader = desk.hiding("emails", "company", "title", "phones")
    for text in ("secretive", "geheim", "verschwiegen", "geheimrat", "+493012345678"):
        assert desk.tenant.search(text).json()["data"]
        assert desk.get(reader, "/v1/contacts/search", q=text).json()["data"] == []
    (hit,) = desk.get(reader, "/v1/contacts/search", q="zusemann konradin").json()["data"]
    assert (hit["matched"], hit["name"]["family"]) == (["name"], "Zusemann")


@pytest.mark.parametrize(
    ("field", "parameters"),
    [
        ("owner_id", {"owner_id": "11111111-1111-7111-8111-111111111111"}),
        ("company", {"company_id": "11111111-1111-7111-8111-111111111111"}),
        ("tags", {"tag": "diskret"}),
        ("name", {"sort": "name"}),
    ],
)
def test_nothing_is_filtered_or_sorted_by_what_is_hidden(desk: Desk, field: str, parameters: dict[str, str]) -> None:
    reader = desk.hiding(field)
    for more in ({}, {"as_of": desk.then}):
        (error,) = problem(desk.get(reader, "/v1/contacts", **parameters, **more), 400, "query.invalid")["errors"]
        assert (error["parameter"], error["code"]) == (next(iter(parameters)), "field.hidden")
        assert desk.tenant.get("/v1/contacts", **parameters, **more).status_code == 200


def test_the_order_by_name_tells_no_address_that_is_hidden(desk: Desk) -> None:
    reader = desk.hiding("emails")
    nameless = [desk.tenant.add({"email": f"{letter}@x.example"})["id"] for letter in "zmaz"]
    for more in ({}, {"as_of": desk.tenant.http.get(f"/v1/contacts/{nameless[-1]}").json()["updated_at"]}):
        found: list[str] = []
        cursor: dict[str, str] = {}
        while len(found) < 5:
            page = desk.get(reader, "/v1/contacts", sort="name", limit=2, **more, **cursor).json()
            found += [each["id"] for each in page["data"]]
            cursor = {"cursor": page["next_cursor"]}
        assert found == [*sorted(nameless), desk.contact["id"]]


def test_history_keeps_its_entries_and_leaves_out_what_is_hidden(desk: Desk) -> None:
    reader = desk.hiding("title", "lifecycle")
    entries = desk.get(reader, f"{desk.path}/history").json()["data"]
    changes = [{change["field"] for change in entry["changes"]} for entry in entries]
    assert changes[:2] == [set(), {"tags"}]
    assert {"name.given", "company_id", "external_ids.erp", "owner_id"} <= changes[2]
    assert not {"title", "lifecycle"} & changes[2]
    (newest, *_) = desk.get(reader, "/v1/audit", target_id=desk.contact["id"]).json()["data"]
    assert (newest["action"], newest["changes"]) == ("contact.changed", [])


@pytest.mark.parametrize("access", ["hidden", "read"])
def test_what_is_not_ones_to_write_is_refused_whatever_the_value(desk: Desk, access: str) -> None:
    writer = desk.reader(*(rule(field, access) for field in RULED["contacts"]))
    body = {**SECRETS, "owner_id": desk.owner.id, "custom": {"salary": 1}, "email": "no address", "phone": None}
    refused = {f"/{name}": "field.not_writable" for name in body if name != "custom"} | {
        "/custom/salary": "field.not_writable"
    }
    for answer in (writer.http.patch(desk.path, json=body), writer.http.post("/v1/contacts", json=body)):
        assert bad_fields(answer) == refused
    assert writer.http.patch(desk.path, json={}).status_code == 200
    assert bad_fields(writer.http.patch(desk.path, json={"title": None})) == {"/title": "field.not_writable"}


def test_all_that_is_wrong_is_named_at_once_and_nothing_is_written(desk: Desk) -> None:
    writer = desk.reader(rule("title", "read"), rule("emails", "hidden"))
    body = {"title": "x", "email": "geheim@secretive.example", "tags": [" "], "nope": 1, "version": 2}
    before = desk.tenant.get(desk.path).json()
    assert bad_fields(writer.http.patch(desk.path, json=body)) == {
        "/title": "field.not_writable",
        "/email": "field.not_writable",
        "/tags/0": "tag.blank",
        "/nope": "field.unknown",
        "/version": "field.read_only",
    }
    assert desk.tenant.get(desk.path).json() == before


def test_answers_to_writes_and_dry_runs_leave_out_what_is_hidden(desk: Desk) -> None:
    writer = desk.hiding("title", "emails", "owner_id")
    for answer in (
        writer.http.patch(desk.path, json={"tags": ["new"]}, params={"dry_run": "true"}),
        writer.http.patch(desk.path, json={"tags": ["new"]}, headers={"Idempotency-Key": "once"}),
        writer.http.patch(desk.path, json={"tags": ["new"]}, headers={"Idempotency-Key": "once"}),
    ):
        assert answer.status_code == 200, answer.text
        assert signs(answer, "title", "emails") == []
        assert "owner_id" not in answer.text
        assert signs(answer, "name", "phones") == [*SIGNS["name"], *SIGNS["phones"]]
    for parameters in ({"dry_run": "true"}, {}):
        answer = writer.http.post("/v1/contacts", json={"name": "Ada"}, params=parameters)
        assert answer.is_success
        assert "owner_id" not in answer.text
    assert desk.tenant.get(f"/v1/contacts/{answer.json()['id']}").json()["owner_id"] == writer.id
    deleted = writer.http.delete(desk.path, params={"dry_run": "true"})
    assert (deleted.status_code, signs(deleted, "title", "emails")) == (200, [])


def test_clearing_what_is_seen_does_not_tell_whether_there_is_more(desk: Desk) -> None:
    writer = desk.hiding("emails", "phones")
    for body in ({"name": "Ada"}, {"name": "Ada", "email": "ada@x.example"}):
        path = f"/v1/contacts/{desk.tenant.add(body)['id']}"
        for parameters in ({"dry_run": "true"}, {}):
            answer = writer.http.patch(path, json={"name": None}, params=parameters)
            assert bad_fields(answer) == {"": "contact.empty"}
        assert writer.http.patch(path, json={"title": "x"}).status_code == 200


def test_rules_hold_from_the_very_next_request_on_and_the_most_permissive_role_wins(desk: Desk) -> None:
    reader = desk.hiding("title", "tags")
    roles = f"/v1/users/{reader.id}/roles"

    def sees() -> set[str]:
        shown: dict[str, Any] = desk.get(reader, desk.path).json()
        return {"title", "tags"} & shown.keys()

    assert sees() == set()
    desk.tenant.http.patch("/v1/roles/ruled", json={"field_rules": [rule("tags", "hidden")]})
    assert sees() == {"title"}
    looser = {"name": "Looser", "permissions": ["contacts.read"], "field_rules": [rule("tags", "read")]}
    desk.tenant.http.post("/v1/roles", json=looser)
    desk.tenant.http.put(roles, json={"roles": ["ruled", "looser"]})
    assert sees() == {"title", "tags"}
    assert bad_fields(reader.http.patch(desk.path, json={"tags": []})) == {"/tags": "field.not_writable"}
    desk.tenant.http.put(roles, json={"roles": ["ruled", "sales"]})
    assert sees() == {"title", "tags"}
    desk.tenant.http.put(roles, json={"roles": ["ruled"]})
    assert sees() == {"title"}


def test_an_auditor_who_reads_no_contacts_is_ruled_in_the_audit_trail(desk: Desk) -> None:
    rules = [rule(field, "hidden") for field in SIGNS]
    body = {"name": "Auditors", "permissions": ["audit.read", "users.read"], "field_rules": rules}
    assert desk.tenant.http.post("/v1/roles", json=body).status_code == 201
    auditor = person(desk.installation, desk.tenant, ["auditors"])
    answer = desk.get(auditor, "/v1/audit")
    assert (len(answer.json()["data"]) > 3, signs(answer, *SIGNS)) == (True, [])
    told = auditor.http.get(f"/v1/users/{auditor.id}/access").json()["field_rules"]
    assert {each["field"]: each["from"] for each in told} == {field: ["auditors"] for field in SIGNS}


def test_what_a_hidden_custom_field_is_stands_in_no_audit_trail_but_of_those_who_manage_fields(desk: Desk) -> None:
    field = {"label": "Gehaltsstufe", "type": "choice", "choices": ["Tarif", "Vorstand"]}
    path = "/v1/custom-fields/contact/pay"
    assert desk.tenant.http.put(path, json=field).is_success
    assert desk.tenant.http.put(path, json=field | {"choices": ["Tarif", "Vorstand", "Boni"]}).is_success
    reader = desk.hiding("custom.pay")
    told = [desk.get(by, "/v1/audit", limit=200).text for by in (reader, desk.tenant)]
    assert [sum(sign in text for sign in ("Gehaltsstufe", "Vorstand", "Boni")) for text in told] == [0, 3]


def test_a_key_is_ruled_by_its_own_roles(desk: Desk) -> None:
    desk.hiding("title")
    key = desk.tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": ["ruled"]}).json()["key"]
    answer = desk.tenant.http.get(desk.path, headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, "title" in answer.json()) == (200, False)
