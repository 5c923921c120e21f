"""R3.2, B7: from a command to search, through the real parts."""

import pytest

from tests.acceptance.installation import Tenant

pytestmark = pytest.mark.servers


def test_a_contact_is_found_misspelt_right_after_it_was_added(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace", "email": "ada@engines.example", "company": "Analytical Engines Ltd"})

    found = tenant.get("/v1/contacts/search", q="lovelase")

    assert [hit["id"] for hit in found.json()["data"]] == [made["id"]]
    assert found.headers["Search-Backend"] == "postgres"


def test_a_contact_can_be_read_under_its_location_at_once(tenant: Tenant) -> None:
    answer = tenant.http.post("/v1/contacts", json={"name": "Ada Lovelace"})

    read = tenant.http.get(answer.headers["Location"])

    assert read.status_code == 200
    assert read.json() == answer.json()
    assert read.headers["ETag"] == answer.headers["ETag"] == '"1"'
