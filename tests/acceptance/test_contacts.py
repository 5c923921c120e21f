"""R3.1, R3.4, N-U1: adding, reading, changing and deleting a contact."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.acceptance.installation import Tenant, bad_fields, problem

pytestmark = pytest.mark.servers


def test_a_new_contact_comes_back_whole_with_its_place(tenant: Tenant) -> None:
    body = {
        "name": "Ada Lovelace",
        "emails": [{"value": "ada@engines.example"}, {"value": "countess@home.example", "kind": "home"}],
        "phone": "+44 20 7946 0018",
        "company": "Analytical Engines Ltd",
        "title": "Countess",
        "tags": ["math"],
        "external_ids": {"erp": "7"},
        "lifecycle": "customer",
    }

    answer = tenant.http.post("/v1/contacts", json=body)
    made = answer.json()

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/contacts/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert int(answer.headers["Event-Position"]) == tenant.position + 2
    assert uuid.UUID(made["id"]).version == 7
    assert made == {
        "id": made["id"],
        "version": 1,
        "name": {"given": "Ada", "family": "Lovelace", "display": "Ada Lovelace"},
        "emails": [
            {"value": "ada@engines.example", "kind": "work", "primary": True},
            {"value": "countess@home.example", "kind": "home", "primary": False},
        ],
        "phones": [{"value": "+442079460018", "kind": "work", "primary": True}],
        "company": {"id": made["company"]["id"], "name": "Analytical Engines Ltd"},
        "title": "Countess",
        "tags": ["math"],
        "owner_id": tenant.user_id,
        "custom": {},
        "external_ids": {"erp": "7"},
        "lifecycle": "customer",
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert made["created_at"].endswith("Z")


def test_the_same_contact_is_read_listed_and_found(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace", "email": "ada@engines.example", "company": "Engines"})

    read = tenant.http.get(f"/v1/contacts/{made['id']}")
    (listed,) = tenant.get("/v1/contacts").json()["data"]
    (found,) = tenant.search("ada").json()["data"]

    assert read.json() == listed == made
    assert found == made | {"score": found["score"], "matched": found["matched"]}
    assert read.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    "media", ["application/merge-patch+json", "application/json", "Application/JSON; charset=utf-8"]
)
def test_a_patch_changes_what_it_names(tenant: Tenant, media: str) -> None:
    made = tenant.add({"name": "Ada Lovelace", "title": "Miss", "tags": ["math"]})

    answer = tenant.http.patch(
        f"/v1/contacts/{made['id']}", content=b'{"title": "Countess", "tags": null}', headers={"Content-Type": media}
    )
    after = answer.json()

    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    assert after == made | {"version": 2, "title": "Countess", "tags": [], "updated_at": after["updated_at"]}
    assert after["updated_at"] > made["updated_at"]
    position = answer.headers["Event-Position"]
    assert tenant.http.get(f"/v1/contacts/{made['id']}", headers={"Read-After": position}).json() == after


def test_a_new_contact_is_there_under_its_location_at_once_also_when_many_are_made(tenant: Tenant) -> None:
    def add_and_read(n: int) -> int:
        made = tenant.http.post("/v1/contacts", json={"name": f"Ada {n}"})
        return tenant.http.get(made.headers["Location"]).status_code

    with ThreadPoolExecutor(8) as people:
        assert set(people.map(add_and_read, range(200))) == {200}


def test_a_patch_that_changes_nothing_appends_nothing(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Lovelace", "title": "Countess"})

    answer = tenant.http.patch(f"/v1/contacts/{made['id']}", json={"title": "Countess"})

    assert (answer.status_code, answer.json()) == (200, made)
    assert int(answer.headers["Event-Position"]) == tenant.position


def test_company_by_name_is_found_again_whatever_its_spelling(tenant: Tenant) -> None:
    one = tenant.add({"name": "Ada", "company": "Analytical Engines Ltd"})
    two = tenant.add({"name": "Grace", "company": " analytical  ENGINES ltd"})
    assert one["company"] == two["company"]


def test_a_deleted_contact_is_gone_everywhere_and_stays_gone(tenant: Tenant) -> None:
    made = tenant.add()
    path = f"/v1/contacts/{made['id']}"

    answer = tenant.http.delete(path)
    tenant.position = int(answer.headers["Event-Position"])

    assert (answer.status_code, answer.content) == (204, b"")
    problem(tenant.get(path), 410, "contact.deleted")
    problem(tenant.http.delete(path), 410, "contact.deleted")
    problem(tenant.http.patch(path, json={"title": "x"}), 410, "contact.deleted")
    assert tenant.get("/v1/contacts").json()["data"] == []
    assert tenant.search("lovelace").json()["data"] == []
    assert tenant.get(f"{path}/history").status_code == 200


def test_a_stale_version_is_refused_with_the_current_one(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"
    first = tenant.http.patch(path, json={"title": "Miss"}, headers={"If-Match": '"1"'})
    assert first.headers["ETag"] == '"2"'

    for stale in ('"1"', '"of-another-api"', '"7", "8"'):
        refused = tenant.http.patch(path, json={"title": "Mrs"}, headers={"If-Match": stale})
        assert problem(refused, 412, "precondition.version")["version"] == 2
    problem(tenant.http.delete(path, headers={"If-Match": '"1"'}), 412, "precondition.version")

    assert tenant.http.patch(path, json={"title": "Mrs"}, headers={"If-Match": '"1", "2"'}).status_code == 200
    assert tenant.http.patch(path, json={"title": "Dr"}, headers={"If-Match": "*"}).status_code == 200
    assert tenant.http.delete(path, headers={"If-Match": '"4"'}).status_code == 204


def test_an_if_match_that_is_no_etag_is_told_so(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"
    answer = tenant.http.patch(path, json={"title": "x"}, headers={"If-Match": "1"})
    (error,) = problem(answer, 400, "if_match.invalid")["errors"]
    assert error["header"] == "If-Match"


def test_changes_of_many_people_to_different_fields_all_hold(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add({'name': 'Ada'})['id']}"
    patches = [
        {"title": "Countess"},
        {"tags": ["math"]},
        {"phone": "+442079460018"},
        {"email": "ada@engines.example"},
        {"external_ids": {"erp": "7"}},
        {"external_ids": {"shop": "9"}},
        {"lifecycle": "customer"},
        {"company": "Engines"},
    ]

    with ThreadPoolExecutor(len(patches)) as people:
        answers = list(people.map(lambda patch: tenant.http.patch(path, json=patch), patches))

    assert [answer.status_code for answer in answers] == [200] * len(patches)
    tenant.position = max(int(answer.headers["Event-Position"]) for answer in answers)
    after = tenant.get(path).json()
    assert after["version"] == 1 + len(patches)
    assert (after["title"], after["tags"], after["lifecycle"]) == ("Countess", ["math"], "customer")
    assert after["external_ids"] == {"erp": "7", "shop": "9"}
    assert after["phones"][0]["value"] == "+442079460018"
    assert after["emails"][0]["value"] == "ada@engines.example"
    assert after["company"]["name"] == "Engines"


def test_an_external_id_belongs_to_one_contact_until_that_one_is_deleted(tenant: Tenant) -> None:
    first = tenant.add({"name": "Ada", "external_ids": {"erp": "7"}})
    second = tenant.add({"name": "Grace"})

    def taken(answer: httpx.Response) -> None:
        (error,) = problem(answer, 409, "contact.external_ids_taken")["errors"]
        assert error["pointer"] == "/external_ids/erp"

    taken(tenant.http.post("/v1/contacts", json={"name": "Eve", "external_ids": {"erp": "7", "shop": "1"}}))
    taken(tenant.http.patch(f"/v1/contacts/{second['id']}", json={"external_ids": {"erp": "7"}}))
    assert tenant.http.delete(f"/v1/contacts/{first['id']}").status_code == 204
    tenant.add({"name": "Eve", "external_ids": {"erp": "7", "shop": "1"}})


def test_of_many_at_once_one_gets_the_external_id(tenant: Tenant) -> None:
    body = {"name": "Ada", "external_ids": {"erp": "7"}}
    with ThreadPoolExecutor(6) as people:
        statuses = [a.status_code for a in people.map(lambda _: tenant.http.post("/v1/contacts", json=body), range(6))]
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]


def test_two_contacts_may_share_an_email(tenant: Tenant) -> None:
    bodies = [{"name": name, "email": "family@home.example"} for name in ("Ada", "Byron")]
    assert tenant.add(bodies[0])["id"] != tenant.add(bodies[1])["id"]


def test_email_and_emails_at_once_are_refused(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"
    patch = {"email": "a@b.example", "emails": [{"value": "c@d.example"}]}
    assert bad_fields(tenant.http.patch(path, json=patch)) == {"/email": "field.ambiguous"}
