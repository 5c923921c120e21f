"""R3.5, B1: contacts as files: complete or visibly broken, of one moment, and no more than the caller may see."""

import csv
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from commands.cells import several, unguarded
from tests.acceptance.installation import Installation, Tenant, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers

EXPORT = "/v1/contacts/export"


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def names(answer: httpx.Response) -> list[str]:
    return [row["name"] for row in rows(answer)]


def fill(installation: Installation, tenant: Tenant, number: int = 8_000) -> None:
    """So many contacts in the table that exports read, as if they had been there from the first event on.

    Each takes more than a kilobyte: a client that stops reading then soon stops the server.
    """
    with psycopg.connect(str(installation.ready["postgres_admin"]), autocommit=True) as connection:
        connection.execute(
            """INSERT INTO read.contact_past_v1
               SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'since', 1, 'until', NULL,
                       'created_at', p.created_at - n * interval '1 microsecond',
                       'title', repeat('x', 1200), 'name', jsonb_build_object('display', 'Number ' || n)))).*
                 FROM read.contact_past_v1 p, generate_series(1, %s) AS n WHERE p.tenant_id = %s AND p.until IS NULL""",
            (number, tenant.id),
        )
        connection.execute("ANALYZE read.contact_past_v1")


def test_a_file_has_all_that_the_list_has_in_the_order_in_which_it_was_added(tenant: Tenant) -> None:
    ada = tenant.add(
        {
            "name": "=cmd|' /C calc'!A0",
            "emails": [{"value": "ada@engines.example"}, {"value": "ada@home.example", "kind": "home"}],
            "phone": "+44 20 7946 0018",
            "company": "Analytical Engines, Ltd",
            "tags": ["vip", "a;b"],
            "external_ids": {"erp": "7"},
        }
    )
    tenant.add({"name": "Grace", "external_ids": {"shop": "-1"}})
    gone = tenant.add({"name": "Gone"})
    tenant.position = int(tenant.http.delete(f"/v1/contacts/{gone['id']}").headers["Event-Position"])
    answer = tenant.get(EXPORT, format="csv")
    first, second = rows(answer)
    assert answer.headers["Event-Position"] == str(tenant.position)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    assert first["name"] == "'=cmd|' /C calc'!A0"
    assert unguarded(first["name"]) == ada["name"]["display"]
    assert first["email"] == "ada@engines.example; home: ada@home.example"
    assert (first["phone"], first["company"]) == ("'+442079460018", "Analytical Engines, Ltd")
    assert several(first["tags"]) == ["vip", "a;b"]
    assert (first["id"], first["owner_id"]) == (ada["id"], tenant.user_id)
    assert (first["external_ids.erp"], second["external_ids.shop"]) == ("7", "'-1")
    assert names(tenant.http.get(EXPORT)) == [first["name"], "Grace"]


def test_custom_fields_are_columns_while_they_are_there(tenant: Tenant) -> None:
    fields: dict[str, dict[str, Any]] = {
        "salary": {"type": "number"},
        "sizes": {"type": "multi_choice", "choices": ["S", "M, L"]},
    }
    for key, members in fields.items():
        path = f"/v1/custom-fields/contact/{key}"
        assert tenant.http.put(path, json={"label": key, **members}).status_code == 201
    ada = tenant.add({"name": "Ada", "custom": {"salary": -1.5, "sizes": ["S", "M, L"]}})
    (row,) = rows(tenant.get(EXPORT))
    assert (row["custom.salary"], several(row["custom.sizes"])) == ("'-1.5", ["S", "M, L"])
    gone = tenant.http.delete("/v1/custom-fields/contact/salary")
    tenant.position = int(gone.headers["Event-Position"])
    assert "custom.salary" not in rows(tenant.get(EXPORT))[0]
    assert "salary" not in tenant.get(EXPORT, format="vcard").text
    assert rows(tenant.get(EXPORT, as_of=ada["created_at"]))[0]["custom.salary"] == "'-1.5"


def test_cards_are_the_other_form(tenant: Tenant) -> None:
    tenant.add({"name": "Zoë " + "ë" * 60, "phone": "+44 20 7946 0018"})
    answer = tenant.get(EXPORT, format="vcard")
    assert answer.headers["Content-Type"] == "text/vcard; charset=utf-8"
    assert answer.content.startswith(b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:")
    assert answer.content.endswith(b"END:VCARD\r\n")
    assert max(map(len, answer.content.split(b"\r\n"))) in {74, 75}
    assert "TEL;VALUE=uri;TYPE=work;PREF=1:tel:+442079460018\r\n" in answer.text
    assert f"FN:Zoë {'ë' * 60}" in answer.text.replace("\r\n ", "")


def test_filters_are_those_of_the_list(tenant: Tenant) -> None:
    ada = tenant.add({"name": "Ada", "tags": ["vip"], "company": "Engines"})
    grace = tenant.add({"name": "Grace"})
    assert names(tenant.get(EXPORT, tag="vip")) == names(tenant.get(EXPORT, company_id=ada["company"]["id"])) == ["Ada"]
    assert names(tenant.get(EXPORT, created_after=ada["created_at"])) == ["Grace"]
    assert names(tenant.get(EXPORT, as_of=ada["created_at"])) == ["Ada"]
    assert names(tenant.get(EXPORT, owner_id=grace["id"])) == []
    problem(tenant.get(EXPORT, format="xlsx"), 400, "query.invalid")
    problem(tenant.get(EXPORT, sort="name"), 400, "query.invalid")
    problem(tenant.http.get(EXPORT, headers={"Read-After": "999999"}), 400, "read_after.ahead")


def test_a_file_reaches_as_far_as_reading_and_exporting_both_do(installation: Installation, tenant: Tenant) -> None:
    """R2.3, R2.6."""
    held = {"reader": ["contacts.read:own", "contacts.export:all"], "exporter": ["contacts.read:all"]}
    held["narrow"] = ["contacts.read:all", "contacts.export:own"]
    for name, permissions in held.items():
        rules = [{"resource": "contacts", "field": field, "access": "hidden"} for field in ("emails", "tags")]
        role = {"name": name, "permissions": permissions, "field_rules": rules}
        assert tenant.http.post("/v1/roles", json=role).status_code == 201
    people = {name: person(installation, tenant, [name]) for name in held}
    for name in held:
        tenant.add({"name": name, "email": "x@x.example", "tags": ["vip"], "owner_id": people[name].id})
    after = {"Read-After": str(tenant.position)}
    for name in ("reader", "narrow"):
        (row,) = rows(people[name].http.get(EXPORT, headers=after))
        assert row["name"] == name
        assert not {"email", "tags"} & row.keys()
        card = people[name].http.get(EXPORT, params={"format": "vcard"}, headers=after).text
        assert ("EMAIL" in card, "CATEGORIES" in card, card.count("END:VCARD")) == (False, False, 1)
        problem(people[name].http.get(EXPORT, params={"tag": "vip"}), 400, "query.invalid")
    refusal = problem(people["exporter"].http.get(EXPORT), 403, "permission.missing")
    assert refusal["permission"] == "contacts.export"


def test_a_file_is_of_one_moment_whatever_changes_while_it_is_sent(installation: Installation, tenant: Tenant) -> None:
    first = tenant.add({"name": "first", "title": "before"})
    tenant.get("/v1/contacts")
    fill(installation, tenant)
    last = tenant.add({"name": "last", "title": "before"})
    tenant.get("/v1/contacts")
    with tenant.http.stream("GET", EXPORT) as answer:
        chunks = answer.iter_raw()
        text = next(chunks)
        for contact in (first, last):
            tenant_patch(tenant, contact, title="after")
        tenant.add({"name": "too late"})
        text += b"".join(chunks)
    found = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    assert len(found) == len({row["id"] for row in found}) == 8_002
    assert [(row["name"], row["title"]) for row in found[-2:]] == [("first", "before"), ("last", "before")]


def tenant_patch(tenant: Tenant, contact: dict[str, Any], **members: Any) -> None:
    answer = httpx.patch(
        f"{tenant.http.base_url}/v1/contacts/{contact['id']}", json=members, headers=dict(tenant.http.headers)
    )
    assert answer.status_code == 200, answer.text


@contextmanager
def nothing_to_be_read(installation: Installation) -> Iterator[None]:
    with psycopg.connect(str(installation.ready["postgres_admin"]), autocommit=True) as connection:
        connection.execute("REVOKE SELECT ON read.contact_past_v1 FROM rapport_service")
        try:
            yield
        finally:
            connection.execute("GRANT SELECT ON read.contact_past_v1 TO rapport_service")


def test_what_fails_half_way_is_seen_to_be_broken(installation: Installation, tenant: Tenant) -> None:
    tenant.add({"name": "first"})
    tenant.get("/v1/contacts")
    fill(installation, tenant)
    with tenant.http.stream("GET", EXPORT, params={"format": "vcard"}) as answer:
        chunks = answer.iter_raw()
        next(chunks)
        time.sleep(0.3)  # the server goes on until nothing more is taken
        with nothing_to_be_read(installation), pytest.raises(httpx.RemoteProtocolError):
            for _ in chunks:
                pass
    broken = [line for line in installation.log_lines("api") if line["event"] == "answer.broken_off"]
    assert broken[-1]["kind"].startswith("psycopg.errors.")
    with nothing_to_be_read(installation):
        problem(tenant.http.get(EXPORT), 500, "server.error")
    assert len(rows(tenant.http.get(EXPORT))) == 8_001
