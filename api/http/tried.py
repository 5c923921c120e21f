"""Ids that a request named and was told to be of nothing: noted, whether they are missing or another tenant's.

Noting one is the same little work in both cases. What becomes of it is found out beside the requests
(commands/violations.py), so neither the answer nor its time tells the one from the other.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import Struct, structs

from api.http.address import address_of
from api.http.cursor import InvalidCursorError
from api.http.services import Services
from commands.interactions.note import UnknownMentionsError
from commands.violations import Tried
from domain.errors import DomainError, NotFoundError
from domain.event import Metadata

_MISSING = ".not_found"


def note_refusal(request: Request[Any, Any, Any], error: DomainError) -> None:
    """Note what a refusal says is not there: ids of the path, ids in the body, and whom a cursor was made for."""
    if isinstance(error, InvalidCursorError):
        _note(request, [error.made_for] if error.made_for else (), kind="cursor")
    elif isinstance(error, UnknownMentionsError):
        _note(request, error.named)
    elif isinstance(error, NotFoundError):
        _note(request, _ids(request.path_params.values()))
    elif pointers := [item.pointer for item in error.errors if item.code.endswith(_MISSING)]:
        _note(request, _ids(_pointed_at(request.scope["state"].get("body", b""), pointers)))


def note_filters(request: Request[Any, Any, Any], query: Struct) -> None:
    """Note the ids that a list was filtered by and nothing was found for."""
    _note(request, [value for value in structs.astuple(query) if isinstance(value, UUID)])


def note_named(request: Request[Any, Any, Any], ids: Iterable[UUID]) -> None:
    """Note ids that a search was filtered by and nothing was found for."""
    _note(request, ids)


def _note(request: Request[Any, Any, Any], ids: Iterable[UUID], *, kind: str | None = None) -> None:
    state = request.scope["state"]
    principal, services = state.get("principal"), state["services"]
    if principal is None:  # whoever has not signed in is of no tenant, and is told of no record
        return
    metadata = Metadata(
        actor=principal.actor,
        correlation_id=state["correlation_id"],
        traceparent=state["traceparent"],
        address=address_of(request),
    )
    operation = f"{request.method} {request.scope.get('path_template', '')}"
    found: Services = services
    for named in ids:
        found.tried(
            Tried(
                tenant_id=principal.tenant_id,
                metadata=metadata,
                named=named,
                operation=operation,
                at=found.clock(),
                kind=kind,
            )
        )


def _ids(values: Iterable[Any]) -> Iterator[UUID]:
    for value in values:
        try:
            yield UUID(str(value))
        except ValueError:
            continue


def _pointed_at(body: bytes, pointers: Iterable[str]) -> Iterator[Any]:
    """The values that pointers (RFC 6901) lead to; what they don't lead to is left out."""
    try:
        whole = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return
    for pointer in pointers:
        value = whole
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list):
                value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
        yield value
