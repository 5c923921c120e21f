"""R3.4, N-U2, N-U3: any body becomes either what was meant or a list of what is wrong with it, never a fault."""

from typing import Any

import msgspec
import pytest
from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from api.http import reading
from api.http.reading import MalformedError
from commands.contacts.input import ChangeContact, NameInput, RegisterContact
from commands.identity.accounts import RegisterTenant
from commands.normalise import MOST_PROBLEMS

MEMBERS = (*RegisterContact.__struct_fields__, "id", "version", "nickname", "a/b~c", "")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
INNER = st.sampled_from(["value", "kind", "primary", "given", "family", "display", "id", "name", "x"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(INNER | st.text(), inner, max_size=4),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=6) | JSON


def errors_of(body: Any, kind: type[Any] = RegisterContact) -> dict[str, str]:
    """Pointer to code of everything that is wrong."""
    read = reading.body(msgspec.json.encode(body), kind)
    return {error.pointer: error.code for error in read.errors}


def at(body: Any, pointer: str) -> bool:
    """Whether an RFC 6901 pointer leads to something in a body, or to a member that a present object lacks."""
    here = body
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for n, part in enumerate(parts):
        match here:
            case dict() if part in here:
                here = here[part]
            case list() if part.isdecimal() and int(part) < len(here):
                here = here[int(part)]
            case _:
                return n == len(parts) - 1 and (isinstance(here, dict) or n == 0)
    return True


@for_all(BODIES, st.sampled_from([RegisterContact, ChangeContact, RegisterTenant]))
@example({"emails": [{"value": "a@b.example"}, 5, {"value": None}]}, RegisterContact)
@example({"name": [], "company": {"id": "x", "y": 1}}, ChangeContact)
@example([], RegisterTenant)
def test_any_json_is_read_or_every_error_points_into_it(body: Any, kind: type[Any]) -> None:
    read = reading.body(msgspec.json.encode(body), kind)

    assert isinstance(read.value, kind)
    assert all(at(body, error.pointer) and error.code and error.message for error in read.errors)
    if not read.errors:
        assert msgspec.convert(body, kind) == read.value


@for_all(st.binary() | st.text().map(str.encode) | JSON.map(msgspec.json.encode).map(lambda raw: raw[:-1]))
@example(b"[" * 100_000)
@example(b'{"custom":' * 50_000)
@example(b'{"custom": ' + b"9" * 5000 + b"}")
@example(b'{"custom": {"x": 1e999}}')
@example(b'{"title": "\\ud800"}')
@example(b'{"title": "\xed\xa0\x80"}')
@example(b'\xef\xbb\xbf{"title": "x"}')
@example(b'{"title": NaN}')
@example(b"")
def test_any_bytes_are_read_or_refused_as_malformed(raw: bytes) -> None:
    try:
        reading.body(raw, RegisterContact)
    except MalformedError as refusal:
        assert refusal.code == "body.malformed"  # noqa: PT017  some are read


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"{'name': 'Ada'}", b'{"name": "Ada",}', b'\xff{"name": "Ada"}', b'{"name": "\\ud800"}', b"[" * 9999],
)
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        reading.body(raw, RegisterContact)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"name": "Ada", "name": "Grace"}',
        b'{"name": {"given": "Ada", "given": "Grace"}}',
        b'{"emails": [{"value": "a@b.example", "value": "c@d.example"}]}',
        b'{"name": "Ada", "n\\u0061me": "Grace"}',
    ],
)
def test_a_member_that_stands_twice_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError, match=r"twice"):
        reading.body(raw, RegisterContact)


@for_all(JSON, JSON, JSON, st.text().filter(lambda name: name != "other"), st.sampled_from([b":", b" :", b"\n\t :  "]))
@example(":", '":', {'":': '":'}, '":', b":")
@example([], {"x": {"y": 1}}, {}, "\\", b" :")
def test_what_stands_once_is_read_and_what_stands_twice_is_not(
    first: Any, second: Any, third: Any, name: str, colon: bytes
) -> None:
    named = msgspec.json.encode(name) + colon
    inner = [msgspec.json.encode(each) for each in (first, second, third)]
    whole = b'{"external_ids":{%s%s,"other":%s},"custom":{%s%s}}' % (named, inner[0], inner[1], named, inner[2])
    twice = whole.replace(b'"other":', named + b" ")

    assert reading.body(whole, RegisterContact).values["custom"] == {name: third}
    with pytest.raises(MalformedError, match="twice"):
        reading.body(twice, RegisterContact)


def nested(levels: int, inner: bytes) -> bytes:
    """A body of so many levels, with something in the last one."""
    return b'{"custom":{"x":' + b"[" * (levels - 2) + inner + b"]" * (levels - 2) + b"}}"


@pytest.mark.parametrize("raw", [nested(64, b'"[[{"'), nested(64, b""), nested(63, b"{}")])
def test_a_body_may_be_nested_64_levels_deep(raw: bytes) -> None:
    assert "custom" in reading.body(raw, RegisterContact).values


@pytest.mark.parametrize("raw", [nested(65, b"1"), nested(65, b""), nested(64, b"{}"), nested(100_000, b"")])
def test_a_body_may_not_be_nested_deeper(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="64 levels"):
        reading.body(raw, RegisterContact)


@pytest.mark.parametrize("body", [None, 1, "Ada", [], [{"name": "Ada"}]])
def test_a_body_must_be_an_object(body: Any) -> None:
    assert errors_of(body) == {"": "type.object"}


def test_every_bad_member_is_named_at_once() -> None:
    body = {
        "name": {"given": 5, "middle": "x"},
        "email": ["ada@engines.example"],
        "emails": [{"value": "a@b.example"}, {"kind": "work"}, "c@d.example", {"value": 1, "primary": "yes"}],
        "tags": ["ok", 5, None],
        "owner_id": "nobody",
        "external_ids": {"erp": 7, "a/b~c": []},
        "lifecycle": "friend",
        "id": "x",
        "nick/name": "x",
    }

    assert errors_of(body) == {
        "/name/given": "type.wrong",
        "/name/middle": "field.unknown",
        "/email": "type.wrong",
        "/emails/1/value": "field.required",
        "/emails/2": "type.wrong",
        "/emails/3/value": "type.wrong",
        "/emails/3/primary": "type.wrong",
        "/tags/1": "type.wrong",
        "/tags/2": "type.wrong",
        "/owner_id": "type.uuid",
        "/external_ids/erp": "type.wrong",
        "/external_ids/a~1b~0c": "type.wrong",
        "/lifecycle": "value.not_allowed",
        "/id": "field.read_only",
        "/nick~1name": "field.unknown",
    }


def test_good_members_are_read_beside_bad_ones() -> None:
    read = reading.body(b'{"title": "Countess", "tags": ["a", 5, "b"], "phone": 1}', RegisterContact)
    assert (read.value.title, read.value.tags, read.value.phone) == ("Countess", ["a", None, "b"], None)


def test_absent_members_and_nulls_are_told_apart_also_beside_bad_ones() -> None:
    read = reading.body(b'{"title": null, "name": {"family": null}, "phone": 1}', ChangeContact)
    assert read.value.title is None
    assert read.value.tags is msgspec.UNSET
    assert read.value.name == NameInput(family=None)


def test_missing_members_are_named() -> None:
    assert errors_of({"name": "Grace"}, RegisterTenant) == {
        "/tenant_name": "field.required",
        "/email": "field.required",
        "/password": "field.required",
    }


@pytest.mark.parametrize(
    "body",
    [
        {f"k{n}": 1 for n in range(9000)},
        {"tags": [5] * 9000},
        {"emails": [{}] * 9000},
        {"external_ids": {str(n): 5 for n in range(9000)}},
    ],
)
def test_an_answer_to_nonsense_names_enough_of_it_and_ends(body: Any) -> None:
    assert len(errors_of(body)) == MOST_PROBLEMS
