"""R7.5, N-U1: the API document is whole, its examples work, and the page about it needs no network."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.http.operation import SIGNED_IN
from domain.access import PERMISSIONS
from tests.acceptance.importing import uploaded
from tests.acceptance.installation import Installation, Tenant
from tests.acceptance.people import person
from tests.acceptance.probes import as_form, duplicates_of, notification_of

pytestmark = pytest.mark.servers

ORDER = {
    "/v1/auth/register": -1,
    "/v1/leads/{lead_id}/convert": 0.2,
    "/v1/leads/{lead_id}/undo-convert": 0.3,
    "/v1/leads/{lead_id}/lose": 0.4,
    "/v1/leads/{lead_id}/reopen": 0.5,
    "/v1/auth/password/change": 1,
    "/v1/auth/logout": 2,
}
WITH_TOKENS = {
    *("/v1/auth/refresh", "/v1/auth/invites/accept", "/v1/auth/password/reset"),
    *("/v1/auth/totp/confirm", "/v1/auth/totp/disable"),
}
MANDATORY = {"401", "403", "500", "503"}


@pytest.fixture(scope="module")
def document(installation: Installation) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = installation.tenant().http.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def everything(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from everything(inner)


def test_it_is_openapi_3_1_with_what_that_requires(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"]
    assert document["info"]["version"]
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) >= 12
    for method, path, operation in operations(document):
        declared = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert re.findall(r"{(\w+)}", path) == declared, (method, path)
        assert all(parameter["schema"] for parameter in operation["parameters"])
        assert operation["summary"]
        assert operation["tags"]
        assert all(answer["description"] for answer in operation["responses"].values())


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in everything(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        here: Any = document
        for name in reference.removeprefix("#/").split("/"):
            here = here[name.replace("~1", "/").replace("~0", "~")]
        assert here, reference


def test_every_operation_says_who_may_use_it(document: dict[str, Any]) -> None:
    assert document["security"] == [{"bearer": []}]
    for method, path, operation in operations(document):
        if operation.get("security") == []:
            assert "x-permission" not in operation, (method, path)
        else:
            assert operation["x-permission"] in {SIGNED_IN, *PERMISSIONS}, (method, path)
            assert operation["responses"].keys() >= MANDATORY, (method, path)


def test_what_is_public_is_known(document: dict[str, Any]) -> None:
    public = {path for _, path, operation in operations(document) if operation.get("security") == []}
    assert public == {
        "/v1/auth/register",
        "/v1/auth/login",
        "/v1/auth/refresh",
        "/v1/auth/invites/accept",
        "/v1/auth/password/forgot",
        "/v1/auth/password/reset",
        "/.well-known/jwks.json",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/openapi.json",
        "/docs",
    }


def test_every_operation_has_examples(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        bodies = list(operation.get("requestBody", {}).get("content", {}).values())
        answers = [
            content for answer in operation["responses"].values() for content in answer.get("content", {}).values()
        ]
        assert answers or path == "/docs", (method, path)
        assert all(content.get("examples") for content in (*bodies, *answers)), (method, path)


def test_every_example_of_a_body_is_taken_by_the_api_it_describes(
    document: dict[str, Any], installation: Installation
) -> None:
    tenant = installation.tenant()
    ids = {
        "contact_id": tenant.add()["id"],
        "import_id": uploaded(tenant, "Name,E-mail,Notes\nAda,ada@engines.example,\n")["id"],
        "other_id": tenant.add()["id"],
        "duplicates_id": duplicates_of(tenant, "documents"),
        "interaction_id": tenant.http.post("/v1/interactions", json={"type": "call"}).json()["id"],
        "company_id": tenant.http.post("/v1/companies", json={"name": "Mills"}).json()["id"],
        "user_id": person(installation, tenant).id,
        "api_key_id": tenant.http.post("/v1/api-keys", json={"name": "Import", "roles": []}).json()["id"],
        "team_id": tenant.http.post("/v1/teams", json={"name": "South"}).json()["id"],
        "lead_id": tenant.http.post("/v1/leads", json={"title": "Engine"}).json()["id"],
        "role_key": tenant.http.post("/v1/roles", json={"name": "Guests", "permissions": []}).json()["key"],
        "notification_id": notification_of(tenant),
        "record_kind": "contact",
        "field_key": "contract_number",
        "score_name": "win_model",
    }
    ids["note_id"] = tenant.http.post(f"/v1/contacts/{ids['contact_id']}/notes", json={"html": "x"}).json()["id"]
    twin = {"from": tenant.add({"name": "Twin", "title": "Countess"})["id"]}
    there = {f"/v1/contacts/{{contact_id}}/{act}": twin for act in ("merge", "unmerge")}
    sent = 0
    # The example of a login is that of the sign-up before it; what signs out comes last.
    for method, path, operation in sorted(operations(document), key=lambda found: ORDER.get(found[1], 0)):
        if path in WITH_TOKENS:  # made up, as secrets in examples are
            continue
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            for example in content["examples"].values():
                form, body = media == "multipart/form-data", example["value"]
                if isinstance(body, str):
                    sent_as = httpx.Request("POST", "http://x", content=body)
                else:
                    body |= there.get(path, {})
                    parts = {"files": as_form(body)} if form else {"json": body}
                    sent_as = httpx.Request("POST", "http://x", **parts)
                answer = tenant.http.request(
                    method,
                    re.sub(r"{(\w+)}", lambda found: ids[found[1]], path),
                    content=sent_as.read(),
                    headers={"Content-Type": sent_as.headers["Content-Type"] if form else media},
                )
                assert answer.status_code in {200, 201, 202, 204}, (method, path, answer.text)
                assert str(answer.status_code) in operation["responses"]
                sent += 1
                if path == "/v1/auth/password/change":
                    tenant.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert sent >= 4


def test_answers_have_the_members_that_their_examples_show(document: dict[str, Any], tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace", "company": "Engines"})
    urls = {
        "/v1/companies": {},
        "/v1/companies/search": {"q": "engines"},
        "/v1/companies/{company_id}": {},
        "/v1/contacts": {},
        "/v1/contacts/search": {"q": "lovelace"},
        "/v1/contacts/{contact_id}": {},
        "/v1/contacts/{contact_id}/history": {},
        "/health/live": {},
        "/health/ready": {},
        "/.well-known/jwks.json": {},
    }
    for path, parameters in urls.items():
        url = path.replace("{contact_id}", made["id"]).replace("{company_id}", made["company"]["id"])
        answer = tenant.get(url, **parameters).json()
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert shape(answer) == shape(content["examples"]["example"]["value"]), path


def shape(value: Any) -> Any:
    """The members of objects, two deep: what an example promises."""
    match value:
        case dict():
            return {name: shape(inner) if name == "data" else None for name, inner in value.items()}
        case [first, *_]:
            return [shape(first)]
        case _:
            return None


def test_the_page_needs_no_network_and_no_script(tenant: Tenant, document: dict[str, Any]) -> None:
    answer = tenant.http.get("/docs", headers={"Authorization": ""})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert re.findall(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]*""", answer.text) == []
    assert "<script" not in answer.text
    assert "@import" not in answer.text
    for _, path, operation in operations(document):
        assert path in answer.text
        assert operation["summary"] in answer.text.replace("&#x27;", "'")


def test_health_is_told_without_signing_in(tenant: Tenant) -> None:
    live = tenant.http.get("/health/live", headers={"Authorization": ""})
    ready = tenant.http.get("/health/ready", headers={"Authorization": ""})

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ok",
        "components": {
            "postgres": {"status": "ok"},
            "nats": {"status": "ok"},
            "valkey": {"status": "ok"},
            "search": {"status": "ok", "backend": "postgres"},
        },
    }
