"""R3.5, B1, B2: what belongs to contacts follows them when they are merged, and goes back with them."""

from typing import Any

import pytest

from tests.acceptance.installation import Tenant, problem
from tests.acceptance.test_as_of import earlier
from tests.acceptance.test_merge import merge, two, unmerge

pytestmark = pytest.mark.servers


def relate(tenant: Tenant, one: Any, other: Any, kind: str) -> Any:
    answer = tenant.http.put(f"/v1/contacts/{one['id']}/relationships/{other['id']}", json={"kind": kind})
    assert answer.is_success, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    return answer.json()


def related(tenant: Tenant, contact: Any, **parameters: Any) -> list[tuple[str, str]]:
    answer = tenant.get(f"/v1/contacts/{contact['id']}/relationships", **parameters)
    assert answer.status_code == 200, answer.text
    return [(found["other"]["name"]["display"], found["kind"]) for found in answer.json()["data"]]


@pytest.fixture
def people(tenant: Tenant) -> dict[str, Any]:
    names = ("Ada", "Twin", "Boss", "Friend")
    return {name: tenant.add({"name": name}) for name in names}


def test_the_survivor_has_the_relationships_of_both_and_gives_them_back(tenant: Tenant, people: dict[str, Any]) -> None:
    ada, twin, boss, friend = people.values()
    relate(tenant, ada, friend, "friend")
    relate(tenant, twin, boss, "manager")
    relate(tenant, ada, twin, "sibling")

    made = merge(tenant, ada, twin)

    assert related(tenant, ada) == [("Friend", "friend"), ("Boss", "manager")]
    assert related(tenant, boss) == [("Ada", "report")]
    before = earlier(made["updated_at"])
    assert related(tenant, twin, as_of=before) == [("Boss", "manager"), ("Ada", "sibling")]
    assert related(tenant, boss, as_of=before) == [("Twin", "report")]
    assert related(tenant, boss, as_of=made["updated_at"]) == [("Ada", "report")]

    unmerge(tenant, ada, twin)

    assert related(tenant, ada) == [("Friend", "friend"), ("Twin", "sibling")]
    assert related(tenant, twin) == [("Boss", "manager"), ("Ada", "sibling")]
    assert related(tenant, boss) == [("Twin", "report")]


def test_both_ends_may_have_been_merged(tenant: Tenant, people: dict[str, Any]) -> None:
    ada, twin, boss, friend = people.values()
    relate(tenant, twin, boss, "manager")
    merge(tenant, ada, twin)
    merge(tenant, friend, boss)
    assert related(tenant, ada) == [("Friend", "manager")]
    assert related(tenant, friend) == [("Ada", "report")]
    merge(tenant, ada, friend)
    assert related(tenant, ada) == []
    unmerge(tenant, ada, friend)
    assert related(tenant, ada) == [("Friend", "manager")]


def test_of_two_relationships_to_one_person_the_last_is_shown_changed_and_ended(
    tenant: Tenant, people: dict[str, Any]
) -> None:
    ada, twin, boss, friend = people.values()
    relate(tenant, ada, boss, "colleague")
    relate(tenant, twin, boss, "manager")
    merge(tenant, ada, twin)
    assert related(tenant, ada) == [("Boss", "manager")]
    changed = relate(tenant, ada, boss, "mentor")
    assert (changed["contact_id"], changed["other_id"], changed["version"]) == (ada["id"], boss["id"], 2)
    assert (related(tenant, ada), related(tenant, boss)) == ([("Boss", "mentor")], [("Ada", "mentee")])
    assert relate(tenant, boss, ada, "advisor")["reverse_kind"] == "client"
    assert related(tenant, ada) == [("Boss", "client")]

    path = f"/v1/contacts/{boss['id']}/relationships/{ada['id']}"
    ended = tenant.http.delete(path)
    tenant.position = int(ended.headers["Event-Position"])

    assert (ended.status_code, related(tenant, ada), related(tenant, boss)) == (204, [], [])
    problem(tenant.http.delete(path), 410, "relationship.deleted")
    relate(tenant, ada, friend, "friend")
    unmerge(tenant, ada, twin)
    assert (related(tenant, twin), related(tenant, ada)) == ([], [("Friend", "friend")])


def test_the_timeline_is_that_of_both(tenant: Tenant) -> None:
    ada, twin = two(tenant)
    for contact, subject in ((ada, "First"), (twin, "Second")):
        body = {"type": "call", "contact_id": contact["id"], "subject": subject, "occurred_at": "2026-01-05T09:30:00Z"}
        answer = tenant.http.post("/v1/interactions", json=body)
        assert answer.status_code == 201, answer.text
        tenant.position = int(answer.headers["Event-Position"])

    def told(contact: Any, **parameters: Any) -> set[str]:
        answer = tenant.get(f"/v1/contacts/{contact['id']}/timeline", **parameters)
        assert answer.status_code == 200, answer.text
        return {entry["title"] if entry["kind"] == "interaction" else entry["kind"] for entry in answer.json()["data"]}

    def listed(contact: Any, **parameters: Any) -> set[str]:
        answer = tenant.get("/v1/interactions", contact_id=contact["id"], **parameters)
        return {each["subject"] for each in answer.json()["data"]}

    made = merge(tenant, ada, twin)

    assert listed(ada) == {"First", "Second"}
    assert listed(ada, as_of=earlier(made["updated_at"])) == {"First"}
    assert told(ada) == {"First", "Second", "created", "merged"}
    assert told(ada, q="second") == {"Second"}
    assert told(ada, as_of=earlier(made["updated_at"])) == {"First", "created"}
    problem(tenant.get(f"/v1/contacts/{twin['id']}/timeline"), 410, "contact.merged")
    unmerge(tenant, ada, twin)
    assert listed(ada) == {"First"}
    assert told(ada) == {"First", "created", "merged", "unmerged"}
    assert told(twin) == {"Second", "created", "unmerged"}
