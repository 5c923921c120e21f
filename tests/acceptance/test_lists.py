"""R3.1, N-U4: lists of contacts: filtered, sorted, in pages that show everything once."""

import uuid
from typing import Any

import pytest

from tests.acceptance.installation import Installation, Tenant, problem

pytestmark = pytest.mark.servers

NAMES = ["Grace Hopper", "ada lovelace", "Zoe Byron", "Ben Turing", "\u00c9va Tardos"]


def ids(contacts: list[dict[str, Any]]) -> list[str]:
    return [contact["id"] for contact in contacts]


@pytest.fixture
def filled(tenant: Tenant) -> list[dict[str, Any]]:
    """Contacts in order of creation; the first was changed last."""
    made = [tenant.add({"name": name, "tags": ["even" if n % 2 == 0 else "odd"]}) for n, name in enumerate(NAMES)]
    answer = tenant.http.patch(f"/v1/contacts/{made[0]['id']}", json={"title": "Admiral"})
    tenant.position = int(answer.headers["Event-Position"])
    return [answer.json(), *made[1:]]


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_every_sort_shows_everything_once_in_its_order(
    tenant: Tenant, filled: list[dict[str, Any]], limit: int
) -> None:
    created, updated = ids(filled), ids([*filled[1:], filled[0]])
    expected = {
        None: created,
        "created_at": created,
        "-created_at": created[::-1],
        "updated_at": updated,
        "-updated_at": updated[::-1],
    }
    for sort, order in expected.items():
        sorting = {"sort": sort} if sort else {}
        pages = list(tenant.pages("/v1/contacts", limit=limit, **sorting))
        assert [contact_id for page in pages for contact_id in ids(page)] == order, sort
        assert max(map(len, pages)) <= limit


def test_names_are_sorted_whatever_their_case(tenant: Tenant, filled: list[dict[str, Any]]) -> None:
    assert filled
    listed = [
        contact["name"]["display"] for page in tenant.pages("/v1/contacts", sort="name", limit=2) for contact in page
    ]
    assert [name for name in listed if name.isascii()] == ["ada lovelace", "Ben Turing", "Grace Hopper", "Zoe Byron"]
    assert sorted(listed) == sorted(NAMES)


def test_a_contact_without_a_name_is_sorted_by_its_address(tenant: Tenant) -> None:
    for body in ({"name": "Zoe"}, {"email": "m@engines.example"}, {"name": "Ada"}):
        tenant.add(body)
    listed = tenant.get("/v1/contacts", sort="name").json()["data"]
    assert [contact["name"]["display"] for contact in listed] == ["Ada", None, "Zoe"]


def test_every_filter_shows_what_fits_and_filters_add_up(tenant: Tenant, filled: list[dict[str, Any]]) -> None:
    at_company = tenant.add({"name": "Ada King", "company": "Engines", "tags": ["odd"], "owner_id": tenant.user_id})

    def listed(**filters: str) -> list[str]:
        return ids(tenant.get("/v1/contacts", **filters).json()["data"])

    assert listed(tag="even") == [filled[0]["id"], filled[2]["id"], filled[4]["id"]]
    assert listed(tag="nothing") == []
    assert listed(company_id=at_company["company"]["id"]) == [at_company["id"]]
    assert listed(owner_id=tenant.user_id) == [*ids(filled), at_company["id"]]
    assert listed(owner_id=str(uuid.uuid4())) == []
    assert listed(created_after=filled[3]["created_at"]) == [filled[4]["id"], at_company["id"]]
    assert listed(updated_after=filled[4]["updated_at"]) == [filled[0]["id"], at_company["id"]]
    assert listed(created_after="2026-01-01T01:00:00+01:00", tag="odd", company_id=at_company["company"]["id"]) == [
        at_company["id"]
    ]
    assert listed(created_after="9999-12-31T23:59:59Z") == []


def test_a_list_that_grows_while_it_is_read_shows_each_contact_once(tenant: Tenant) -> None:
    first = [tenant.add({"name": f"First {n}"})["id"] for n in range(6)]
    for sort in ("created_at", "-created_at", "name"):
        seen = []
        for page in tenant.pages("/v1/contacts", limit=2, sort=sort):
            seen += ids(page)
            for name in ("Aaa", "Zzz"):
                if len(seen) < 6:
                    tenant.add({"name": name})
        assert len(seen) == len(set(seen)), sort
        assert set(first) <= set(seen), sort


def test_deleted_ones_drop_out_of_the_pages_that_follow(tenant: Tenant) -> None:
    made = [tenant.add({"name": f"N{n}"})["id"] for n in range(4)]
    first = tenant.get("/v1/contacts", limit=2).json()
    answers = [tenant.http.delete(f"/v1/contacts/{contact_id}") for contact_id in (made[1], made[2])]
    tenant.position = int(answers[-1].headers["Event-Position"])

    rest = tenant.get("/v1/contacts", limit=2, cursor=first["next_cursor"]).json()

    assert ids(rest["data"]) == [made[3]]
    assert rest["next_cursor"] is None


def test_a_cursor_works_for_its_own_list_alone(installation: Installation, tenant: Tenant) -> None:
    contact_id, *_ = (tenant.add({"name": "Ada Lovelace", "tags": ["t"]})["id"] for _ in range(3))
    tenant.position = int(
        tenant.http.patch(f"/v1/contacts/{contact_id}", json={"title": "x"}).headers["Event-Position"]
    )
    cursor = tenant.get("/v1/contacts", limit=1).json()["next_cursor"]
    history = f"/v1/contacts/{contact_id}/history"
    others = {
        "another filter": ("/v1/contacts", {"tag": "t", "cursor": cursor}),
        "another sort": ("/v1/contacts", {"sort": "name", "cursor": cursor}),
        "tampered": ("/v1/contacts", {"cursor": ("B" if cursor[0] == "A" else "A") + cursor[1:]}),
        "cut": ("/v1/contacts", {"cursor": cursor[:-4]}),
        "nonsense": ("/v1/contacts", {"cursor": "next please \u2603"}),
        "empty": ("/v1/contacts", {"cursor": ""}),
        "a search": ("/v1/contacts/search", {"q": "ada", "cursor": cursor}),
        "a history": (history, {"cursor": cursor}),
    }
    for what, (path, parameters) in others.items():
        (error,) = problem(tenant.get(path, **parameters), 400, "cursor.invalid")["errors"]
        assert error["parameter"] == "cursor", what

    stranger = installation.tenant()
    problem(stranger.get("/v1/contacts", limit=1, cursor=cursor), 400, "cursor.invalid")
    assert len(tenant.get("/v1/contacts", limit=200, cursor=cursor).json()["data"]) == 2


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("colour=red", {"colour": "parameter.unknown"}),
        ("limit=0", {"limit": "type.wrong"}),
        ("limit=201", {"limit": "type.wrong"}),
        ("limit=ten", {"limit": "type.wrong"}),
        ("limit=1&limit=2", {"limit": "parameter.repeated"}),
        ("sort=age", {"sort": "value.not_allowed"}),
        ("owner_id=me", {"owner_id": "type.uuid"}),
        ("created_after=yesterday", {"created_after": "type.time"}),
        ("created_after=2026-01-05T09:30:00", {"created_after": "type.time"}),
        ("tag=a%00b", {"tag": "text.control_character"}),
        ("limit=0&sort=age&x=1", {"limit": "type.wrong", "sort": "value.not_allowed", "x": "parameter.unknown"}),
        ("as%00_of=1", {"as\x00_of": "parameter.unknown"}),
    ],
)
def test_a_bad_query_names_every_bad_parameter(tenant: Tenant, query: str, parameters: dict[str, str]) -> None:
    answer = tenant.http.get(f"/v1/contacts?{query}")
    errors = problem(answer, 400, "query.invalid")["errors"]
    assert {error["parameter"]: error["code"] for error in errors} == parameters


@pytest.mark.parametrize("raw", ["%FF", "%ED%A0%80", "%", "%zz", "=", "&&", "tag", "%F0%9F%98%80"])
def test_any_bytes_in_a_query_get_a_clear_answer(tenant: Tenant, raw: str) -> None:
    for query in (f"tag={raw}", f"{raw}=1", raw):
        assert tenant.http.get(f"/v1/contacts?{query}").status_code in {200, 400}
        assert tenant.http.get(f"/v1/contacts/search?q=ada&{query}").status_code == 400 or raw in {"=", "&&", "%"}


def test_a_page_has_50_items_when_no_size_is_given(tenant: Tenant) -> None:
    for n in range(51):
        tenant.add({"name": f"N{n}"})
    answer = tenant.get("/v1/contacts").json()
    assert len(answer["data"]) == 50
    assert answer["next_cursor"]
