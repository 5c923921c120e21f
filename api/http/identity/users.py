"""Users over HTTP: list, add, change; roles given and taken; access suspended, restored, explained."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Router, get, patch, post, put
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    PATCH,
    HttpRequest,
    NoQuery,
    WriteQuery,
    etag,
    path_id,
    principal_of,
    query_of,
    services_of,
)
from api.http.identity.auth import require_free
from api.http.identity.user_views import UserView, seen, view
from api.http.operation import IF_MATCH_ERRORS, operation
from api.http.read_after import settled
from api.http.reading import Readable
from api.http.shapes import Cursor, DryRun, Limit, Page
from api.http.writing import NoBody, Understand, as_it_is, carry_out, written_answer
from commands.handle import UseCase
from commands.identity import accounts as identity
from commands.identity import members
from commands.identity.members import GiveRoles, Restore, RolesOf, Suspend
from commands.identity.users import AddUser, ChangeUser, NewUser
from commands.normalise import Problems
from commands.registry_identity import ADD_USER, CHANGE_USER, GIVE_ROLES, RESTORE_USER, SUSPEND_USER
from domain import user
from domain.errors import FieldError
from projections.identity import user as user_rows
from projections.identity import user_queries

TAG = "users"
_ONE = ("user.not_found", *IF_MATCH_ERRORS)
_READ_MODELS = (user_rows.PROJECTION.checkpoint,)


class ListQuery(Struct, forbid_unknown_fields=True):
    """Page of the users."""

    limit: Limit = 50
    cursor: Cursor | None = None


def _declared(summary: str, body: Any, example: Any, *errors: str, **more: Any) -> dict[str, Any]:
    return operation(
        summary=summary,
        tag=TAG,
        permission="users.manage",
        body=body,
        query=WriteQuery,
        errors=errors,
        example=example,
        result=examples.USER,
        writes=True,
        idempotent=True,
        **more,
    )


@get(
    "/users",
    **operation(
        summary="List users",
        tag=TAG,
        permission="users.read",
        query=ListQuery,
        answers={200: Page[UserView]},
        errors=("cursor.invalid",),
        result={"data": [examples.USER], "next_cursor": None},
        read_after=True,
    ),
)
async def list_users(request: HttpRequest) -> Answer:
    """Users, who joined first first."""
    query: ListQuery = query_of(request, ListQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    after = services.cursors.read(query.cursor, tenant_id, ["users"]) if query.cursor else user_queries.FIRST
    level = await settled(request, _READ_MODELS)
    ask = partial(user_queries.page, tenant_id=tenant_id, after=tuple(after), limit=query.limit)
    rows, bound = await services.reads.ask(tenant_id, ask, at_least=level)
    next_cursor = services.cursors.make(tenant_id, ["users"], bound) if bound else None
    access = await services.authorization.access(tenant_id)
    data = [view(row, row.last_login_at, access.teams_of(row.id)) for row in rows]
    return Answer(Page(data=data, next_cursor=next_cursor))


@post(
    "/users",
    **_declared(
        "Add a user",
        AddUser,
        examples.NEW_USER,
        *("user.email_taken", "auth.throttled", "auth.busy"),
        answers={201: UserView, 200: DryRun},
        results={200: examples.DRY_USER},
        description="Nobody gives a role that allows what they don't hold themselves.",
    ),
)
async def add_user(request: HttpRequest) -> Answer:
    """A user more."""
    principal, services = principal_of(request), services_of(request)
    hashes: list[str] = []

    async def understand(readable: Readable[AddUser]) -> tuple[NewUser, Sequence[FieldError]]:
        problems = Problems(readable.errors)
        found = identity.check_person(readable.values, problems)
        access = await services.authorization.access(principal.tenant_id)
        roles = members.check_roles(readable.values.get("roles") or (), access, problems)
        problems.raise_if_any()
        members.require_held(access.rights(roles), principal.rights)
        await require_free(services, found["email"], str(principal.tenant_id))
        password = found.pop("password")
        if not hashes:
            hashes.append(await services.passwords.hash(password))
        return NewUser(**found, password_hash=hashes[0], roles=roles), ()

    return await _written(request, ADD_USER, AddUser, understand)


@get(
    "/users/{user_id:str}",
    **operation(
        summary="Read a user",
        tag=TAG,
        permission="users.read",
        query=NoQuery,
        answers={200: UserView},
        errors=("user.not_found",),
        result=examples.USER,
        read_after=True,
    ),
)
async def read_user(request: HttpRequest) -> Answer:
    """One user, from the log itself."""
    user_id = path_id(request, "user_id", "user")
    query_of(request, NoQuery)
    await settled(request, ())
    state = await services_of(request).handler.state(principal_of(request).tenant_id, "user", user.evolve, user_id)
    return Answer(await seen(request, state), headers={"ETag": etag(state.version)})


@patch(
    "/users/{user_id:str}",
    **_declared(
        "Change a user's profile",
        ChangeUser,
        examples.PROFILE,
        *_ONE,
        media=PATCH,
        answers={200: (UserView, DryRun)},
        if_match=True,
    ),
)
async def change_user(request: HttpRequest) -> Answer:
    """Other members of the profile."""
    return await _written(request, CHANGE_USER, ChangeUser, as_it_is, PATCH, user_id=_id(request))


@put(
    "/users/{user_id:str}/roles",
    **_declared(
        "Give a user roles",
        GiveRoles,
        examples.ROLES_GIVEN,
        *(*_ONE, "user.last_admin", "command.contention"),
        answers={200: (UserView, DryRun)},
        description=(
            "The whole list. It holds from the very next request on, wherever the user is signed in. Nobody gives or"
            " takes a role that allows what they don't hold themselves; the last admin stays."
        ),
    ),
)
async def give_roles(request: HttpRequest) -> Answer:
    """These roles and no others."""
    principal, authorization = principal_of(request), services_of(request).authorization

    async def understand(readable: Readable[GiveRoles]) -> tuple[RolesOf, Sequence[FieldError]]:
        access = await authorization.access(principal.tenant_id)
        return RolesOf(readable.values.get("roles") or (), principal.rights, access), readable.errors

    return await _written(request, GIVE_ROLES, GiveRoles, understand, user_id=_id(request))


@post(
    "/users/{user_id:str}/suspend",
    status_code=200,
    **_declared(
        "Suspend a user",
        NoBody,
        {},
        *(*_ONE, "user.last_admin", "command.contention"),
        answers={200: (UserView, DryRun)},
        description="Every session of the user is over with the answer; the last admin stays.",
    ),
)
async def suspend_user(request: HttpRequest) -> Answer:
    """Keep somebody out."""
    return await _written(request, SUSPEND_USER, NoBody, _by(request, Suspend), user_id=_id(request))


@post(
    "/users/{user_id:str}/restore",
    status_code=200,
    **_declared("Restore a suspended user", NoBody, {}, *_ONE, answers={200: (UserView, DryRun)}),
)
async def restore_user(request: HttpRequest) -> Answer:
    """Let somebody in again."""
    return await _written(request, RESTORE_USER, NoBody, _by(request, Restore), user_id=_id(request))


def _id(request: HttpRequest) -> UUID:
    return path_id(request, "user_id", "user")


def _by(request: HttpRequest, kind: type[Suspend | Restore]) -> Understand:
    principal, authorization = principal_of(request), services_of(request).authorization

    async def understand(readable: Readable[NoBody]) -> tuple[Any, Sequence[FieldError]]:
        return kind(principal.rights, await authorization.access(principal.tenant_id)), readable.errors

    return understand


async def _written(
    request: HttpRequest,
    case: UseCase[Any, user.User],
    body: type[Any],
    understand: Understand,
    media: tuple[str, ...] = JSON,
    *,
    user_id: UUID | None = None,
) -> Answer:
    dry, outcome = await carry_out(request, case, body, media, understand, stream_id=user_id)
    made = await seen(request, outcome.state)
    return written_answer(outcome, made, dry=dry, location=f"/v1/users/{outcome.stream_id}")


ROUTER = Router(
    path="/v1",
    route_handlers=[
        *(list_users, add_user, read_user, change_user),
        *(give_roles, suspend_user, restore_user),
    ],
)
