"""R6.3: what is noted of a request is the same whether an id is missing or another tenant's: nothing is asked."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from litestar import Request

from api.http import tried
from api.http.audit import AuditQuery
from api.http.cursor import Cursors, InvalidCursorError
from commands.interactions.note import UnknownMentionsError
from commands.violations import Tried
from domain.errors import DomainError, FieldError, GoneError, InvalidError, NotFoundError
from domain.event import Actor
from tests.given import CALLER, START, TENANT, some_id

ONE, TWO, THREE = some_id(1), some_id(2), some_id(3)


class Asked:
    """A request that was refused, and what was noted of it."""

    def __init__(self, path: Mapping[str, str] | None = None, body: Any = None, *, signed_in: bool = True) -> None:
        self.noted: list[Tried] = []
        services = SimpleNamespace(tried=self.noted.append, clock=lambda: START, proxies=())
        principal = SimpleNamespace(tenant_id=TENANT, actor=Actor("user", CALLER))
        state = {"services": services, "correlation_id": "c", "traceparent": None, "headers": {}}
        state |= {"principal": principal} if signed_in else {}
        state |= {"body": msgspec.json.encode(body)} if body is not None else {}
        self.request: Request[Any, Any, Any] = Request(
            {  # type: ignore[arg-type]
                "type": "http",
                "method": "PATCH",
                "path_template": "/v1/contacts/{contact_id}",
                "path_params": dict(path or {}),
                "client": ("192.0.2.7", 1),
                "headers": [],
                "state": state,
            }
        )

    def ids(self, error: DomainError) -> list[UUID]:
        tried.note_refusal(self.request, error)
        return [each.named for each in self.noted]


def missing(*pointers: str) -> InvalidError:
    return InvalidError([FieldError(pointer, "user.not_found", "is no user of this tenant") for pointer in pointers])


def test_the_ids_of_a_path_are_noted_with_who_and_from_where() -> None:
    asked = Asked({"contact_id": str(ONE), "other_id": str(TWO).upper()})
    assert asked.ids(NotFoundError("contact")) == [ONE, TWO]
    noted = asked.noted[0]
    assert (noted.tenant_id, noted.at, noted.kind) == (TENANT, START, None)
    assert noted.operation == "PATCH /v1/contacts/{contact_id}"
    assert (noted.metadata.actor, noted.metadata.address) == (Actor("user", CALLER), "192.0.2.7")


@pytest.mark.parametrize("path", [{"contact_id": "x"}, {"role_key": "sales"}, {}])
def test_what_is_no_id_is_not_noted(path: dict[str, str]) -> None:
    assert Asked(path).ids(NotFoundError("contact")) == []


@pytest.mark.parametrize(
    ("body", "pointer", "found"),
    [
        ({"owner_id": str(ONE)}, "/owner_id", [ONE]),
        ({"company": {"id": str(ONE)}}, "/company/id", [ONE]),
        ({"user_ids": ["x", str(ONE), str(TWO)]}, "/user_ids/1", [ONE]),
        ({"a/b": {"~c": str(ONE)}}, "/a~1b/~0c", [ONE]),
        ({"user_ids": [str(ONE)]}, "/user_ids/7", []),
        ({"user_ids": [str(ONE)]}, "/user_ids/x", []),
        ({"owner_id": None}, "/owner_id", []),
        ({}, "/owner_id/id", []),
        ([str(ONE)], "/0", [ONE]),
    ],
)
def test_a_reference_in_a_body_is_noted_where_its_error_points(body: Any, pointer: str, found: list[UUID]) -> None:
    assert Asked(body=body).ids(missing(pointer)) == found


def test_every_reference_that_is_missing_is_noted_and_no_other_member() -> None:
    body = {"owner_id": str(ONE), "company": {"id": str(TWO)}, "contact_id": str(THREE)}
    assert Asked({"contact_id": str(THREE)}, body).ids(missing("/owner_id", "/company/id")) == [ONE, TWO]


def test_a_cursor_is_noted_by_the_tenant_that_it_was_made_for() -> None:
    cursors = Cursors(b"a key")
    with pytest.raises(InvalidCursorError) as refusal:
        cursors.read(cursors.make(ONE, "list", 1), TENANT, "list")
    asked = Asked()
    assert asked.ids(refusal.value) == [ONE]
    assert asked.noted[0].kind == "cursor"
    assert Asked().ids(InvalidCursorError(None)) == []


def test_those_whom_a_text_names_and_who_are_no_users_are_noted() -> None:
    error = UnknownMentionsError([FieldError("/html", "user.not_found", "names somebody")], [ONE, TWO])
    assert Asked({"contact_id": str(THREE)}, {"html": str(THREE)}).ids(error) == [ONE, TWO]


def test_ids_that_a_list_was_filtered_by_are_noted() -> None:
    asked = Asked()
    tried.note_filters(asked.request, AuditQuery(actor_id=ONE, target_id=TWO, action="contact.changed"))
    assert [each.named for each in asked.noted] == [ONE, TWO]


@pytest.mark.parametrize(
    "error", [GoneError("contact"), DomainError("permission.missing", "no"), InvalidError([FieldError("/x", "c", "m")])]
)
def test_other_refusals_note_nothing(error: DomainError) -> None:
    assert Asked({"contact_id": str(ONE)}, {"x": str(ONE)}).ids(error) == []


def test_who_has_not_signed_in_is_of_no_tenant() -> None:
    assert Asked({"contact_id": str(ONE)}, signed_in=False).ids(NotFoundError("contact")) == []


def test_a_body_that_was_never_read_or_can_not_be_is_no_fault() -> None:
    assert Asked().ids(missing("/owner_id")) == []
