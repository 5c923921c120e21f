"""N-U2, N-U3: a query is read, or every parameter that is wrong with it is named."""

from typing import Any

import pytest
from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from api.http import parameters
from api.http.contacts.reads import ListQuery
from api.http.contacts.search import SearchQuery
from api.http.exchange import WriteQuery
from domain.errors import DomainError


def refused(pairs: list[tuple[str, str]], kind: type[Any]) -> dict[str, str]:
    with pytest.raises(DomainError) as refusal:
        parameters.query(pairs, kind)
    assert refusal.value.code == "query.invalid"
    return {error.pointer: error.code for error in refusal.value.errors}


def test_every_bad_parameter_is_named_at_once() -> None:
    pairs = [("limit", "0"), ("sort", "age"), ("owner_id", "x"), ("colour", "red"), ("tag", "a"), ("tag", "b")]
    assert refused([*pairs, ("created_after", "today")], ListQuery) == {
        "limit": "type.wrong",
        "sort": "value.not_allowed",
        "owner_id": "type.uuid",
        "colour": "parameter.unknown",
        "tag": "parameter.repeated",
        "created_after": "type.time",
    }


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "", "ten", "1e2", "9" * 40])
def test_a_page_has_1_to_200_items(limit: str) -> None:
    assert refused([("limit", limit)], ListQuery) == {"limit": "type.wrong"}


@pytest.mark.parametrize("time", ["2026-01-05", "2026-01-05T09:30:00", "1767605400", "now", "null", ""])
def test_times_carry_their_offset(time: str) -> None:
    assert refused([("created_after", time)], ListQuery) == {"created_after": "type.time"}


def test_a_parameter_that_is_absent_has_its_default_and_null_is_a_word_like_others() -> None:
    assert parameters.query([], ListQuery) == ListQuery()
    assert parameters.query([("tag", "null")], ListQuery).tag == "null"
    assert refused([("owner_id", "null")], ListQuery) == {"owner_id": "type.uuid"}


@pytest.mark.parametrize("text", ["a\x00b", "\x1b", "\ud800"])
def test_text_in_a_query_has_no_control_characters(text: str) -> None:
    assert refused([("q", text)], SearchQuery) == {"q": "text.control_character"}
    assert refused([("tag", text)], ListQuery) == {"tag": "text.control_character"}


def test_a_search_needs_something_to_look_for() -> None:
    assert refused([], SearchQuery) == {"q": "parameter.required"}
    assert refused([("q", "")], SearchQuery) == {"q": "type.wrong"}
    assert refused([("q", "x" * 201)], SearchQuery) == {"q": "type.wrong"}


NAMES = st.sampled_from([*ListQuery.__struct_fields__, *SearchQuery.__struct_fields__, "dry_run", "x"])


@for_all(
    st.lists(st.tuples(NAMES | st.text(), st.text() | st.integers().map(str) | st.floats().map(str)), max_size=5),
    st.sampled_from([ListQuery, SearchQuery, WriteQuery]),
)
@example([("created_after", "1e300")], ListQuery)
@example([("created_after", "9999-12-31T23:59:59-23:59")], ListQuery)
@example([("created_after", "0001-01-01T00:00:00+23:59")], ListQuery)
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]], kind: type[Any]) -> None:
    try:
        assert isinstance(parameters.query(pairs, kind), kind)
    except DomainError as refusal:
        named = {error.pointer for error in refusal.errors}
        assert named <= {*kind.__struct_fields__, *(name for name, _ in pairs)}
