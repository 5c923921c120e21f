"""B8: what a write would do, without doing it."""

import pytest

from tests.acceptance.installation import Tenant, bad_fields, problem

pytestmark = pytest.mark.servers

DRY = {"dry_run": "true"}


def test_a_dry_registration_shows_its_events_and_stores_nothing(tenant: Tenant) -> None:
    body = {"name": "Ada Lovelace", "company": "Engines", "external_ids": {"erp": "7"}}

    answer = tenant.http.post("/v1/contacts", params=DRY, json=body)
    told = answer.json()

    assert answer.status_code == 200
    assert told["dry_run"] is True
    assert [event["type"] for event in told["events"]] == ["contact.registered.v1", "company.registered.v1"]
    assert told["events"][0]["data"]["external_ids"] == {"erp": "7"}
    assert told["state"]["name"]["display"] == "Ada Lovelace"
    assert told["state"]["company"]["name"] == "Engines"
    assert told["state"]["version"] == 1
    assert not {"event-position", "location", "etag"} & {name.lower() for name in answer.headers}
    assert tenant.get("/v1/contacts").json()["data"] == []
    assert tenant.add(body)["version"] == 1
    assert tenant.position == 5


def test_a_dry_change_shows_the_record_after_it(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "tags": ["math"]})
    path = f"/v1/contacts/{made['id']}"

    told = tenant.http.patch(path, params=DRY, json={"title": "Countess", "tags": ["math"]}).json()

    assert told["events"] == [{"type": "contact.changed.v1", "data": {"title": "Countess"}}]
    assert (told["state"]["title"], told["state"]["version"]) == ("Countess", 2)
    assert tenant.get(path).json() == made
    assert tenant.http.patch(path, params=DRY, json={"name": "Ada"}).json()["events"] == []


def test_a_dry_deletion_deletes_nothing(tenant: Tenant) -> None:
    path = f"/v1/contacts/{tenant.add()['id']}"

    told = tenant.http.delete(path, params=DRY)

    assert told.status_code == 200
    assert told.json()["events"] == [{"type": "contact.deleted.v1", "data": {}}]
    assert tenant.get(path).status_code == 200


def test_a_dry_run_uses_up_no_key(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "k"}
    assert tenant.http.post("/v1/contacts", params=DRY, json={"name": "Ada"}, headers=headers).status_code == 200

    answer = tenant.http.post("/v1/contacts", json={"name": "Grace"}, headers=headers)

    assert answer.status_code == 201
    assert "Idempotent-Replay" not in answer.headers


def test_a_dry_run_is_refused_as_the_real_one_would_be(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "external_ids": {"erp": "7"}})
    path = f"/v1/contacts/{made['id']}"

    dry = tenant.http.post("/v1/contacts", params=DRY, json={"email": "x"})
    assert bad_fields(dry) == bad_fields(tenant.http.post("/v1/contacts", json={"email": "x"}))
    taken = tenant.http.post("/v1/contacts", params=DRY, json={"name": "Grace", "external_ids": {"erp": "7"}})
    problem(taken, 409, "contact.external_ids_taken")
    stale = tenant.http.patch(path, params=DRY, json={"title": "x"}, headers={"If-Match": '"9"'})
    problem(stale, 412, "precondition.version")
    keyed = tenant.http.post("/v1/contacts", params=DRY, json={"name": "Ada"}, headers={"Idempotency-Key": "a b"})
    problem(keyed, 400, "idempotency.key_invalid")
    problem(tenant.http.post("/v1/contacts", params={"dry_run": "perhaps"}, json={}), 400, "query.invalid")
    problem(tenant.http.post("/v1/auth/login", params=DRY, json={"email": "a", "password": "b"}), 400, "query.invalid")
