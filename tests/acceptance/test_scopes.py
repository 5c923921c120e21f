"""R2.6: contacts that a permission is good for: one's own, one's teams', all."""

from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import Person, person

pytestmark = pytest.mark.servers


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    """In sales, so that she may change what belongs to her teams."""
    return person(installation, tenant, ["sales"])


@pytest.fixture
def bob(installation: Installation, tenant: Tenant) -> Person:
    """In sales too."""
    return person(installation, tenant, ["sales"])


def add(by: Person, **members: Any) -> Any:
    answer = by.http.post("/v1/contacts", json={"name": "Charles", **members})
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused(answer: Any, permission: str = "contacts.write") -> None:
    assert problem(answer, 403, "permission.missing")["permission"] == permission


def test_a_contact_belongs_to_who_adds_it_and_they_may_change_it(ada: Person) -> None:
    made = add(ada)
    assert made["owner_id"] == ada.id
    assert ada.http.patch(f"/v1/contacts/{made['id']}", json={"title": "x"}).status_code == 200


def test_a_colleagues_contact_is_seen_and_not_changed_until_they_share_a_team(
    tenant: Tenant, ada: Person, bob: Person
) -> None:
    path = f"/v1/contacts/{add(bob)['id']}"
    team = tenant.http.post("/v1/teams", json={"name": "North"}).json()
    members = f"/v1/teams/{team['id']}/members"

    assert ada.http.get(path).status_code == 200
    refused(ada.http.patch(path, json={"title": "x"}))
    tenant.http.put(members, json={"user_ids": [ada.id, bob.id]})
    assert ada.http.patch(path, json={"title": "x"}).status_code == 200
    tenant.http.put(members, json={"user_ids": [bob.id]})
    refused(ada.http.patch(path, json={"title": "y"}))


def test_whose_it_is_comes_before_what_is_wrong_with_the_body(ada: Person, bob: Person) -> None:
    path = f"/v1/contacts/{add(bob)['id']}"
    refused(ada.http.patch(path, content=b"{", headers={"Content-Type": "text/plain", "If-Match": '"9"'}))


def test_nothing_is_put_out_of_ones_own_reach(ada: Person, bob: Person) -> None:
    refused(ada.http.post("/v1/contacts", json={"name": "Charles", "owner_id": bob.id}))
    path = f"/v1/contacts/{add(ada)['id']}"
    refused(ada.http.patch(path, json={"owner_id": bob.id}))
    refused(ada.http.patch(path, json={"owner_id": None}))
    assert ada.http.get(path).json()["owner_id"] == ada.id


def test_what_belongs_to_nobody_is_for_those_who_reach_all(tenant: Tenant, ada: Person) -> None:
    path = f"/v1/contacts/{tenant.add({'name': 'Charles', 'owner_id': None})['id']}"
    tenant.http.patch(path, json={"owner_id": None})
    refused(ada.http.patch(path, json={"title": "x"}))
    assert tenant.http.patch(path, json={"title": "x"}).status_code == 200


def test_who_may_not_read_a_contact_either_finds_none(installation: Installation, tenant: Tenant, bob: Person) -> None:
    held = [f"contacts.{act}:own" for act in ("read", "write", "delete")]
    tenant.http.post("/v1/roles", json={"name": "Own", "permissions": held})
    narrow = person(installation, tenant, ["own"])
    path = f"/v1/contacts/{add(bob)['id']}"
    problem(narrow.http.patch(path, json={"title": "x"}), 404, "contact.not_found")
    problem(narrow.http.delete(path), 404, "contact.not_found")
    own = f"/v1/contacts/{add(narrow)['id']}"
    assert narrow.http.delete(own).status_code == 204


def test_who_reads_no_contacts_adds_them_and_changes_none(installation: Installation, tenant: Tenant) -> None:
    tenant.http.post("/v1/roles", json={"name": "Form", "permissions": ["contacts.write:all"]})
    form = person(installation, tenant, ["form"])
    path = f"/v1/contacts/{add(form)['id']}"
    problem(form.http.patch(path, json={}), 404, "contact.not_found")


def test_a_dry_run_tells_the_same(ada: Person, bob: Person) -> None:
    path = f"/v1/contacts/{add(bob)['id']}"
    refused(ada.http.patch(path, json={"title": "x"}, params={"dry_run": "true"}))
