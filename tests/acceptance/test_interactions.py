"""R4.1, R4.3: interactions are logged once, stored as they come, and asked about until nothing is missing."""

from uuid import uuid4

import psycopg
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

AT = "2026-01-05T09:10:00Z"


def log(tenant: Tenant, **members: object) -> dict[str, object]:
    """An interaction of a tenant."""
    answer = tenant.http.post("/v1/interactions", json=members)
    assert answer.status_code == 201, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    told: dict[str, object] = answer.json()
    return told


def test_a_call_is_told_and_found(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    call = log(
        tenant,
        type="call",
        direction="inbound",
        occurred_at="2026-01-05T10:10:00+01:00",
        contact_id=ada["id"],
        participants=[{"contact_id": ada["id"]}, {"name": "Charles", "address": "+44 20 7946 0018", "role": "guest"}],
        subject="  Punched   cards ",
        body="Two\r\nlines",
        next_action={"text": "Send the quote", "due_at": "2026-01-07T12:00:00Z"},
    )
    assert call["occurred_at"] == AT
    assert (call["channel"], call["subject"], call["body"]) == ("phone", "Punched cards", "Two\nlines")
    assert (call["author_id"], call["flags"], call["missing"]) == (tenant.user_id, [], [])
    assert tenant.get(f"/v1/interactions/{call['id']}").json() == call
    assert tenant.get("/v1/interactions", contact_id=ada["id"], type="call").json()["data"] == [call]
    assert tenant.get("/v1/interactions", **{"from": "2026-01-05T09:10:01Z"}).json()["data"] == []
    assert tenant.get("/v1/next-actions", due_before="2026-01-08T00:00:00Z").json()["data"] == [call]


def test_the_same_external_id_again_is_the_first_one(tenant: Tenant) -> None:
    first = log(tenant, type="email", external_id="<1@mail.example>", occurred_at=AT)
    again = tenant.http.post("/v1/interactions", json={"type": "call", "external_id": "<1@mail.example>"})
    assert (again.status_code, again.json()) == (200, first)


def test_many_are_logged_at_once_each_with_what_came_of_it(tenant: Tenant) -> None:
    first = log(tenant, type="email", external_id="1")
    items = [
        {"type": "email", "external_id": "1"},
        {"type": "call", "external_id": "2", "occurred_at": AT},
        {"type": "call", "contact_id": str(uuid4())},
        {"subject": "again", "external_id": "2"},
    ]
    answer = tenant.http.post("/v1/interactions/batch", json={"items": items})
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [200, 201, 422, 200], answer.text
    assert (results[0]["id"], results[3]["id"]) == (first["id"], results[1]["id"])
    assert results[2]["error"]["errors"][0]["pointer"] == "/items/2/contact_id"
    tenant.position = int(answer.headers["Event-Position"])
    assert len(tenant.get("/v1/interactions").json()["data"]) == 2


def test_what_is_missing_is_flagged_until_it_is_completed(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    bare = log(tenant, subject="Somebody rang")
    assert (bare["flags"], bare["missing"]) == (["incomplete"], ["type", "contact_id", "occurred_at"])
    assert tenant.get("/v1/review-queue").json()["data"] == [bare]
    known = {"type": "call", "contact_id": ada["id"], "occurred_at": AT}
    done = tenant.http.post(f"/v1/interactions/{bare['id']}/complete", json=known)
    tenant.position = int(done.headers["Event-Position"])
    assert (done.status_code, done.json()["flags"], done.json()["missing"]) == (200, [], [])
    assert tenant.get("/v1/review-queue").json()["data"] == []


def test_every_bad_field_is_named_and_nothing_is_stored(tenant: Tenant) -> None:
    body = {
        "type": "shout",
        "contact_id": str(uuid4()),
        "occurred_at": "2026-01-05T09:10:00",
        "participants": [{"role": "guest"}],
        "next_action": {"text": " ", "due_at": AT},
    }
    answer = tenant.http.post("/v1/interactions", json=body)
    assert bad_fields(answer) == {
        "/type": "value.not_allowed",
        "/contact_id": "contact.not_found",
        "/occurred_at": "type.wrong",
        "/participants/0": "participant.empty",
        "/next_action/text": "field.blank",
    }
    for nothing in ({}, {"subject": " ", "body": "\n"}, {"participants": [], "channel": "phone"}):
        answer = tenant.http.post("/v1/interactions", json=nothing)
        assert bad_fields(answer) == {"": "interaction.empty"}
    ends: dict[str, object] = {"occurred_at": "0001-01-01T00:00:00+10:00"}
    ends |= {"next_action": {"text": "Call", "due_at": "9999-12-31T23:59:59-10:00"}}
    assert set(bad_fields(tenant.http.post("/v1/interactions", json=ends)).values()) == {"time.out_of_range"}
    assert tenant.get("/v1/interactions").json()["data"] == []


def test_its_words_are_sealed_under_the_key_of_whom_they_are_about(installation: Installation, tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    call = log(tenant, type="note", body="keeps bees", contact_id=ada["id"], occurred_at=AT)
    bare = log(tenant, body="keeps geese")
    query = "SELECT subject::text FROM store.data_key WHERE data_class = 'interaction' AND subject = ANY(%s)"
    ids = [ada["id"], call["id"], bare["id"]]
    with psycopg.connect(str(installation.ready["postgres_admin"])) as connection:
        found = connection.execute(query, (ids,)).fetchall()
    assert {subject for (subject,) in found} == {ada["id"], bare["id"]}


def test_a_company_shows_what_passed_with_those_who_worked_for_it(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "company": "Engines"})
    call = log(tenant, type="call", contact_id=ada["id"], occurred_at=AT, subject="Cards")
    assert call["company_id"] == ada["company"]["id"]
    path = f"/v1/companies/{call['company_id']}/timeline"
    shown = tenant.get(path).json()["data"]
    assert [(entry["kind"], entry["title"]) for entry in shown] == [
        ("created", "Company added"),
        ("interaction", "Cards"),
    ]
    tenant.http.patch(f"/v1/contacts/{ada['id']}", json={"company": None})
    assert tenant.get(path).json()["data"] == shown


def test_a_timeline_shows_what_happened_in_its_order(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada"})
    path = f"/v1/contacts/{ada['id']}/timeline"
    before = log(tenant, type="call", contact_id=ada["id"], occurred_at=AT, subject="Cards", body="wants thousands")
    late = log(tenant, type="email", occurred_at="2026-01-05T09:11:00Z", direction="inbound")
    tenant.http.post(f"/v1/interactions/{late['id']}/complete", json={"contact_id": ada["id"], "subject": "Re: cards"})
    tenant.position += 1

    shown = tenant.get(path).json()["data"]
    assert [(entry["kind"], entry["title"]) for entry in shown] == [
        ("created", "Contact added"),
        ("interaction", "Re: cards"),
        ("interaction", "Cards"),
    ]
    assert shown[2]["refs"] == {"contact_id": ada["id"], "interaction_id": before["id"]}
    assert shown[2]["author"] == {"id": tenant.user_id, "name": "Grace Hopper"}

    def ids(**query: str) -> list[str]:
        return [entry["id"] for entry in tenant.get(path, **query).json()["data"]]

    assert ids(type="call") == ids(q="WANTS cards") == ids(to="2026-01-05T09:10:30Z") == [before["id"]]
    assert ids(q="wants nothing") == ids(channel="sms") == ids(outcome="won") == []
    assert ids(order="asc")[:2] == [before["id"], late["id"]]
    assert ids(as_of=str(late["recorded_at"]), order="asc") == [before["id"], ada["id"]]
    pages = list(tenant.pages(path, limit=1, order="asc"))
    assert [entry["id"] for page in pages for entry in page] == ids(order="asc")


def test_an_interaction_is_read_as_it_was_by_who_may_read_it_now(tenant: Tenant, installation: Installation) -> None:
    """B1."""
    first = tenant.http.post("/v1/interactions", json={"type": "call", "subject": "Paper", "occurred_at": AT}).json()
    path, then = f"/v1/interactions/{first['id']}", {"as_of": first["updated_at"]}
    changed = tenant.http.patch(path, json={"subject": "Cards", "outcome": "reached"})
    tenant.position = int(changed.headers["Event-Position"])
    was = tenant.http.get(path, params=then)
    assert (was.json(), was.headers["ETag"]) == (first, '"1"')
    assert tenant.get(path).json()["subject"] == "Cards"
    assert problem(tenant.http.get(path, params={"as_of": "2020-01-01T00:00:00Z"}), 404, "interaction.not_found")
    assert problem(tenant.http.get(path, params={"as_of": "2999-01-01T00:00:00Z"}), 400, "query.invalid")
    role = tenant.http.post("/v1/roles", json={"name": "Own", "permissions": ["interactions.read:own"]}).json()["key"]
    stranger = person(installation, tenant, [role]).http
    assert problem(stranger.get(path, params=then), 404, "interaction.not_found")
    assert problem(installation.tenant().http.get(path, params=then), 404, "interaction.not_found")


def test_lists_are_as_they_were_whatever_happens_while_they_are_read(
    tenant: Tenant, installation: Installation
) -> None:
    """B1."""
    ada = tenant.add({"name": "Ada"})
    due = {"text": "Send the quote", "due_at": "2026-01-07T12:00:00Z"}
    bare = log(tenant, subject="Somebody rang", next_action=due)
    call = log(tenant, type="call", contact_id=ada["id"], occurred_at=AT, next_action=due)
    then = {"as_of": str(call["updated_at"])}
    found: list[object] = []
    for page in tenant.pages("/v1/interactions", limit=1, **then):
        found += page
        known = {"type": "call", "contact_id": ada["id"], "occurred_at": AT, "next_action": None}
        completed = tenant.http.post(f"/v1/interactions/{bare['id']}/complete", json=known)
        changed = tenant.http.patch(f"/v1/interactions/{call['id']}", json={"outcome": "reached", "next_action": None})
        assert (completed.status_code, changed.status_code) == (200, 200)
        tenant.position = int(changed.headers["Event-Position"])
        log(tenant, type="email", occurred_at=AT, next_action=due)

    assert found == [bare, call]
    assert [each["id"] for each in tenant.get("/v1/next-actions", **then).json()["data"]] == [bare["id"], call["id"]]
    assert tenant.get("/v1/next-actions", due_before="2026-01-01T00:00:00Z", **then).json()["data"] == []
    assert tenant.get("/v1/review-queue", **then).json()["data"] == [bare]
    assert tenant.get("/v1/interactions", contact_id=ada["id"], **then).json()["data"] == [call]
    assert tenant.get("/v1/interactions", outcome="reached", **then).json()["data"] == []
    assert tenant.get("/v1/interactions", sort="occurred_at", **then).json()["data"] == [call, bare]
    before = {"as_of": str(bare["created_at"])}
    assert tenant.get("/v1/interactions", **before).json()["data"] == [bare]
    for path in ("/v1/interactions", "/v1/review-queue", "/v1/next-actions"):
        assert tenant.get(path, as_of="2020-01-01T00:00:00Z").json() == {"data": [], "next_cursor": None}
        assert installation.tenant().get(path, **then).json()["data"] == []
        cursor = tenant.get(path, limit=1).json()["next_cursor"]
        problem(tenant.get(path, limit=1, cursor=cursor or "x", **then), 400, "cursor.invalid")


def test_lists_of_the_past_show_whose_interactions_are_the_callers_now(
    installation: Installation, tenant: Tenant
) -> None:
    """B1."""
    rules = [{"resource": "interactions", "field": "subject", "access": "hidden"}]
    role = {"name": "Own", "permissions": ["interactions.read:own"], "field_rules": rules}
    seller = person(installation, tenant, [tenant.http.post("/v1/roles", json=role).json()["key"]])
    given = log(tenant, type="call", subject="Cards", occurred_at=AT)
    taken = log(tenant, type="call", subject="Cards", occurred_at=AT, author_id=seller.id)
    for interaction, author_id in ((given, seller.id), (taken, tenant.user_id)):
        path = f"/v1/interactions/{interaction['id']}"
        changed = tenant.http.patch(path, json={"author_id": author_id, "subject": "Looms"})
        assert changed.status_code == 200, changed.text
    headers = {"Read-After": changed.headers["Event-Position"]}
    for path in ("/v1/interactions", "/v1/review-queue"):
        seen = seller.http.get(path, params={"as_of": str(taken["updated_at"])}, headers=headers).json()["data"]
        assert seen == [{name: value for name, value in given.items() if name != "subject"}]
