"""R3.5: an export imports again to the same contacts: into another company, and over what is there."""

from typing import Any

import pytest

from tests.acceptance.importing import contacts, errors, imported
from tests.acceptance.installation import Installation, Tenant

pytestmark = pytest.mark.servers

FIELDS: dict[str, dict[str, Any]] = {
    "salary": {"type": "number"},
    "born": {"type": "date"},
    "vip": {"type": "boolean"},
    "sizes": {"type": "multi_choice", "choices": ["S", "M; L", "a, b"]},
    "site": {"type": "url"},
    "about": {"type": "text"},
}
BODIES: list[dict[str, Any]] = [
    {
        "name": {"given": "Ada", "family": "Lovelace", "display": "Countess Ada"},
        "emails": [
            {"value": "ada@home.example", "kind": "home"},
            {"value": "ada@engines.example", "primary": True},
            {"value": "a|b@odd.example", "kind": "other_1"},
        ],
        "phones": [{"value": "+442079460018", "kind": "mobile"}, {"value": "+4930901820"}],
        "company": "Smith, Jones & Co; Ltd",
        "title": "-Countess",
        "tags": ["vip", "a;b", "c,d", "=tag", "back\\slash", 'quo"te'],
        "external_ids": {"erp": "=7", "shop": "x"},
        "lifecycle": "customer",
        "custom": {
            "salary": -1.5,
            "born": "1815-12-10",
            "vip": False,
            "sizes": ["M; L", "a, b"],
            "site": "https://ada.example/",
            "about": "'=two\nlines\n@x",
        },
    },
    {"name": "=cmd|' /C calc'!A0", "email": "x@x.example"},
    {"name": "'=quoted", "phone": "+442079460019"},
    {"name": "'t Hart, Zoë", "tags": ["@home"], "external_ids": {"erp": "'+8"}},
]
SAME = ("name", "title", "tags", "external_ids", "lifecycle", "custom", "phones")


def seen(contact: dict[str, Any]) -> dict[str, Any]:
    """What must be the same: all but ids and times, with the primary address first."""
    found = {name: contact[name] for name in SAME}
    found["emails"] = sorted(contact["emails"], key=lambda email: not email["primary"])
    return found | {"company": contact["company"] and contact["company"]["name"]}


def define(tenant: Tenant) -> None:
    for key, members in FIELDS.items():
        answer = tenant.http.put(f"/v1/custom-fields/contact/{key}", json={"label": key, **members})
        assert answer.status_code == 201, answer.text


@pytest.fixture
def file(tenant: Tenant) -> bytes:
    define(tenant)
    for body in BODIES:
        tenant.add(body)
    return tenant.get("/v1/contacts/export").content


def test_into_another_company_it_gives_the_same_contacts(
    installation: Installation, tenant: Tenant, file: bytes
) -> None:
    other = installation.tenant("Bombe Works")
    define(other)
    made = imported(other, file, policy="create")
    assert made["counts"]["failed"] == 0, errors(other, made["id"])
    ours, theirs = contacts(tenant), contacts(other)
    assert {name: seen(each) for name, each in theirs.items()} == {name: seen(each) for name, each in ours.items()}


def test_over_what_is_there_it_changes_nothing(tenant: Tenant, file: bytes) -> None:
    before = contacts(tenant)
    made = imported(tenant, file, policy="update")
    assert made["counts"]["failed"] == 0, errors(tenant, made["id"])
    assert (made["counts"]["skipped"], contacts(tenant)) == (len(BODIES), before)
