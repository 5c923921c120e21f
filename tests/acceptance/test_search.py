"""R3.2, N-U4: contacts are found by name, e-mail and company, misspelt or not, in any script."""

from typing import Any

import pytest

from tests.acceptance.installation import Tenant, problem

pytestmark = pytest.mark.servers

PEOPLE: list[dict[str, Any]] = [
    {"name": "Ada Lovelace", "email": "ada@engines.example", "company": "Analytical Engines Ltd"},
    {"name": "Grace Hopper", "email": "grace.hopper@navy.example", "company": "Eckert-Mauchly"},
    {"name": "Jos\u00e9 N\u00fa\u00f1ez", "company": "Caf\u00e9 del Mar"},
    {"name": "\u0424\u0451\u0434\u043e\u0440 \u0414\u043e\u0441\u0442\u043e\u0435\u0432\u0441\u043a\u0438\u0439"},
    {"name": "\u738b\u5c0f\u660e"},
    {"name": "\u0646\u062c\u064a\u0628 \u0645\u062d\u0641\u0648\u0638"},
]


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """A tenant who knows some people."""
    for body in PEOPLE:
        tenant.add(body)
    return tenant


def names(tenant: Tenant, text: str) -> list[str]:
    answer = tenant.search(text)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Search-Backend"] == "postgres"
    return [hit["name"]["display"] for hit in answer.json()["data"]]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lovelace", "Ada Lovelace"),
        ("LOVELACE ada", "Ada Lovelace"),
        ("lovelase", "Ada Lovelace"),
        ("lovel", "Ada Lovelace"),
        ("ada@engines.example", "Ada Lovelace"),
        ("analitical", "Ada Lovelace"),
        ("hoper grace", "Grace Hopper"),
        ("grace.hopper", "Grace Hopper"),
        ("nunez", "Jos\u00e9 N\u00fa\u00f1ez"),
        ("cafe", "Jos\u00e9 N\u00fa\u00f1ez"),
        ("\u0434\u043e\u0441\u0442\u043e\u0435\u0432\u0441\u043a\u0438\u0439", PEOPLE[3]["name"]),
        ("\u0444\u0435\u0434\u043e\u0440", PEOPLE[3]["name"]),
        ("\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e"),
        ("\u0645\u062d\u0641\u0648\u0638", PEOPLE[5]["name"]),
    ],
)
def test_the_one_that_was_meant_comes_first(filled: Tenant, text: str, name: str) -> None:
    assert names(filled, text)[:1] == [name]


@pytest.mark.parametrize(
    "text", ["zzzzqqqq", "%", "_", "' OR 1=1 --", "\\", "*", "(", "a&!|b:*", "\u200b", "\U0001f600"]
)
def test_odd_text_finds_nobody_and_breaks_nothing(filled: Tenant, text: str) -> None:
    assert names(filled, text) == []


def test_a_change_moves_a_contact_in_the_search(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada Byron"})
    answer = tenant.http.patch(f"/v1/contacts/{made['id']}", json={"name": "Ada Lovelace"})
    tenant.position = int(answer.headers["Event-Position"])

    assert names(tenant, "lovelace") == ["Ada Lovelace"]
    assert names(tenant, "byron") == []


def test_hits_say_how_well_they_fit_and_by_what(filled: Tenant) -> None:
    (hit,) = filled.search("lovelace").json()["data"]
    assert "name" in hit["matched"]
    assert hit["score"] > 0


def test_scores_are_told_in_few_digits(tenant: Tenant) -> None:
    tenant.add({"name": "Annemarie Schmidt"})
    (hit,) = tenant.search("anne marie").json()["data"]
    assert hit["score"] == 0.95


def test_pages_show_every_hit_once_best_first(tenant: Tenant) -> None:
    made = {tenant.add({"name": f"Ada Number{n}"})["id"] for n in range(7)}

    hits = [hit for page in tenant.pages("/v1/contacts/search", q="ada", limit=3) for hit in page]

    assert {hit["id"] for hit in hits} == made
    assert len(hits) == 7
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_a_cursor_belongs_to_its_text(tenant: Tenant) -> None:
    for _ in range(2):
        tenant.add({"name": "Ada Lovelace"})
    cursor = tenant.search("ada", limit=1).json()["next_cursor"]
    problem(tenant.search("lovelace", limit=1, cursor=cursor), 400, "cursor.invalid")
    assert len(tenant.search("ada", limit=1, cursor=cursor).json()["data"]) == 1


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("", {"q": "parameter.required"}),
        ("q=", {"q": "type.wrong"}),
        (f"q={'x' * 201}", {"q": "type.wrong"}),
        ("q=a%00b", {"q": "text.control_character"}),
        ("q=ada&tag=x", {"tag": "parameter.unknown"}),
        ("q=ada&q=grace", {"q": "parameter.repeated"}),
    ],
)
def test_a_bad_search_is_told_what_is_wrong(tenant: Tenant, query: str, errors: dict[str, str]) -> None:
    found = problem(tenant.http.get(f"/v1/contacts/search?{query}"), 400, "query.invalid")["errors"]
    assert {error["parameter"]: error["code"] for error in found} == errors


@pytest.mark.parametrize("raw", ["%FF", "%ED%A0%80", "%E2%80%AE", "%20", "%09", "%25", "%F0%9F%98%80" * 50])
def test_any_bytes_get_a_clear_answer(tenant: Tenant, raw: str) -> None:
    assert tenant.http.get(f"/v1/contacts/search?q={raw}").status_code in {200, 400}
