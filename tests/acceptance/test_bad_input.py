"""R3.4, N-U2, N-U3: whatever is sent, the answer is clear, nothing is saved, and nothing of ours shows."""

import json
from typing import Any

import pytest

from tests.acceptance.installation import Tenant, bad_fields, problem

pytestmark = pytest.mark.servers

JSON = {"Content-Type": "application/json"}


def test_every_bad_field_is_named_at_once_and_nothing_is_saved(tenant: Tenant) -> None:
    body = {
        "name": {"given": 5, "middle": "x"},
        "emails": [{"value": "nobody"}, {"kind": "work"}, 7],
        "phone": "030 901820",
        "title": "t" * 201,
        "tags": ["ok", "", 5],
        "owner_id": "me",
        "company": {"id": "11111111-1111-1111-1111-111111111111"},
        "external_ids": {"My ERP": "1"},
        "custom": {"shoe/size": 42},
        "lifecycle": "friend",
        "version": 3,
        "nickname": "Countess",
    }

    errors = bad_fields(tenant.http.post("/v1/contacts", json=body))

    assert errors == {
        "/name/given": "type.wrong",
        "/name/middle": "field.unknown",
        "/emails/0/value": "email.invalid",
        "/emails/1/value": "field.required",
        "/emails/2": "type.wrong",
        "/phone": "phone.invalid",
        "/title": "text.too_long",
        "/tags/1": "tag.blank",
        "/tags/2": "type.wrong",
        "/owner_id": "type.uuid",
        "/company/id": "company.not_found",
        "/external_ids/My ERP": "external_ids.system",
        "/custom/shoe~1size": "custom_field.unknown",
        "/lifecycle": "value.not_allowed",
        "/version": "field.read_only",
        "/nickname": "field.unknown",
    }
    assert tenant.get("/v1/contacts").json()["data"] == []


def test_a_refused_patch_names_its_bad_fields_and_changes_nothing(tenant: Tenant) -> None:
    made = tenant.add({"name": "Ada", "title": "Countess"})
    path = f"/v1/contacts/{made['id']}"

    errors = bad_fields(tenant.http.patch(path, json={"title": "Miss", "email": "x", "id": made["id"], "nick": 1}))

    assert errors == {"/email": "email.invalid", "/id": "field.read_only", "/nick": "field.unknown"}
    assert tenant.get(path).json() == made


def test_every_message_says_what_to_do(tenant: Tenant) -> None:
    found = problem(tenant.http.post("/v1/contacts", json={"phone": "030 901820"}), 422, "validation.failed")
    assert "+49" in found["errors"][0]["message"]
    assert found["hint"]


MALFORMED: list[bytes] = [
    b"",
    b"{",
    b"name=Ada",
    b"{'name': 'Ada'}",
    b'{"name": "Ada"',
    b'{"name": "\xff\xfe"}',
    b'{"name": "\xed\xa0\x80"}',
    b'{"name": "\\ud800"}',
    b'{"name": "Ada", "name": "Grace"}',
    b'{"external_ids": {"erp": "1", "erp": "2"}}',
    b"[" * 100_000,
    b'{"custom":' * 100_000,
    '{"name": "Ada"}'.encode("utf-16"),
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_json_is_told_so(tenant: Tenant, body: bytes) -> None:
    problem(tenant.http.post("/v1/contacts", content=body, headers=JSON), 400, "body.malformed")
    problem(tenant.http.post("/v1/auth/login", content=body, headers=JSON), 400, "body.malformed")


@pytest.mark.parametrize("body", [None, 1, "Ada", [], [{"name": "Ada"}], True])
def test_json_that_is_no_object_is_told_so(tenant: Tenant, body: Any) -> None:
    assert bad_fields(tenant.http.post("/v1/contacts", content=json.dumps(body), headers=JSON)) == {"": "type.object"}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"name": "A\x00da"}, "/name", "text.control_character"),
        ({"name": {"given": "\x1b[31m"}}, "/name/given", "text.control_character"),
        ({"name": "Ada", "title": "\x7f"}, "/title", "text.control_character"),
        ({"name": "Ada", "tags": ["\x00"]}, "/tags/0", "text.control_character"),
        ({"name": "Ada", "company": "\x00"}, "/company", "text.control_character"),
        ({"name": "Ada", "company": {"name": "E\x00"}}, "/company/name", "text.control_character"),
        ({"name": "Ada", "external_ids": {"erp": "\x00"}}, "/external_ids/erp", "text.control_character"),
        ({"name": "Ada", "external_ids": {"e\x00": "1"}}, "/external_ids/e\x00", "external_ids.system"),
        ({"name": "Ada", "custom": {"\x00": 1}}, "/custom/\x00", "custom_field.unknown"),
        ({"name": "Ada", "\x00": 1}, "/\x00", "field.unknown"),
        ({"email": "a\x00@b.example"}, "/email", "email.invalid"),
        ({"phone": "+49 30\x00901820"}, "/phone", "phone.invalid"),
        ({"name": "Ada", "emails": [{"value": "a@b.example", "kind": "w\x00"}]}, "/emails/0/kind", "kind.invalid"),
        ({"name": "Ada", "company": "x" * 201}, "/company", "text.too_long"),
        ({"name": "Ada" * 1000}, "/name", "text.too_long"),
    ],
)
def test_characters_that_do_not_belong_are_named(tenant: Tenant, body: dict[str, Any], pointer: str, code: str) -> None:
    assert bad_fields(tenant.http.post("/v1/contacts", json=body)) == {pointer: code}


@pytest.mark.parametrize(
    "name",
    [
        "Nguy\u1ec5n Th\u1ecb",
        "\u0928\u0930\u0947\u0928\u094d\u0926\u094d\u0930",
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "O'Brien-\u0141",
        "\U0001f600 Smiley",
        "Robert'); DROP TABLE event;--",
    ],
)
def test_names_of_all_kinds_come_back_as_they_were(tenant: Tenant, name: str) -> None:
    made = tenant.add({"name": {"display": name}, "tags": [name], "title": name})
    read = tenant.get(f"/v1/contacts/{made['id']}").json()
    assert (read["name"]["display"], read["tags"], read["title"]) == (name, [name], name)
    assert [contact["id"] for contact in tenant.get("/v1/contacts", tag=name).json()["data"]] == [made["id"]]


@pytest.mark.parametrize("size", [1_048_577, 5_000_000, 30_000_000])
def test_a_body_that_is_too_large_is_told_so_with_and_without_its_length(tenant: Tenant, size: int) -> None:
    problem(tenant.http.post("/v1/contacts", content=b" " * size, headers=JSON), 413, "body.too_large")
    chunks = (b" " * 65_536 for _ in range(size // 65_536 + 1))
    problem(tenant.http.post("/v1/contacts", content=chunks, headers=JSON), 413, "body.too_large")


def test_a_body_as_large_as_allowed_is_read(tenant: Tenant) -> None:
    body = b'{"name": "Ada"' + b" " * (1_048_576 - 15) + b"}"
    assert len(body) == 1_048_576
    assert tenant.http.post("/v1/contacts", content=body, headers=JSON).status_code == 201


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_media_type_is_told_so(tenant: Tenant, media: str) -> None:
    answer = tenant.http.post("/v1/contacts", content=b'{"name": "Ada"}', headers={"Content-Type": media})
    assert "application/json" in problem(answer, 415, "body.media_type")["hint"]
    patch = {"Content-Type": "application/merge-patch+json"}
    problem(tenant.http.post("/v1/contacts", content=b'{"name": "Ada"}', headers=patch), 415, "body.media_type")


def test_nonsense_by_the_thousand_gets_a_short_answer_soon(tenant: Tenant) -> None:
    bodies: list[dict[str, Any]] = [
        {f"k{n}": 1 for n in range(50_000)},
        {"emails": [{}] * 200_000},
        {"tags": [5] * 300_000},
    ]
    for body in bodies:
        answer = tenant.http.post("/v1/contacts", json=body)
        assert len(bad_fields(answer)) >= 200
        assert len(answer.content) < 200_000


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, "-0", "1E400"])
def test_numbers_of_any_size_are_no_fault(tenant: Tenant, number: str) -> None:
    content = f'{{"name": "Ada", "title": {number}}}'.encode()
    assert tenant.http.post("/v1/contacts", content=content, headers=JSON).status_code in {400, 422}
