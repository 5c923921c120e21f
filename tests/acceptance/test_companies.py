"""R3.1, R3.2, R3.4, B1: companies over HTTP, and what becomes of the contacts that work for them."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Installation, Tenant, bad_fields, problem
from tests.acceptance.people import person

pytestmark = pytest.mark.servers


def add(tenant: Tenant, **body: Any) -> dict[str, Any]:
    """A company of a tenant."""
    return done(tenant, tenant.http.post("/v1/companies", json=body), 201)


def done(tenant: Tenant, answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What a write answered; what is read next includes it."""
    assert answer.status_code == status, answer.text
    tenant.position = int(answer.headers["Event-Position"])
    made: dict[str, Any] = answer.json() if answer.content else {}
    return made


def found(tenant: Tenant, text: str, **parameters: Any) -> list[str]:
    """The names of companies that a search finds, best first."""
    return [each["name"] for each in tenant.get("/v1/companies/search", q=text, **parameters).json()["data"]]


def test_a_new_company_comes_back_whole_is_read_and_listed(tenant: Tenant) -> None:
    parent = add(tenant, name="Holding")
    body = {
        "name": "Analytical  Engines Ltd",
        "domain": "https://www.Engines.example/about",
        "industry": "Machinery",
        "size": 120,
        "parent_id": parent["id"],
        "external_ids": {"erp": "7"},
    }

    answer = tenant.http.post("/v1/companies", json=body)
    made = done(tenant, answer, 201)

    assert answer.headers["Location"] == f"/v1/companies/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert made == body | {
        "id": made["id"],
        "version": 1,
        "name": "Analytical Engines Ltd",
        "domain": "engines.example",
        "custom": {},
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    read = tenant.get(f"/v1/companies/{made['id']}")
    assert (read.json(), read.headers["ETag"]) == (made, '"1"')
    assert tenant.get("/v1/companies", sort="-created_at").json() == {"data": [made, parent], "next_cursor": None}
    assert tenant.get("/v1/companies", parent_id=parent["id"], domain="www.engines.example").json()["data"] == [made]
    assert tenant.get("/v1/companies", industry="Looms").json()["data"] == []


def test_pages_lead_through_a_list_as_of_a_moment(tenant: Tenant) -> None:
    made = [add(tenant, name=name) for name in ("Cee", "Aye", "Bee")]
    changed = done(tenant, tenant.http.patch(f"/v1/companies/{made[0]['id']}", json={"name": "Zed", "size": "many"}))
    done(tenant, tenant.http.delete(f"/v1/companies/{made[2]['id']}"), 204)

    def names(**parameters: Any) -> list[str]:
        return [each["name"] for page in tenant.pages("/v1/companies", limit=1, **parameters) for each in page]

    assert names(sort="name") == ["Aye", "Zed"]
    assert names(sort="name", as_of=made[2]["created_at"]) == ["Aye", "Bee", "Cee"]
    assert names(sort="-updated_at", as_of=changed["updated_at"]) == ["Zed", "Bee", "Aye"]
    then = tenant.get(f"/v1/companies/{made[0]['id']}", as_of=made[2]["created_at"]).json()
    assert (then["name"], then["size"]) == ("Cee", None)


def test_a_patch_changes_what_it_names_and_a_stale_one_is_refused(tenant: Tenant) -> None:
    made = add(tenant, name="Engines", domain="engines.example", external_ids={"erp": "7", "crm": "8"})
    path = f"/v1/companies/{made['id']}"

    changed = done(
        tenant, tenant.http.patch(path, json={"domain": None, "external_ids": {"erp": None}, "size": "1-10"})
    )

    assert changed == made | {
        "version": 2, "domain": None, "external_ids": {"crm": "8"}, "size": "1-10", "updated_at": changed["updated_at"],
    }  # fmt: skip
    stale = tenant.http.patch(path, json={"industry": "Looms"}, headers={"If-Match": '"1"'})
    assert problem(stale, 412, "precondition.version")["version"] == 2
    dry = tenant.http.patch(path, json={"industry": "Looms"}, params={"dry_run": "true"}).json()
    assert (dry["state"]["industry"], dry["events"][0]["data"]) == ("Looms", {"industry": "Looms"})
    assert tenant.get(path).json() == changed
    history = tenant.get(f"{path}/history").json()["data"]
    assert [entry["action"] for entry in history] == ["company.changed", "company.registered"]
    assert {"field": "size", "old": None, "new": "1-10"} in history[0]["changes"]


def test_every_bad_member_is_named_at_once(tenant: Tenant) -> None:
    body = {"name": " ", "domain": "x", "size": -1, "parent_id": str(uuid.uuid4()), "id": "x", "colour": 1}
    assert bad_fields(tenant.http.post("/v1/companies", json=body)) == {
        "/name": "field.blank",
        "/domain": "domain.invalid",
        "/size": "number.out_of_range",
        "/parent_id": "company.not_found",
        "/id": "field.read_only",
        "/colour": "field.unknown",
    }
    assert bad_fields(tenant.http.post("/v1/companies", json={})) == {"/name": "field.required"}


def test_a_name_and_an_external_id_are_one_companys(tenant: Tenant) -> None:
    first = add(tenant, name="Engines", external_ids={"erp": "7"})
    other = add(tenant, name="Looms")
    contact = tenant.add({"name": "Ada", "company": "Engines"})
    assert contact["company"]["id"] == first["id"]

    taken = problem(tenant.http.post("/v1/companies", json={"name": "ENGINES"}), 409, "company.name_taken")
    assert taken["errors"][0]["pointer"] == "/name"
    path = f"/v1/companies/{other['id']}"
    problem(tenant.http.patch(path, json={"name": "engines"}), 409, "company.name_taken")
    problem(tenant.http.patch(path, json={"external_ids": {"erp": "7"}}), 409, "company.external_ids_taken")
    done(tenant, tenant.http.patch(f"/v1/companies/{first['id']}", json={"name": "Mills"}))
    assert done(tenant, tenant.http.patch(path, json={"name": "engines"}))["name"] == "engines"
    assert tenant.add({"name": "Grace", "company": "Engines"})["company"]["id"] == other["id"]


def test_contacts_show_and_are_found_by_what_becomes_of_their_company(tenant: Tenant) -> None:
    contact = tenant.add({"name": "Ada", "company": "Engines"})
    company_id, path = contact["company"]["id"], f"/v1/contacts/{contact['id']}"
    company = f"/v1/companies/{company_id}"

    def shown() -> tuple[Any, Any, list[str]]:
        listed = tenant.get("/v1/contacts").json()["data"][0]["company"]
        hits = [word for word in ("engines", "looms") if tenant.search(word).json()["data"]]
        return tenant.get(path).json()["company"], listed, hits

    renamed = done(tenant, tenant.http.patch(company, json={"name": "Looms"}))
    looms = {"id": company_id, "name": "Looms"}
    assert shown() == (looms, looms, ["looms"])
    done(tenant, tenant.http.delete(company), 204)
    assert shown() == (None, None, [])
    assert tenant.get("/v1/contacts", company_id=company_id).json()["data"] == []
    assert tenant.http.patch(path, json={"title": "Miss"}).json()["company"] is None
    assert tenant.get(path, as_of=renamed["updated_at"]).json()["company"] == looms
    assert bad_fields(tenant.http.post("/v1/contacts", json={"name": "B", "company": {"id": company_id}})) == {
        "/company/id": "company.not_found"
    }
    assert done(tenant, tenant.http.post(f"{company}/restore"))["version"] == 4
    assert shown() == (looms, looms, ["looms"])


def test_a_deleted_company_is_gone_and_comes_back_unless_its_name_is_taken(tenant: Tenant) -> None:
    made = add(tenant, name="Engines", external_ids={"erp": "7"})
    path = f"/v1/companies/{made['id']}"
    done(tenant, tenant.http.delete(path), 204)

    for answer in (tenant.get(path), tenant.http.delete(path), tenant.http.patch(path, json={"size": 1})):
        problem(answer, 410, "company.deleted")
    assert (found(tenant, "engines"), tenant.get("/v1/companies").json()["data"]) == ([], [])
    assert next(entry["action"] for entry in tenant.get(f"{path}/history").json()["data"]) == "company.deleted"
    second = add(tenant, name="engines")
    problem(tenant.http.post(f"{path}/restore", json={}), 409, "company.name_taken")
    done(tenant, tenant.http.patch(f"/v1/companies/{second['id']}", json={"name": "Looms"}))
    back = done(tenant, tenant.http.post(f"{path}/restore"))
    assert back == made | {"version": 3, "updated_at": back["updated_at"]}
    assert done(tenant, tenant.http.post(f"{path}/restore")) == back
    problem(tenant.http.post("/v1/companies", json={"name": "x", "external_ids": {"erp": "7"}}), 409,
            "company.external_ids_taken")  # fmt: skip


def test_no_company_comes_to_be_above_itself(tenant: Tenant) -> None:
    top = add(tenant, name="Top")
    middle = add(tenant, name="Middle", parent_id=top["id"])
    low = add(tenant, name="Low", parent_id=middle["id"])

    for parent in (top, middle, low):
        answer = tenant.http.patch(f"/v1/companies/{top['id']}", json={"parent_id": parent["id"]})
        assert bad_fields(answer) == {"/parent_id": "company.parent_below"}
    moved = done(tenant, tenant.http.patch(f"/v1/companies/{low['id']}", json={"parent_id": top["id"]}))
    assert moved["parent_id"] == top["id"]
    done(tenant, tenant.http.patch(f"/v1/companies/{middle['id']}", json={"parent_id": low["id"]}))


def test_companies_are_found_by_parts_of_words_and_with_typos(tenant: Tenant) -> None:
    for name, domain in (
        ("Analytical Engines Ltd", "engines.example"), ("Engine Works", None), ("Société Générale", None),
        ("Müller & Söhne", "mueller.example"), ("Looms Ltd", None),
    ):  # fmt: skip
        add(tenant, name=name, domain=domain)

    assert found(tenant, "engine") == ["Engine Works", "Analytical Engines Ltd"]
    assert found(tenant, "analitycal") == ["Analytical Engines Ltd"]
    assert found(tenant, "ltd engines") == ["Analytical Engines Ltd"]
    assert found(tenant, "societe gen") == ["Société Générale"]
    assert found(tenant, "muller") == found(tenant, "mueller.exam") == ["Müller & Söhne"]
    assert found(tenant, "nothing like it") == found(tenant, "!") == []
    first = tenant.get("/v1/companies/search", q="ltd", limit=1).json()
    second = tenant.get("/v1/companies/search", q="ltd", limit=1, cursor=first["next_cursor"]).json()
    assert [first["data"][0]["name"], second["data"][0]["name"]] == ["Looms Ltd", "Analytical Engines Ltd"]
    assert (first["data"][0]["matched"], second["next_cursor"]) == (["name"], None)


def test_a_key_answers_twice_and_acts_once(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (tenant.http.post("/v1/companies", json={"name": "Engines"}, headers=headers) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["Idempotent-Replay"] == "true"


def test_who_may_do_something_to_some_contacts_may_write_companies_but_not_delete_them(
    installation: Installation, tenant: Tenant
) -> None:
    """R2.6: companies are nobody's own."""
    held = ["contacts.read:own", "contacts.write:own", "contacts.delete:own"]
    assert tenant.http.post("/v1/roles", json={"name": "half", "permissions": held}).status_code == 201
    own = person(installation, tenant, ["half"])
    made = own.http.post("/v1/companies", json={"name": "Engines"}).json()
    path = f"/v1/companies/{made['id']}"
    assert own.http.get(path).json() == made
    assert own.http.patch(path, json={"size": 3}).status_code == 200
    assert problem(own.http.delete(path), 403, "permission.missing")["permission"] == "contacts.delete"


@pytest.mark.parametrize("access", ["hidden", "read"])
def test_a_rule_about_the_company_of_contacts_is_about_companies(
    installation: Installation, tenant: Tenant, access: str
) -> None:
    """R2.6."""
    rule = {"resource": "contacts", "field": "company", "access": access}
    role = {"name": "blind", "permissions": ["contacts.read:all", "contacts.write:all"], "field_rules": [rule]}
    assert tenant.http.post("/v1/roles", json=role).status_code == 201
    blind = person(installation, tenant, ["blind"])
    made = add(tenant, name="Engines")
    path = f"/v1/companies/{made['id']}"
    reads = [blind.http.get(each) for each in (path, f"{path}/history", "/v1/companies", "/v1/companies/search?q=e")]
    if access == "hidden":
        for answer in reads:
            problem(answer, 403, "permission.missing")
    else:
        assert {answer.status_code for answer in reads} == {200}
        bad = {"/name": "field.not_writable", "/size": "field.not_writable"}
        assert bad_fields(blind.http.patch(path, json={"name": "x", "size": "no"})) == bad
    for answer in (blind.http.post("/v1/companies", json={"name": "B"}), blind.http.post(f"{path}/restore")):
        problem(answer, 403, "permission.missing")


def test_a_custom_field_becomes_unique_only_where_no_two_companies_have_the_same(tenant: Tenant) -> None:
    field = {"label": "Licence", "type": "text"}
    path = "/v1/custom-fields/company/licence"
    assert tenant.http.put(path, json=field).status_code == 201
    made = [add(tenant, name=name, custom={"licence": "7"}) for name in ("Engines", "Looms")]

    clash = tenant.http.put(path, json=field | {"unique": True})

    assert clash.status_code == 409, clash.text
    assert all(each["id"] in clash.text for each in made)
    done(tenant, tenant.http.patch(f"/v1/companies/{made[0]['id']}", json={"custom": {"licence": "8"}}))
    assert tenant.http.put(path, json=field | {"unique": True}).status_code == 200
    taken = tenant.http.post("/v1/companies", json={"name": "Mills", "custom": {"licence": "8"}})
    problem(taken, 409, "company.custom_taken")


def test_companies_have_custom_fields_of_their_own(tenant: Tenant) -> None:
    field = {"label": "Licence", "type": "text", "unique": True, "required": True}
    assert tenant.http.put("/v1/custom-fields/company/licence", json=field).status_code == 201
    assert bad_fields(tenant.http.post("/v1/companies", json={"name": "B"})) == {"/custom/licence": "field.required"}
    made = add(tenant, name="Engines", custom={"licence": "L 1"})
    path = f"/v1/companies/{made['id']}"
    assert tenant.get(path).json()["custom"] == made["custom"] == {"licence": "L 1"}
    assert bad_fields(tenant.http.patch(path, json={"custom": {"x": 1, "licence": 1}})) == {
        "/custom/x": "custom_field.unknown",
        "/custom/licence": "type.wrong",
    }
    second = {"name": "Looms", "custom": {"licence": "l 1"}}
    problem(tenant.http.post("/v1/companies", json=second), 409, "company.custom_taken")
    done(tenant, tenant.http.delete(path), 204)
    done(tenant, tenant.http.post("/v1/companies", json=second), 201)
    problem(tenant.http.post(f"{path}/restore"), 409, "company.custom_taken")
    assert tenant.http.delete("/v1/custom-fields/company/licence").status_code == 204
    assert [each["custom"] for each in tenant.get("/v1/companies").json()["data"]] == [{}]
    then = tenant.get("/v1/companies", as_of=made["created_at"]).json()["data"]
    assert [each["custom"] for each in then] == [{"licence": "L 1"}]
