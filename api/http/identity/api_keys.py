"""API keys over HTTP: issued, listed, revoked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Router, delete, get, post
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    NoQuery,
    WriteQuery,
    etag,
    path_id,
    principal_of,
    query_of,
    services_of,
    write_headers,
)
from api.http.identity.auth import NO_STORE
from api.http.operation import BODY_ERRORS, operation
from api.http.read_after import settled
from api.http.reading import Readable
from api.http.shapes import Cursor, DryRun, Limit, Page, dry_run_answer
from api.http.writing import NoBody, carry_out, written_answer
from commands.identity.api_keys import IssueKey, NewKey, RevokeKey
from commands.registry_identity import ISSUE_KEY, REVOKE_KEY
from domain import api_key
from domain.api_key import ApiKey
from domain.errors import FieldError, GoneError

TAG = "api-keys"
_SCOPE = ["api_keys"]


class KeyView(Struct, frozen=True, kw_only=True):
    """An API key: `prefix` is how it begins, `user_id` for whom it acts; last use to the minute."""

    id: UUID
    version: int
    name: str
    roles: Sequence[str]
    user_id: UUID
    prefix: str
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewKeyView(KeyView, frozen=True, kw_only=True):
    """A key that was issued just now: `key` is the key itself, and never shown again."""

    key: str


class ListQuery(Struct, forbid_unknown_fields=True):
    """Page of the keys."""

    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/api-keys",
    **operation(
        summary="List API keys",
        description="Those that were not revoked, the oldest first.",
        tag=TAG,
        permission="api_keys.manage",
        query=ListQuery,
        answers={200: Page[KeyView]},
        errors=("cursor.invalid",),
        result={"data": [examples.API_KEY], "next_cursor": None},
        read_after=True,
    ),
)
async def list_keys(request: HttpRequest) -> Answer:
    """Keys, from the log itself."""
    query: ListQuery = query_of(request, ListQuery)
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    after = services.cursors.read(query.cursor, tenant_id, _SCOPE) if query.cursor else ""
    access = await services.authorization.access(tenant_id)
    # Ids that are made later sort later.
    ids = sorted(key_id for key_id, key in access.keys.items() if not key.revoked and str(key_id) > after)
    page = ids[: query.limit]
    states = [await services.handler.state(tenant_id, "api_key", api_key.evolve, each) for each in page]
    used = await services.key_uses.last(tenant_id, page)
    next_cursor = services.cursors.make(tenant_id, _SCOPE, str(page[-1])) if len(ids) > len(page) else None
    data = [KeyView(**_shown(state, used.get(state.id))) for state in states]
    return Answer(Page(data=data, next_cursor=next_cursor))


@post(
    "/api-keys",
    **operation(
        summary="Issue an API key",
        description=(
            "The answer has the key itself, once. It acts for the user who asks, with its own roles; what it does is"
            " told as the key's. Nobody gives a key what they don't hold themselves."
        ),
        tag=TAG,
        permission="api_keys.manage",
        body=IssueKey,
        query=WriteQuery,
        answers={201: NewKeyView, 200: DryRun},
        example=examples.NEW_API_KEY,
        result=examples.API_KEY | {"key": examples.API_KEY_TEXT},
        results={200: examples.DRY_API_KEY},
        writes=True,
    ),
)
async def issue_key(request: HttpRequest) -> Answer:
    """A key more."""
    principal, services = principal_of(request), services_of(request)
    key_id = services.new_id()
    spelt = services.api_keys.make(principal.tenant_id, key_id)

    async def understand(readable: Readable[IssueKey]) -> tuple[NewKey, Sequence[FieldError]]:
        access = await services.authorization.access(principal.tenant_id)
        command = NewKey(
            asked=readable.value, spelt=spelt, user_id=principal.user_id, by=principal.rights, access=access
        )
        return command, readable.errors

    dry, outcome = await carry_out(request, ISSUE_KEY, IssueKey, JSON, understand, stream_id=key_id)
    shown = _shown(outcome.state, None)
    if dry:
        return dry_run_answer(outcome, KeyView(**shown))
    headers = write_headers(outcome, location=f"/v1/api-keys/{key_id}")
    return Answer(
        NewKeyView(**shown, key=spelt.text),
        status=outcome.status,
        headers=headers | NO_STORE | {"ETag": etag(outcome.state.version)},
    )


@get(
    "/api-keys/{api_key_id:str}",
    **operation(
        summary="Read an API key",
        tag=TAG,
        permission="api_keys.manage",
        query=NoQuery,
        answers={200: KeyView},
        errors=("api_key.not_found", "api_key.deleted"),
        result=examples.API_KEY,
        read_after=True,
    ),
)
async def read_key(request: HttpRequest) -> Answer:
    """One key, but never its secret."""
    key_id = _id(request)
    query_of(request, NoQuery)
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    state = await services.handler.state(tenant_id, "api_key", api_key.evolve, key_id)
    if state.deleted_at is not None:
        raise GoneError("api_key")
    used = await services.key_uses.last(tenant_id, [key_id])
    return Answer(KeyView(**_shown(state, used.get(key_id))), headers={"ETag": etag(state.version)})


@delete(
    "/api-keys/{api_key_id:str}",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **operation(
        summary="Revoke an API key",
        description="From the very next request on, wherever it is sent, the key is refused.",
        tag=TAG,
        permission="api_keys.manage",
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=(*BODY_ERRORS, "api_key.not_found", "api_key.deleted"),
        results={200: examples.DRY_REVOCATION},
        writes=True,
        if_match=True,
    ),
)
async def revoke_key(request: HttpRequest) -> Answer:
    """A key less."""

    async def understand(readable: Readable[NoBody]) -> tuple[RevokeKey, Sequence[FieldError]]:
        return RevokeKey(), readable.errors

    dry, outcome = await carry_out(request, REVOKE_KEY, NoBody, JSON, understand, stream_id=_id(request))
    return written_answer(outcome, KeyView(**_shown(outcome.state, None)), dry=dry)


def _id(request: HttpRequest) -> UUID:
    return path_id(request, "api_key_id", "api_key")


_OF_STATE = tuple(name for name in KeyView.__struct_fields__ if name != "last_used_at")


def _shown(state: ApiKey, last_used_at: datetime | None) -> dict[str, Any]:
    """What is shown of a key: nothing that would open anything."""
    return {name: getattr(state, name) for name in _OF_STATE} | {"last_used_at": last_used_at}


ROUTER = Router(path="/v1", route_handlers=[list_keys, issue_key, read_key, revoke_key])
