"""R3.2, B7: contacts are found by filters, sorted and paged, over HTTP."""

from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from tests.acceptance.installation import Tenant, bad_fields, problem

pytestmark = pytest.mark.servers

PEOPLE: list[dict[str, Any]] = [
    {
        "name": "Ada Lovelace", "email": "ada@engines.example", "company": "Analytical Engines Ltd",
        "tags": ["Customer", "VIP"], "title": "Countess",
    },
    {"name": "Grace Hopper", "email": "grace@navy.example", "phone": "+1 202 555 0143", "lifecycle": "customer"},
    {"name": "José Núñez", "company": "Café del Mar", "tags": ["lead"], "title": "Chef"},
    {"name": "Zuse, Konrad", "email": "konrad@zuse.example"},
]  # fmt: skip
PATH = "/v1/contacts/search"


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """A tenant who knows some people."""
    for body in PEOPLE:
        tenant.add(body)
    return tenant


def post(tenant: Tenant, **body: Any) -> httpx.Response:
    return tenant.http.post(PATH, json=body, headers={"Read-After": str(tenant.position)})


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["name"]["display"] for hit in answer.json()["data"]]


def group(*filters: tuple[Any, ...]) -> dict[str, Any]:
    return {"filters": [one(*each) for each in filters]}


def one(field: str, operator: str, *values: Any) -> dict[str, Any]:
    if operator in {"IN", "NOT_IN"}:
        return {"field": field, "operator": operator, "values": list(values)}
    return {"field": field, "operator": operator} | dict(zip(("value", "high_value"), values, strict=False))


A, G, J, K = "Ada Lovelace", "Grace Hopper", "José Núñez", "Konrad Zuse"
WHEN = "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ([], [A, G, J, K]),
        ([group(("name", "EQ", " ADA  lovelace"))], [A]),
        ([group(("name", "NEQ", "ada lovelace"))], [G, J, K]),
        ([group(("given", "EQ", "grace"), ("family", "EQ", "Hopper"))], [G]),
        ([group(("family", "IN", "NUNEZ", "zuse"))], [J, K]),
        ([group(("email", "EQ", "Ada@Engines.example"))], [A]),
        ([group(("email", "NOT_IN", "ada@engines.example", "konrad@zuse.example"))], [G, J]),
        ([group(("email", "CONTAINS_TOKEN", "navy.example"))], [G]),
        ([group(("phone", "EQ", "001 (202) 555-0143"))], [G]),
        ([group(("phone", "CONTAINS_TOKEN", "0143"))], [G]),
        ([group(("company", "CONTAINS_TOKEN", "engines"))], [A]),
        ([group(("company", "HAS"))], [A, J]),
        ([group(("company_id", "NOT_HAS"))], [G, K]),
        ([group(("title", "BETWEEN", "a", "cz"))], [A, J]),
        ([group(("title", "GT", "chef"))], [A]),
        ([group(("tags", "EQ", "vip"))], [A]),
        ([group(("tags", "IN", "lead", "customer"))], [A, J]),
        ([group(("tags", "NEQ", "lead"))], [A, G, K]),
        ([group(("lifecycle", "EQ", "customer"))], [G]),
        ([group(("created_at", "GT", WHEN), ("updated_at", "GTE", "2020-01-01"))], [A, G, J, K]),
        ([group(("created_at", "LT", WHEN))], []),
        ([group(("created_at", "BETWEEN", WHEN, "2999-01-01T00:00:00+02:00"))], [A, G, J, K]),
        ([group(("tags", "HAS"), ("title", "EQ", "chef")), group(("lifecycle", "EQ", "customer"))], [G, J]),
    ],
)
def test_groups_are_alternatives_of_filters_that_all_hold(
    filled: Tenant, groups: list[dict[str, Any]], found: list[str]
) -> None:
    assert names(post(filled, filter_groups=groups)) == found


def test_filters_are_about_owners_and_companies_too(filled: Tenant) -> None:
    (ada,) = post(filled, q="lovelace").json()["data"]
    company = ada["company"]["id"]
    assert names(post(filled, filter_groups=[group(("company_id", "EQ", company))])) == [A]
    assert names(post(filled, filter_groups=[group(("owner_id", "IN", filled.user_id, company))])) == [A, G, J, K]
    assert names(post(filled, filter_groups=[group(("owner_id", "NEQ", filled.user_id))])) == []


def test_a_text_finds_best_first_unless_an_order_is_asked_for(filled: Tenant) -> None:
    filled.add({"name": "Byron Lovelace", "tags": ["vip"]})
    assert names(post(filled, q="ada lovelase")) == [A]
    assert names(post(filled, q="lovelace", sort=[{"field": "name", "direction": "desc"}])) == ["Byron Lovelace", A]
    found = post(filled, q="lovelase", filter_groups=[group(("title", "NOT_HAS"), ("tags", "HAS"))])
    assert names(found) == ["Byron Lovelace"]
    (hit,) = found.json()["data"]
    assert hit["matched"] == ["name", "title", "tags"]
    assert hit["score"] > 0


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ([{"field": "name"}], [A, G, J, K]),
        ([{"field": "family", "direction": "desc"}], [K, J, A, G]),
        ([{"field": "title"}, {"field": "created_at", "direction": "desc"}], [J, A, K, G]),
        ([{"field": "title", "direction": "desc"}, {"field": "email"}], [A, J, G, K]),
        ([{"field": "lifecycle"}, {"field": "updated_at", "direction": "desc"}], [G, K, J, A]),
    ],
)
def test_pages_follow_the_order_to_the_end(filled: Tenant, sort: list[dict[str, str]], found: list[str]) -> None:
    assert [name for page in pages(filled, sort=sort, limit=1) for name in page] == found
    assert [name for page in pages(filled, sort=sort, limit=3) for name in page] == found


def pages(tenant: Tenant, **body: Any) -> Iterable[list[str]]:
    cursor = None
    while True:
        answer = post(tenant, **body, **({"cursor": cursor} if cursor else {}))
        yield names(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return


def test_hits_by_text_have_pages_too(tenant: Tenant) -> None:
    made = {tenant.add({"name": f"Ada Number{n}"})["id"] for n in range(5)}
    assert len([name for page in pages(tenant, q="ada", limit=2) for name in page]) == len(made)


def test_custom_fields_are_filtered_and_sorted_by_as_what_they_are(tenant: Tenant) -> None:
    for key, kind in {"size": "number", "seen": "date", "vip": "boolean", "note": "text"}.items():
        made = tenant.http.put(f"/v1/custom-fields/contact/{key}", json={"label": key, "type": kind})
        assert made.status_code == 201, made.text
    tenant.add({"name": A, "custom": {"size": 9, "seen": "2026-01-05", "vip": True, "note": "Very Old"}})
    tenant.add({"name": G, "custom": {"size": 10.5, "vip": False}})
    tenant.add({"name": K})
    for filters, found in (
        ([("custom.size", "BETWEEN", 9, 10)], [A]),
        ([("custom.size", "GT", 9)], [G]),
        ([("custom.seen", "LTE", "2026-01-05"), ("custom.vip", "EQ", True)], [A]),
        ([("custom.note", "CONTAINS_TOKEN", "old")], [A]),
        ([("custom.vip", "NOT_HAS")], [K]),
    ):
        assert names(post(tenant, filter_groups=[group(*filters)])) == found
    sort = [{"field": "custom.size", "direction": "desc"}]
    assert [name for page in pages(tenant, sort=sort, limit=1) for name in page] == [G, A, K]
    bad = [("custom.size", "EQ", "9"), ("custom.seen", "GT", "soon"), ("custom.vip", "EQ", 1)]
    answer = post(tenant, filter_groups=[group(*bad, ("custom.gone", "HAS"))])
    assert bad_fields(answer) == {
        **{f"/filter_groups/0/filters/{n}/value": "type.wrong" for n in range(3)},
        "/filter_groups/0/filters/3/field": "filter.field",
    }


def test_a_cursor_belongs_to_its_search(filled: Tenant) -> None:
    sort = [{"field": "name"}]
    cursor = post(filled, sort=sort, limit=1).json()["next_cursor"]
    assert names(post(filled, sort=sort, limit=2, cursor=cursor)) == [G, J]
    for other in (
        {"sort": [{"field": "name", "direction": "desc"}]},
        {"sort": sort, "q": "ada"},
        {"sort": sort, "filter_groups": [group(("name", "HAS"))]},
        {},
    ):
        problem(post(filled, **other, cursor=cursor), 400, "cursor.invalid")
    problem(filled.http.get("/v1/contacts", params={"cursor": cursor}), 400, "cursor.invalid")


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        ({"filters": []}, {"/filters": "field.unknown"}),
        ({"q": ""}, {"/q": "type.wrong"}),
        ({"q": "a\u0000b"}, {"/q": "text.control_character"}),
        ({"limit": 0}, {"/limit": "type.wrong"}),
        ({"limit": 201}, {"/limit": "type.wrong"}),
        ({"filter_groups": [{"filters": []}]}, {"/filter_groups/0/filters": "list.empty"}),
        ({"filter_groups": [{}]}, {"/filter_groups/0/filters": "field.required"}),
        ({"filter_groups": [group(("nickname", "EQ", "x"))]}, {"/filter_groups/0/filters/0/field": "filter.field"}),
        ({"filter_groups": [group(("custom.no", "EQ", "x"))]}, {"/filter_groups/0/filters/0/field": "filter.field"}),
        (
            {"filter_groups": [group(("name", "LIKE", "x"), ("name", "eq", "x"))]},
            {f"/filter_groups/0/filters/{n}/operator": "value.not_allowed" for n in (0, 1)},
        ),
        ({"filter_groups": [group(("tags", "GT", "x"))]}, {"/filter_groups/0/filters/0/operator": "filter.operator"}),
        (
            {
                "filter_groups": [
                    group(("name", "EQ"), ("name", "HAS", "x"), ("name", "BETWEEN", "a")),
                    group(
                        ("name", "IN"), ("name", "EQ", 5), ("owner_id", "EQ", "me"), ("lifecycle", "IN", "lead", "pal")
                    ),
                    group(("created_at", "GT", "yesterday"), ("created_at", "LT", "2026-01-01T00:00:00")),
                    group(("name", "EQ", "a\u0000"), ("phone", "CONTAINS_TOKEN", "12")),
                ],
                "sort": [{"field": "tags"}, {"field": "name", "direction": "up"}, {"field": "nope"}],
            },
            {
                "/filter_groups/0/filters/0/value": "field.required",
                "/filter_groups/0/filters/1/value": "field.unknown",
                "/filter_groups/0/filters/2/high_value": "field.required",
                "/filter_groups/1/filters/0/values": "list.empty",
                "/filter_groups/1/filters/1/value": "type.wrong",
                "/filter_groups/1/filters/2/value": "type.wrong",
                "/filter_groups/1/filters/3/values/1": "value.not_allowed",
                "/filter_groups/2/filters/0/value": "type.wrong",
                "/filter_groups/2/filters/1/value": "type.wrong",
                "/filter_groups/3/filters/0/value": "type.wrong",
                "/filter_groups/3/filters/1/value": "type.wrong",
                "/sort/0/field": "sort.field",
                "/sort/1/direction": "value.not_allowed",
                "/sort/2/field": "filter.field",
            },
        ),
        ({"filter_groups": [group(("name", "HAS"))] * 6}, {"/filter_groups": "list.too_long"}),
        ({"filter_groups": [group(*[("name", "HAS")] * 11)]}, {"/filter_groups/0/filters": "list.too_long"}),
        (
            {"filter_groups": [group(("name", "IN", *map(str, range(101))))]},
            {"/filter_groups/0/filters/0/values": "list.too_long"},
        ),
        ({"sort": [{"field": "name"}, {"field": "name"}]}, {"/sort/1/field": "value.repeated"}),
        ({"sort": [{"field": name} for name in ("name", "given", "family", "title")]}, {"/sort": "list.too_long"}),
    ],
)
def test_everything_wrong_is_told_at_once_with_its_place(
    tenant: Tenant, body: dict[str, Any], bad: dict[str, str]
) -> None:
    assert bad_fields(tenant.http.post(PATH, json=body)) == bad


@pytest.mark.parametrize("text", ["'", "\\", "%", "{}", "\u202e", "🙂", "x" * 10_000, "' OR 1=1 --", "$1", "%s"])
def test_any_value_is_only_a_value(filled: Tenant, text: str) -> None:
    for field in ("name", "email", "title", "tags"):
        assert names(post(filled, filter_groups=[group((field, "EQ", text))])) == []
        assert len(names(post(filled, filter_groups=[group((field, "NOT_IN", text))]))) == len(PEOPLE)


def test_it_reads_its_own_writes_and_asks_for_a_position_that_is_there(filled: Tenant) -> None:
    made = filled.add({"name": "Alan Turing", "tags": ["new"]})
    assert [hit["id"] for hit in post(filled, filter_groups=[group(("tags", "EQ", "new"))]).json()["data"]] == [
        made["id"]
    ]
    ahead = filled.http.post(PATH, json={}, headers={"Read-After": str(filled.position + 1000)})
    problem(ahead, 400, "read_after.ahead")


def test_it_is_a_search_that_says_who_answered(filled: Tenant) -> None:
    answer = post(filled)
    assert answer.headers["Search-Backend"] == "postgres"
    assert {hit["score"] for hit in answer.json()["data"]} == {1.0}
    problem(filled.http.post(PATH, content=b"{}", headers={"Content-Type": "text/plain"}), 415, "body.media_type")
    problem(filled.http.post(PATH, json={}, headers={"Authorization": ""}), 401, "auth.token_missing")
