"""N-U4, R6.3: a cursor works for the list that made it, for its tenant, and for nothing else."""

import base64
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from api.http.cursor import Cursors, InvalidCursorError
from domain.errors import DomainError
from projections.contacts.queries import Filters, Sort
from tests.given import TENANT, some_id

CURSORS = Cursors(b"a key")
OTHER_TENANT = some_id(1)
PLACES = st.integers() | st.lists(st.text(), min_size=2, max_size=2)


def refused(cursor: str, tenant: UUID = TENANT, scope: Any = "list", cursors: Cursors = CURSORS) -> str:
    with pytest.raises(DomainError) as refusal:
        cursors.read(cursor, tenant, scope)
    return refusal.value.code


@for_all(PLACES)
def test_a_cursor_leads_back_to_its_place(place: Any) -> None:
    cursor = CURSORS.make(TENANT, "list", place)
    assert CURSORS.read(cursor, TENANT, "list") == place
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


@for_all(PLACES, st.data())
def test_a_cursor_that_was_changed_in_any_character_is_refused(place: Any, data: st.DataObject) -> None:
    cursor = CURSORS.make(TENANT, "list", place)
    n = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda c: c != cursor[n]))
    assert refused(cursor[:n] + other + cursor[n + 1 :]) == "cursor.invalid"
    assert refused(f"{cursor}=") == "cursor.invalid"


@for_all(st.text())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    assert refused(text) == "cursor.invalid"


def test_a_cursor_belongs_to_its_tenant_list_and_filters_and_key() -> None:
    scope = ["contacts", Filters(tag="vip"), Sort.NAME]
    cursor = CURSORS.make(TENANT, scope, ["a", "b"])

    assert CURSORS.read(cursor, TENANT, ["contacts", Filters(tag="vip"), Sort.NAME]) == ["a", "b"]
    assert refused(cursor, OTHER_TENANT, scope) == "cursor.invalid"
    assert refused(cursor, TENANT, ["contacts", Filters(tag="VIP"), Sort.NAME]) == "cursor.invalid"
    assert refused(cursor, TENANT, ["contacts", Filters(tag="vip"), Sort.CREATED_AT]) == "cursor.invalid"
    assert refused(cursor, TENANT, ["history", Filters(tag="vip"), Sort.NAME]) == "cursor.invalid"
    assert refused(cursor, TENANT, scope, Cursors(b"another key")) == "cursor.invalid"


def made_for(cursor: str, tenant: UUID = OTHER_TENANT) -> UUID | None:
    with pytest.raises(InvalidCursorError) as refusal:
        CURSORS.read(cursor, tenant, "list")
    return refusal.value.made_for


@for_all(PLACES, st.uuids())
def test_whom_a_cursor_was_made_for_is_known_to_us_when_another_sends_it(place: Any, tenant: UUID) -> None:
    cursor = CURSORS.make(tenant, "list", place)
    assert made_for(cursor, some_id(2)) == tenant
    assert made_for(CURSORS.make(tenant, "another list", place), some_id(2)) == tenant


def test_what_was_never_a_cursor_names_nobody_that_we_know() -> None:
    assert made_for("not/base64") is None
    assert made_for("AAAA") is None
    assert made_for("A" * 64) not in {None, TENANT, OTHER_TENANT}


def test_a_cursor_shows_no_id_of_its_tenant() -> None:
    cursors = [CURSORS.make(TENANT, "list", place) for place in range(50)]
    raw = [base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)) for cursor in cursors]
    assert not any(TENANT.bytes in each for each in raw)
    assert len({each[16:32] for each in raw}) == 50, "the same tenant looks different in each"
