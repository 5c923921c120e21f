"""R6.1, R6.2, R6.3, R6.4: another tenant's data is not there, in no answer of no operation, to the byte."""

import re
import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.importing import uploaded
from tests.acceptance.installation import PASSWORD, Installation, Tenant, problem
from tests.acceptance.probes import duplicates_of, notification_of

pytestmark = pytest.mark.servers

NOT_IDS = ["1", "x", "NULL", "%00", "%FF", "0" * 32, "{11111111-1111-1111-1111-111111111111}"]


@pytest.fixture
def other(installation: Installation) -> Tenant:
    """A second tenant."""
    return installation.tenant("Bombe Works")


UNTOLD = {"x-correlation-id", "date", "connection", "ratelimit", "ratelimit-policy"}
"""Headers that say nothing of the record: `connection` depends on whether the body had arrived by then, every request
leaves one less, and a process that has to count for itself for a moment counts up to its share."""


WIDEST = {"limit": 200, "q": "ada"}
"""Parameters with which a list shows most."""


def comparable(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Everything of an answer but what is about the request itself."""
    body = answer.content.replace(answer.headers["X-Correlation-Id"].encode(), b"")
    body = re.sub(rb'"as_of":"[^"]+"', b"", body)
    headers = [(name, value) for name, value in answer.headers.items() if name not in UNTOLD]
    return answer.status_code, body, sorted(headers)


def operations_on_one_record(tenant: Tenant) -> list[tuple[str, str]]:
    """Method and path of every operation that has one id in its path; keys of custom fields are no ids."""
    paths: dict[str, dict[str, Any]] = tenant.http.get("/openapi.json").json()["paths"]
    found = {path: methods for path, methods in paths.items() if path.count("{") == 1 and "{record_kind}" not in path}
    return [(method, path) for path, methods in found.items() for method in methods]


def ids_of(tenant: Tenant) -> dict[str, str]:
    """An id of the tenant's own for each name that paths use."""
    (session,) = tenant.http.get("/v1/auth/sessions").json()["data"]
    role = tenant.http.post("/v1/roles", json={"name": f"Role {uuid.uuid4()}", "permissions": []}).json()
    team = tenant.http.post("/v1/teams", json={"name": "North"}).json()
    key = tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": []}).json()
    lead = tenant.http.post("/v1/leads", json={"title": "Engine"}).json()
    tenant.http.post(f"/v1/leads/{lead['id']}/qualify", json={})
    contact_id = tenant.add()["id"]
    return {
        "api_key_id": key["id"],
        "company_id": tenant.http.post("/v1/companies", json={"name": f"Mills {uuid.uuid4()}"}).json()["id"],
        "contact_id": contact_id,
        "duplicates_id": duplicates_of(tenant, "isolation"),
        "import_id": uploaded(tenant, "name\nAda\n")["id"],
        "interaction_id": tenant.http.post("/v1/interactions", json={"type": "call"}).json()["id"],
        "note_id": tenant.http.post(f"/v1/contacts/{contact_id}/notes", json={"html": "x"}).json()["id"],
        "lead_id": lead["id"],
        "notification_id": notification_of(tenant),
        "customer_id": tenant.http.post(f"/v1/leads/{lead['id']}/convert", json={}).json()["customer_id"],
        "session_id": session["id"],
        "user_id": tenant.user_id,
        "role_key": role["key"],
        "team_id": team["id"],
    }


def id_in(path: str) -> str:
    """The name of the id in a path."""
    (name,) = re.findall(r"{(\w+)}", path)
    return str(name)


def call(tenant: Tenant, method: str, path: str, some_id: str) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    url = path.replace(f"{{{id_in(path)}}}", some_id)
    return tenant.http.request(method.upper(), url, content=b'{"title": "x"}', headers=headers)


def test_another_tenants_record_is_missing_to_the_byte_for_every_operation(tenant: Tenant, other: Tenant) -> None:
    ids = ids_of(tenant)
    operations = operations_on_one_record(tenant)
    assert {("get", "/v1/contacts/{contact_id}"), ("patch", "/v1/contacts/{contact_id}")} <= set(operations)
    before = tenant.http.get(f"/v1/contacts/{ids['contact_id']}").json()

    for method, path in operations:
        foreign = call(other, method, path, ids[id_in(path)])
        problem(foreign, 404, f"{id_in(path).rpartition('_')[0]}.not_found")
        assert comparable(foreign) == comparable(call(other, method, path, str(uuid.uuid4()))), (method, path)

    assert tenant.http.get(f"/v1/contacts/{ids['contact_id']}").json() == before


@pytest.mark.parametrize("not_an_id", NOT_IDS)
def test_what_is_no_uuid_is_missing_to_the_byte(tenant: Tenant, not_an_id: str) -> None:
    for method, path in operations_on_one_record(tenant):
        odd = call(tenant, method, path, not_an_id)
        assert comparable(odd) == comparable(call(tenant, method, path, str(uuid.uuid4()))), (method, path)


def test_a_deleted_record_of_another_tenant_is_missing_too(tenant: Tenant, other: Tenant) -> None:
    made = tenant.add()
    tenant.http.delete(f"/v1/contacts/{made['id']}")
    problem(other.http.get(f"/v1/contacts/{made['id']}"), 404, "contact.not_found")
    problem(other.http.delete(f"/v1/contacts/{made['id']}"), 404, "contact.not_found")


def test_lists_searches_and_histories_show_the_callers_tenant_alone(tenant: Tenant, other: Tenant) -> None:
    body = {"name": "Ada Lovelace", "email": "ada@engines.example", "tags": ["math"]}
    mine, theirs = tenant.add(body | {"company": "Engines"}), other.add(body | {"company": "Engines"})

    assert mine["company"]["id"] != theirs["company"]["id"]
    for one, own in ((tenant, mine), (other, theirs)):
        assert [contact["id"] for contact in one.get("/v1/contacts").json()["data"]] == [own["id"]]
        assert [contact["id"] for contact in one.get("/v1/contacts", tag="math").json()["data"]] == [own["id"]]
        assert [contact["id"] for contact in one.search("lovelace").json()["data"]] == [own["id"]]
        assert one.get("/v1/contacts", owner_id=(tenant if one is other else other).user_id).json()["data"] == []
        assert {entry["actor"]["id"] for entry in one.get(f"/v1/contacts/{own['id']}/history").json()["data"]} == {
            one.user_id
        }


def fill(tenant: Tenant) -> set[str]:
    """One of everything that lists show; returns what tells it from another tenant's: ids, names, addresses."""
    sign = uuid.uuid4().hex[:8]
    mail = f"{sign}@engines.example"
    contact = tenant.add({"name": f"Ada {sign}", "email": f"ada-{mail}", "company": f"Engines {sign}"})
    team, role, person, guest = (
        tenant.http.post(f"/v1/{kind}", json=body)
        for kind, body in (
            ("teams", {"name": f"Team {sign}"}),
            ("roles", {"name": f"Role {sign}", "permissions": []}),
            ("users", {"name": f"User {sign}", "email": f"user-{mail}", "password": PASSWORD, "roles": []}),
            ("invites", {"email": f"guest-{mail}", "roles": []}),
        )
    )
    assert [answer.status_code for answer in (team, role, person, guest)] == [201] * 4
    tenant.position = int(guest.headers["Event-Position"])
    (session,) = tenant.http.get("/v1/auth/sessions").json()["data"]
    ids = {each.json()["id"] for each in (team, person, guest)} | {contact["id"], contact["company"]["id"]}
    return {*ids, sign, session["id"], role.json()["key"], tenant.user_id, tenant.email}


def test_no_list_of_the_api_shows_anything_of_another_tenant(tenant: Tenant, other: Tenant) -> None:
    paths: dict[str, dict[str, Any]] = tenant.http.get("/openapi.json").json()["paths"]
    # A stream tells what the list of the same name does, and goes on. Figures name tenants, to operators.
    lists = [
        path
        for path in paths
        if "get" in paths[path] and "{" not in path and path != "/metrics" and not path.endswith("/stream")
    ]
    assert {"/v1/contacts", "/v1/users", "/v1/roles", "/v1/teams", "/v1/auth/sessions"} <= set(lists)
    one, two = fill(tenant), fill(other)

    for asking, own, foreign in ((tenant, one, two | {other.id}), (other, two, one | {tenant.id})):
        seen = ""
        for path in lists:
            taken = {each["name"] for each in paths[path]["get"]["parameters"] if each["in"] == "query"}
            answer = asking.get(path, **{name: most for name, most in WIDEST.items() if name in taken})
            assert answer.status_code == 200, (path, answer.text)
            assert [each for each in foreign if each in answer.text] == [], path
            seen += answer.text
        assert [each for each in own if each not in seen] == [], "what is one's own is shown, so the rest could be"


def test_records_of_another_tenant_can_not_be_referred_to(tenant: Tenant, other: Tenant) -> None:
    theirs = other.add({"name": "Ada", "company": "Engines"})
    body = {"name": "Grace", "owner_id": other.user_id, "company": {"id": theirs["company"]["id"]}}

    errors = problem(tenant.http.post("/v1/contacts", json=body), 422, "validation.failed")["errors"]

    unknown = {"name": "Grace", "owner_id": str(uuid.uuid4()), "company": {"id": str(uuid.uuid4())}}
    assert errors == tenant.http.post("/v1/contacts", json=unknown).json()["errors"]


def test_external_ids_and_keys_of_two_tenants_do_not_meet(tenant: Tenant, other: Tenant) -> None:
    body = {"name": "Ada", "external_ids": {"erp": "7"}}
    mine, theirs = (one.add(body, **{"Idempotency-Key": "same"}) for one in (tenant, other))
    assert mine["id"] != theirs["id"]


def test_no_request_names_a_tenant(tenant: Tenant, other: Tenant) -> None:
    answer = tenant.http.post("/v1/contacts", json={"name": "Ada", "tenant_id": other.id})
    assert [error["code"] for error in problem(answer, 422, "validation.failed")["errors"]] == ["field.read_only"]
    problem(tenant.http.get("/v1/contacts", params={"tenant_id": other.id}), 400, "query.invalid")
    tenant.add({"name": "Ada"}, **{"X-Tenant-Id": other.id})
    assert other.get("/v1/contacts").json()["data"] == []


def test_a_position_says_nothing_of_other_tenants(tenant: Tenant, other: Tenant) -> None:
    assert (tenant.position, other.position) == (3, 3)
    tenant.add()
    other.add()
    assert (tenant.position, other.position) == (4, 4)
