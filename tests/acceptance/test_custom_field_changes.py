"""R3.1: what happens to values that are there when the definition of a custom field changes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.installation import Tenant, problem
from tests.acceptance.test_custom_fields import fields, put

pytestmark = pytest.mark.servers


def add(tenant: Tenant, **custom: Any) -> str:
    """A contact with these values; its path."""
    return f"/v1/contacts/{tenant.add({'name': 'Ada', 'custom': custom})['id']}"


def number_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_the_type_changes_where_every_value_fits_the_new_one(tenant: Tenant) -> None:
    put(tenant, "since")
    good, bad = add(tenant, since="2026-01-05"), add(tenant, since="long ago")

    refused = problem(put(tenant, "since", "date"), 409, "custom_field.values_unfit")
    dry = tenant.http.put("/v1/custom-fields/contact/since?dry_run=true", json={"label": "Since", "type": "date"})

    assert (refused["count"], refused["ids"]) == (1, [number_of(bad)])
    problem(dry, 409, "custom_field.values_unfit")
    assert {fields(tenant)["since"][name] for name in ("type", "changing")} == {"text", False}
    assert tenant.http.patch(bad, json={"custom": {"since": "still text"}}).status_code == 200
    tenant.http.patch(bad, json={"custom": {"since": None}})
    changed = put(tenant, "since", "date", required=True).json()
    assert (changed["type"], changed["required"], changed["changing"]) == ("date", True, False)
    assert tenant.get(good).json()["custom"] == {"since": "2026-01-05"}
    problem(tenant.http.patch(good, json={"custom": {"since": "soon"}}), 422, "validation.failed")
    assert tenant.http.patch(bad, json={"title": "an old record without one"}).status_code == 200


def test_a_choice_goes_when_nobody_has_it_and_others_come_and_change_places_freely(tenant: Tenant) -> None:
    put(tenant, "colour", "choice", choices=["Red", "Green"])
    one = add(tenant, colour="Red")

    refused = put(tenant, "colour", "choice", choices=["Green"])
    wider = put(tenant, "colour", "choice", choices=["Blue", "Green", "Red"])
    multiple = put(tenant, "colour", "multi_choice", choices=["Blue", "Green", "Red"])
    text = put(tenant, "colour", "text")

    assert problem(refused, 409, "custom_field.values_unfit")["count"] == 1
    assert wider.json()["choices"] == ["Blue", "Green", "Red"]
    problem(multiple, 409, "custom_field.values_unfit")
    assert (text.json()["type"], tenant.get(one).json()["custom"]) == ("text", {"colour": "Red"})


def test_values_become_unique_where_no_two_are_the_same(tenant: Tenant) -> None:
    put(tenant, "no")
    first, second, third = add(tenant, no="A"), add(tenant, no="a"), add(tenant, no="B")

    refused = problem(put(tenant, "no", unique=True), 409, "custom_field.not_unique")
    assert set(refused["ids"]) == {number_of(first), number_of(second)}
    assert tenant.http.patch(second, json={"custom": {"no": "C"}}).status_code == 200
    assert put(tenant, "no", unique=True).json()["unique"] is True
    problem(tenant.http.patch(second, json={"custom": {"no": "b"}}), 409, "contact.custom_taken")
    tenant.http.delete(third)
    assert tenant.http.patch(second, json={"custom": {"no": "b"}}).status_code == 200


def test_what_was_unique_once_stands_in_nobodys_way_later(tenant: Tenant) -> None:
    put(tenant, "no", unique=True)
    path = add(tenant, no="A")
    assert put(tenant, "no").json()["unique"] is False
    tenant.http.patch(path, json={"custom": {"no": "B"}})
    other = add(tenant, no="A")
    assert put(tenant, "no", unique=True).json()["unique"] is True
    tenant.http.delete("/v1/custom-fields/contact/no")
    tenant.http.delete(other)
    assert put(tenant, "no", unique=True).json()["unique"] is True
    assert add(tenant, no="A")
    problem(tenant.http.post("/v1/contacts", json={"name": "E", "custom": {"no": "B"}}), 409, "contact.custom_taken")


def test_a_deleted_field_comes_back_with_another_type_where_its_values_fit(tenant: Tenant) -> None:
    put(tenant, "x")
    path = add(tenant, x="12")
    tenant.http.delete("/v1/custom-fields/contact/x")

    refused = problem(put(tenant, "x", "number"), 409, "custom_field.values_unfit")
    problem(tenant.http.delete("/v1/custom-fields/contact/x"), 410, "custom_field.deleted")

    assert refused["ids"] == [number_of(path)]
    assert fields(tenant) == {}
    assert put(tenant, "x", "choice", choices=["12"]).json()["type"] == "choice"
    assert tenant.get(path).json()["custom"] == {"x": "12"}


def test_no_two_values_are_the_same_whatever_is_written_while_they_become_unique(tenant: Tenant) -> None:
    put(tenant, "no")
    values = [str(number) for number in range(60)]
    for value in values:
        add(tenant, no=value)

    with ThreadPoolExecutor(4) as pool:
        become_unique = pool.submit(put, tenant, "no", unique=True)
        bodies = [{"name": "Eve", "custom": {"no": value}} for value in reversed(values)]
        again = list(pool.map(lambda body: tenant.http.post("/v1/contacts", json=body).status_code, bodies))

    tenant.add({"name": "the last one"})
    rows = tenant.get("/v1/contacts", limit=200).json()["data"]
    there = [row["custom"]["no"] for row in rows if row["custom"]]
    assert set(again) <= {201, 409}
    assert fields(tenant)["no"]["changing"] is False
    if become_unique.result().status_code == 200:
        assert len(set(there)) == len(there)
        assert again == [409] * 60
    else:  # a repeated one was there before it began
        problem(become_unique.result(), 409, "custom_field.not_unique")
        assert len(set(there)) < len(there)


def test_values_of_companies_are_looked_through_like_those_of_contacts(tenant: Tenant) -> None:
    put(tenant, "rank", of="company")
    put(tenant, "rank")
    bodies = [
        {"name": name, "custom": {"rank": rank}} for name, rank in (("Engines", "1"), ("Looms", "1"), ("Bombes", "x"))
    ]
    first, second, third = (tenant.http.post("/v1/companies", json=body).json() for body in bodies)
    path = f"/v1/companies/{second['id']}"

    unfit = problem(put(tenant, "rank", "choice", of="company", choices=["1"]), 409, "custom_field.values_unfit")
    same = problem(put(tenant, "rank", of="company", unique=True), 409, "custom_field.not_unique")
    assert (unfit["count"], unfit["ids"]) == (1, [third["id"]])
    assert set(same["ids"]) == {first["id"], second["id"]}
    tenant.http.patch(path, json={"custom": {"rank": "2"}})
    assert put(tenant, "rank", of="company", unique=True).json()["unique"] is True
    problem(tenant.http.patch(path, json={"custom": {"rank": "1"}}), 409, "company.custom_taken")
    assert add(tenant, rank="1")


def test_a_company_comes_back_without_what_does_not_fit_any_more(tenant: Tenant) -> None:
    put(tenant, "size", of="company")
    made = tenant.http.post("/v1/companies", json={"name": "Engines", "custom": {"size": "big"}}).json()
    tenant.http.delete(f"/v1/companies/{made['id']}")
    assert put(tenant, "size", "number", of="company").json()["type"] == "number"
    assert tenant.http.post(f"/v1/companies/{made['id']}/restore").json()["custom"] == {}
