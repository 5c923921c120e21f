"""R4.1, R4.3: an e-mail that is brought in is an interaction with whom it was from or to, and nothing of it is lost."""

from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Tenant, bad_fields, problem

pytestmark = pytest.mark.servers


def mail(sender: str, to: str, message_id: str, *headers: str, text: str = "Hello") -> bytes:
    """A message."""
    lines = (f"From: {sender}", f"To: {to}", f"Message-ID: <{message_id}>", "Date: Mon, 5 Jan 2026 10:10:00 +0100")
    return "\r\n".join((*lines, *headers, "", text)).encode()


def bring(tenant: Tenant, raw: bytes, **parameters: Any) -> httpx.Response:
    """Post a message."""
    headers = {"Content-Type": "message/rfc822"}
    answer = tenant.http.post("/v1/inbound/email", content=raw, headers=headers, params=parameters)
    tenant.position = int(answer.headers.get("Event-Position", tenant.position))
    return answer


def test_what_a_contact_wrote_is_on_the_timeline_once(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "email": "Ada@Mill.example"})
    raw = mail('"Ada L." <ada@mill.example>', tenant.email, "1@mill.example", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=")
    made = bring(tenant, raw)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["type"], told["channel"], told["direction"]) == ("email", "email", "inbound")
    assert (told["contact_id"], told["subject"], told["body"]) == (ada["id"], "Grüße", "Hello")
    assert (told["occurred_at"], told["author_id"]) == ("2026-01-05T09:10:00Z", tenant.user_id)
    assert (told["external_id"], told["flags"]) == ("<1@mill.example>", [])
    again = bring(tenant, raw)
    assert (again.status_code, again.json()) == (200, told)
    shown = tenant.get(f"/v1/contacts/{ada['id']}/timeline", type="email").json()["data"]
    assert [entry["id"] for entry in shown] == [told["id"]]


def test_what_a_user_wrote_went_out_to_all_who_are_contacts(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "email": "ada@mill.example"})
    bob = tenant.add({"name": "Bob", "email": "bob@mill.example"})
    told = bring(tenant, mail(tenant.email, "ada@mill.example, x@mill.example", "2@x", "Cc: bob@mill.example")).json()
    assert (told["direction"], told["contact_id"], told["author_id"]) == ("outbound", ada["id"], tenant.user_id)
    assert [each.get("contact_id") for each in told["participants"]] == [ada["id"], None, bob["id"], None]
    assert told["participants"][-1]["role"] == "from"
    for contact in (ada, bob):
        shown = tenant.get(f"/v1/contacts/{contact['id']}/timeline", type="email").json()["data"]
        assert [entry["id"] for entry in shown] == [told["id"]]
        assert shown[0]["refs"]["participant_ids"] == [ada["id"], bob["id"]]


def test_an_unknown_sender_waits_for_review_and_becomes_a_contact(tenant: Tenant) -> None:
    told = bring(tenant, mail("Ada Lovelace <ada@mill.example>", tenant.email, "3@x")).json()
    assert (told["flags"], told["missing"]) == (["incomplete"], ["contact_id"])
    assert told["suggested_contact"] == {"name": "Ada Lovelace", "email": "ada@mill.example"}
    assert tenant.get("/v1/review-queue").json()["data"] == [told]

    contact = told["suggested_contact"] | {"company": "Mill"}
    done = tenant.http.post(f"/v1/interactions/{told['id']}/complete", json={"contact": contact})
    assert done.status_code == 200, done.text
    tenant.position = int(done.headers["Event-Position"])
    found = done.json()
    assert (found["flags"], found["suggested_contact"]) == ([], None)
    again = tenant.http.post(f"/v1/interactions/{told['id']}/complete", json={"contact": contact})
    assert bad_fields(again) == {"/contact": "interaction.contact_known"}
    assert found["participants"][0]["contact_id"] == found["contact_id"]
    made = tenant.get(f"/v1/contacts/{found['contact_id']}").json()
    assert (made["name"]["display"], made["company"]["id"]) == ("Ada Lovelace", found["company_id"])
    assert tenant.get("/v1/review-queue").json()["data"] == []
    timeline = tenant.get(f"/v1/contacts/{found['contact_id']}/timeline").json()["data"]
    assert {entry["kind"] for entry in timeline} == {"created", "interaction"}


def test_answers_are_of_one_thread_also_when_only_the_message_before_is_named(tenant: Tenant) -> None:
    tenant.add({"name": "Ada", "email": "ada@mill.example"})
    first = bring(tenant, mail("ada@mill.example", tenant.email, "10@x")).json()
    second = bring(tenant, mail(tenant.email, "ada@mill.example", "11@x", "In-Reply-To: <10@x>")).json()
    third = bring(tenant, mail("ada@mill.example", tenant.email, "12@x", "In-Reply-To: <11@x>")).json()
    other = bring(tenant, mail("ada@mill.example", tenant.email, "13@x")).json()
    assert first["thread_id"] == second["thread_id"] == third["thread_id"] != other["thread_id"]
    found = tenant.get("/v1/interactions", thread_id=first["thread_id"]).json()["data"]
    assert {each["id"] for each in found} == {first["id"], second["id"], third["id"]}


def test_of_several_with_one_address_it_is_the_one_who_is_called_so(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada Lovelace", "email": "family@mill.example"})
    tenant.add({"name": "Byron Lovelace", "email": "family@mill.example"})
    named = bring(tenant, mail("Ada Lovelace <family@mill.example>", tenant.email, "4@x")).json()
    nameless = bring(tenant, mail("family@mill.example", tenant.email, "5@x")).json()
    assert named["contact_id"] == ada["id"]
    assert nameless["missing"] == ["contact_id"]


def test_what_nobody_can_read_is_kept_and_what_is_nothing_is_refused(tenant: Tenant) -> None:
    told = bring(tenant, b"\x00\xff\xfe no message at all")
    assert told.status_code == 201, told.text
    assert told.json()["missing"] == ["contact_id", "occurred_at"]
    problem(bring(tenant, b"\r\n"), 400, "body.malformed")
    refused = tenant.http.post("/v1/inbound/email", json={"from": "ada"})
    problem(refused, 415, "body.media_type")


def test_a_message_that_is_too_long_is_told_so(tenant: Tenant) -> None:
    problem(bring(tenant, b"Subject: x\n\n" + b"x" * (25 * 1_048_576)), 413, "body.too_large")


def test_a_dry_run_stores_nothing(tenant: Tenant) -> None:
    tried = bring(tenant, mail("ada@mill.example", tenant.email, "6@x"), dry_run="true")
    assert (tried.status_code, tried.json()["dry_run"]) == (200, True)
    assert tenant.get("/v1/interactions").json()["data"] == []
