"""R2.6, R6.1: an import writes what who started it may write, to whom they may write it, and shows nobody else's."""

from typing import Any

import pytest

from tests.acceptance.importing import ended, errors, uploaded
from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import Person, person

pytestmark = pytest.mark.servers


def importer(installation: Installation, tenant: Tenant, *permissions: str, hidden: str | None = None) -> Person:
    """Somebody in a role of their own."""
    rules = [{"resource": "contacts", "field": hidden, "access": "hidden"}] if hidden else []
    name = f"Importer {len(installation.clients)}"
    role = tenant.http.post("/v1/roles", json={"name": name, "permissions": permissions, "field_rules": rules})
    assert role.status_code == 201, role.text
    return person(installation, tenant, [role.json()["key"]])


def run(who: Any, text: str, **options: Any) -> dict[str, Any]:
    """Import a file as somebody, to the end."""
    made = uploaded(who, text, auto_start=True, **options)
    return ended(who, made["id"])


def test_who_may_not_import_is_refused_before_anything_is_read(installation: Installation, tenant: Tenant) -> None:
    sales = person(installation, tenant, ["sales"])
    found = problem(sales.http.post("/v1/imports", files={"file": b"name\nAda\n"}), 403, "permission.missing")
    assert found["permission"] == "contacts.import"


def test_imports_out_of_reach_are_missing(installation: Installation, tenant: Tenant) -> None:
    made = uploaded(tenant, "name\nAda\n")
    own = importer(installation, tenant, "contacts.import:own", "contacts.read:all")
    for method, path in (("GET", ""), ("GET", "/errors"), ("POST", "/start"), ("POST", "/preview"), ("POST", "/undo")):
        problem(own.http.request(method, f"/v1/imports/{made['id']}{path}"), 404, "import.not_found")
    assert own.http.get("/v1/imports").json()["data"] == []


def test_nobody_is_updated_who_is_out_of_reach(installation: Installation, tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "email": "ada@x.example", "title": "Countess"})
    own = importer(installation, tenant, "contacts.import:own", "contacts.read:all")
    found = run(own, "name,email,title\nAda,ada@x.example,Analyst\n", policy="update")
    assert found["counts"]["failed"] == 1
    listed = errors(own, found["id"])
    assert [(each["row"], each["code"]) for each in listed] == [("2", "permission.missing")]
    assert tenant.http.get(f"/v1/contacts/{ada['id']}").json()["title"] == "Countess"


def test_who_is_out_of_sight_is_not_told_of_by_a_match(installation: Installation, tenant: Tenant) -> None:
    tenant.add({"name": "Ada", "email": "ada@x.example"})
    own = importer(installation, tenant, "contacts.import:own", "contacts.read:own")
    found = run(own, "name,email\nAda,ada@x.example\n")
    assert (found["counts"]["created"], found["counts"]["skipped"]) == (1, 0)


def test_a_field_that_is_hidden_is_no_column(installation: Installation, tenant: Tenant) -> None:
    some = importer(installation, tenant, "contacts.import:all", "contacts.read:all", hidden="title")
    made = uploaded(some, "name,title\nAda,Countess\n")
    assert made["mapping"] == {"name": "name", "title": None}
    said = some.http.put(f"/v1/imports/{made['id']}/mapping", json={"mapping": {"name": "name", "title": "title"}})
    assert bad_fields(said) == {"/mapping/title": "field.not_writable"}
