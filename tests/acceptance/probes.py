"""Every place of the API where an id, a cursor or a key of somebody else's can be put, read off its own document."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from tests.acceptance.installation import PASSWORD, Tenant

Document = Mapping[str, Any]

_WORDS = {"record_kind": "contact", "score_name": "model"}
_OWN_WORDS = {
    ("record_kind", "GET"),
    ("record_kind", "PUT"),
    ("record_kind", "DELETE"),
    ("field_key", "PUT"),
    ("score_name", "PUT"),
}
"""Parts of paths that name no record of anybody: of the kinds there are one, and what a new field is to be called."""


class Probe(NamedTuple):
    """A request with room for a value: in the path, the query, a header or the body."""

    method: str
    path: str
    where: str
    name: str
    body: Any = None
    place: tuple[str | int, ...] = ()

    def ask(self, tenant: Tenant, own: Mapping[str, str], value: str) -> httpx.Response:
        """Send it as a tenant, with ids of its own in the other places."""
        path, options = self.path, dict[str, Any]()
        if self.where == "path":
            path = path.replace(f"{{{self.name}}}", value)
        elif self.where == "query":
            options = {"params": {self.name: value} | ({"limit": "1"} if self.name == "cursor" else {})}
        elif self.where == "header":
            options = {"headers": {self.name: value}}
        body = placed(self.body, self.place, value) if self.place else self.body
        path = filled(path, own)
        if isinstance(body, dict) and "file" in body:
            options["files"] = as_form(body)
        elif body is not None:
            options["json"] = body
        return tenant.http.request(self.method, path, **options)


def as_form(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body that is a form with a file, as the client wants it."""
    return {"options": (None, json.dumps(body["options"])), "file": ("contacts.csv", body["file"].encode())}


def filled(path: str, own: Mapping[str, str]) -> str:
    """A path with ids in its places."""
    return re.sub(r"{(\w+)}", lambda found: _WORDS.get(found[1]) or own[found[1]], path)


def document_of(tenant: Tenant) -> Document:
    """The API as it describes itself."""
    found: Document = tenant.http.get("/openapi.json").json()
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, path and operation of everything but the ways in, which are of no tenant yet."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/") and not re.match(r"/v1/auth/(?!sessions)", path):
                yield method.upper(), path, operation


def with_ids(document: Document) -> Iterator[Probe]:
    """Where ids go: path parameters, query parameters and members of bodies that are UUIDs, and keys of roles."""
    for method, path, operation in operations(document):
        if path.endswith("/stream"):
            continue  # it tells what the list of the same name does, and goes on
        example = example_of(operation)
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" and (parameter["name"], method) not in _OWN_WORDS:
                yield Probe(method, path, "path", parameter["name"], example)
            elif parameter["in"] == "query" and parameter["schema"].get("format") == "uuid":
                yield Probe(method, path, "query", parameter["name"], example)
        if example is not None:
            for place in places(schema_of(operation), document):
                yield Probe(method, path, "body", ".".join(map(str, place)), example, place)


def with_header(document: Document, name: str) -> Iterator[Probe]:
    """Operations that take a header."""
    for method, path, operation in operations(document):
        if any((each["in"], each["name"]) == ("header", name) for each in operation.get("parameters", ())):
            yield Probe(method, path, "header", name, example_of(operation))


def with_cursor(document: Document) -> Iterator[Probe]:
    """Lists that are read page by page."""
    for method, path, operation in operations(document):
        if any((each["in"], each["name"]) == ("query", "cursor") for each in operation.get("parameters", ())):
            yield Probe(method, path, "query", "cursor", example_of(operation))


def example_of(operation: Mapping[str, Any]) -> Any:
    """The body that the document shows; None where there is none."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        return content["examples"]["example"]["value"]
    return None


def schema_of(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the body."""
    content: Mapping[str, Any] = next(iter(operation["requestBody"]["content"].values()))
    schema: Mapping[str, Any] = content["schema"]
    return schema


def places(
    schema: Mapping[str, Any], document: Document, at: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Where a body may hold a UUID, or the key of a role."""
    if reference := schema.get("$ref"):
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    if schema.get("format") == "uuid" or at[-2:] == ("roles", 0):
        yield at
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from places(option, document, at)
    for name, member in schema.get("properties", {}).items():
        yield from places(member, document, (*at, name))
    if items := schema.get("items"):
        yield from places(items, document, (*at, 0))


def placed(body: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """A body with a value at a place, and what leads there."""
    if not place:
        return value
    key, *rest = place
    if isinstance(key, int):
        return [placed(None, tuple(rest), value)]
    made = copy.deepcopy(body) if isinstance(body, dict) else {}
    made[key] = placed(made.get(key), tuple(rest), value)
    return made


def two_of_everything(tenant: Tenant, sign: str) -> dict[str, str]:
    """Makes at least two of all that lists show, each with the sign in it; an id of each, by the names of paths."""
    made: dict[str, str] = {}
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "contact_id": ("contacts", {"name": f"Ada {sign}", "company": f"Engines {sign}", "tags": [sign]}),
        "company_id": ("companies", {"industry": sign}),
        "user_id": ("users", {"name": f"User {sign}", "password": PASSWORD, "roles": ["sales"]}),
        "role_key": ("roles", {"permissions": []}),
        "team_id": ("teams", {"name": f"Team {sign}"}),
        "api_key_id": ("api-keys", {"name": f"Key {sign}", "roles": []}),
        "lead_id": ("leads", {"title": f"Engine {sign}", "tags": [sign]}),
    }
    for number in range(2):
        for name, (path, body) in bodies.items():
            own = {"email": f"{name}-{number}-{sign}@engines.example"} if path in {"contacts", "users"} else {}
            own |= {"name": f"{path} {number} {sign}"} if path in {"roles", "companies"} else {}
            answer = tenant.http.post(f"/v1/{path}", json=body | own)
            assert answer.status_code == 201, answer.text
            made[name] = answer.json()["key" if name == "role_key" else "id"]
            tenant.position = int(answer.headers.get("Event-Position", tenant.position))
            if path == "leads":
                said = {"value": 1, "confidence": 1, "explanation": sign}
                assert tenant.http.put(f"/v1/leads/{made['lead_id']}/score/model", json=said).status_code == 201
                made["customer_id"] = _converted(tenant, made["lead_id"])
    assert tenant.http.patch(f"/v1/contacts/{made['contact_id']}", json={"title": sign}).status_code == 200
    assert tenant.http.patch(f"/v1/companies/{made['company_id']}", json={"size": sign}).status_code == 200
    for number in range(2):
        made["other_id"] = tenant.add({"name": f"Other {number} {sign}"})["id"]
        related = f"/v1/contacts/{made['contact_id']}/relationships/{made['other_id']}"
        assert tenant.http.put(related, json={"kind": sign}).status_code == 201
    for _ in range(2):
        about = {"contact_id": made["contact_id"], "type": "note", "subject": sign}
        made["interaction_id"] = tenant.http.post("/v1/interactions", json=about).json()["id"]
        note = tenant.http.post(f"/v1/contacts/{made['contact_id']}/notes", json={"html": sign}).json()
        made["note_id"] = note["id"]
        assert tenant.http.patch(f"/v1/notes/{note['id']}", json={"html": f"{sign}!"}).status_code == 200
    made["duplicates_id"] = duplicates_of(tenant, sign)
    for number in range(2):
        form = {"options": {}, "file": f"name,{sign}\nImported {number} {sign},{sign}\n"}
        made["import_id"] = tenant.http.post("/v1/imports", files=as_form(form)).json()["id"]
    made["notification_id"] = notification_of(tenant)
    made["field_key"] = f"key_{sign}"
    field = {"label": f"Field {sign}", "type": "text"}
    assert tenant.http.put(f"/v1/custom-fields/contact/key_{sign}", json=field).status_code == 201
    made["session_id"] = tenant.http.get("/v1/auth/sessions").json()["data"][0]["id"]
    return made


def duplicates_of(tenant: Tenant, sign: str) -> str:
    """Makes two contacts that are one person, or two pairs of such; the id of a pair."""
    for number in range(4):
        tenant.add({"name": f"Twice {sign}", "email": f"twice-{number // 2}-{sign}@engines.example"})
    pairs = tenant.get("/v1/contacts/duplicates").json()["data"]
    return str(pairs[0]["id"])


def _converted(tenant: Tenant, lead_id: str) -> str:
    """The customer that a lead becomes."""
    assert tenant.http.post(f"/v1/leads/{lead_id}/qualify").status_code == 200
    answer = tenant.http.post(f"/v1/leads/{lead_id}/convert", json={})
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    return str(answer.json()["customer_id"])


def notification_of(tenant: Tenant) -> str:
    """What the tenant's first user is told when somebody else, a key, gives them a lead, and another one."""
    key = tenant.http.post("/v1/api-keys", json={"name": "giving", "roles": ["admin"]}).json()["key"]
    lead_id = tenant.http.post("/v1/leads", json={"title": "Given"}).json()["id"]
    for owner_id in (None, tenant.user_id, None, tenant.user_id):
        body, headers = {"owner_id": owner_id}, {"Authorization": f"Bearer {key}"}
        answer = tenant.http.post(f"/v1/leads/{lead_id}/assign", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        tenant.position = int(answer.headers["Event-Position"])
    return str(tenant.get("/v1/notifications").json()["data"][0]["id"])
