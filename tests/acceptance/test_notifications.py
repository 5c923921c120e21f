"""R5.3: what users are told of in the app, over HTTP, and by mail."""

import time
from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import Person, mails_to, person
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

LIST, PREFERENCES = "/v1/notifications", "/v1/me/notification-preferences"


def told(who: Person, tenant: Tenant, **query: Any) -> dict[str, Any]:
    answer = who.http.get(LIST, params=query, headers={"Read-After": str(tenant.position)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def give(tenant: Tenant, lead_id: str, owner_id: str | None) -> None:
    answer = tenant.http.post(f"/v1/leads/{lead_id}/assign", json={"owner_id": owner_id})
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])


def lead(tenant: Tenant, **members: Any) -> str:
    answer = tenant.http.post("/v1/leads", json={"title": "Engine", **members})
    assert answer.status_code == 201, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    return str(answer.json()["id"])


def test_a_lead_that_somebody_else_gives_one_is_told_until_it_is_read(
    installation: Installation, tenant: Tenant
) -> None:
    seller = person(installation, tenant, ["sales"])
    first, own = lead(tenant, owner_id=seller.id), lead(tenant)
    give(tenant, own, seller.id)
    lead(tenant, owner_id=seller.id, occurred_at="2026-01-01T00:00:00Z")  # of the past, so no news
    found = told(seller, tenant)
    assert [(each["kind"], each["lead_id"], each["actor_id"]) for each in found["data"]] == [
        ("lead_assigned", own, tenant.user_id),
        ("lead_assigned", first, tenant.user_id),
    ]
    assert (found["unread"], found["next_cursor"]) == (2, None)
    assert told(seller, tenant, limit=1)["next_cursor"]
    second = told(seller, tenant, limit=1, cursor=told(seller, tenant, limit=1)["next_cursor"])
    assert second["data"] == found["data"][1:]
    path = f"{LIST}/{found['data'][0]['id']}/read"
    dry = seller.http.post(path, params={"dry_run": "true"}).json()
    assert [event["type"] for event in dry["events"]] == ["notification.read.v1"]
    answers = [seller.http.post(path) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["read_at"]
    tenant.position = int(answers[0].headers["Event-Position"])
    unread = told(seller, tenant, unread="true")
    assert (unread["unread"], unread["data"]) == (1, found["data"][1:])
    assert [bool(each["read_at"]) for each in told(seller, tenant)["data"]] == [True, False]


def test_all_that_has_happened_by_now_can_be_read_at_once(installation: Installation, tenant: Tenant) -> None:
    seller = person(installation, tenant, ["sales"])
    given = [lead(tenant, owner_id=seller.id) for _ in range(3)]
    answer = seller.http.post(f"{LIST}/read-all")
    assert answer.status_code == 200, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    found = told(seller, tenant)
    assert (len(found["data"]), found["unread"]) == (3, 0)
    assert {each["read_at"] for each in found["data"]} == {answer.json()["read_at"]}
    give(tenant, given[0], None)
    give(tenant, given[0], seller.id)
    assert told(seller, tenant)["unread"] == 1


def test_nobody_is_told_what_they_did_and_nobody_reads_what_others_are_told(
    installation: Installation, tenant: Tenant
) -> None:
    seller, other = (person(installation, tenant, ["sales"]) for _ in range(2))
    lead(tenant, owner_id=seller.id)
    (found,) = told(seller, tenant)["data"]
    assert tenant.get(LIST).json()["data"] == told(other, tenant)["data"] == []
    problem(other.http.post(f"{LIST}/{found['id']}/read"), 404, "notification.not_found")


def test_a_kind_that_is_not_wanted_is_not_shown(installation: Installation, tenant: Tenant) -> None:
    seller = person(installation, tenant, ["sales"])
    lead(tenant, owner_id=seller.id)
    first = seller.http.get(PREFERENCES)
    usual = {"app": True, "mail": "instant"}
    assert (first.headers["ETag"], first.json()["digest_hour"]) == ('"0"', None)
    assert first.json()["kinds"] == dict.fromkeys(("lead_inactive", "lead_assigned", "mention"), usual)
    body = {"kinds": {"lead_assigned": {"app": False, "mail": "off"}}, "digest_hour": 8}
    problem(seller.http.put(PREFERENCES, json=body, headers={"If-Match": '"4"'}), 412, "precondition.version")
    put = seller.http.put(PREFERENCES, json=body, headers={"If-Match": '"0"'})
    assert (put.status_code, put.json()["kinds"]["lead_assigned"]) == (200, {"app": False, "mail": "off"})
    assert seller.http.get(PREFERENCES).json() == put.json()
    assert seller.http.put(PREFERENCES, json=body).json()["version"] == 1
    assert told(seller, tenant) == {"data": [], "next_cursor": None, "unread": 0}
    assert bad_fields(seller.http.put(PREFERENCES, json={"digest_hour": 24})) == {"/digest_hour": "value.out_of_range"}
    odd = seller.http.put(PREFERENCES, json={"kinds": {"party": {}}})
    assert bad_fields(odd) == {"/kinds/party": "field.unknown"}
    pigeon = seller.http.put(PREFERENCES, json={"kinds": {"mention": {"mail": "pigeon"}}})
    assert bad_fields(pigeon) == {"/kinds": "value.not_allowed"}


def test_a_mention_is_told_and_what_is_told_comes_by_mail(installation: Installation, tenant: Tenant) -> None:
    seller = person(installation, tenant, ["sales"])
    lead_id, ada = lead(tenant, owner_id=seller.id), tenant.add({"name": "Ada"})
    html = f'<p>Ask <span data-mention="{seller.id}">@seller</span></p>'
    note = tenant.http.post(f"/v1/contacts/{ada['id']}/notes", json={"html": html})
    assert note.status_code == 201, note.text
    tenant.position = int(note.headers["Event-Position"])
    first = told(seller, tenant)["data"][0]
    assert (first["kind"], first["note_id"], first["contact_id"]) == ("mention", note.json()["id"], ada["id"])
    started, text = time.monotonic(), ""
    while "/v1/leads/" not in text or "in a note" not in text:
        assert time.monotonic() - started < PATIENCE
        time.sleep(0.1)
        text = "".join(str(mail.get_payload()) for mail in mails_to(installation, seller.email))
    assert text.count(lead_id) == 1
