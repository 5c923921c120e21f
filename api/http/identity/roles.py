"""Roles and teams over HTTP."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Router, delete, get, patch, post, put

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
from api.http.identity.role_views import RoleView, TeamView, built_in_view, role_view, team_view
from api.http.operation import BODY_ERRORS, operation
from api.http.read_after import settled
from api.http.reading import Readable
from api.http.shapes import DryRun, Page
from api.http.writing import NoBody, carry_out, written_answer
from commands.handle import UseCase
from commands.identity.roles import ByHolder, ChangeRole, DefineRole
from commands.identity.teams import ChangeMembers, FoundTeam
from commands.registry_identity import CHANGE_MEMBERS, CHANGE_ROLE, DEFINE_ROLE, DELETE_ROLE, FOUND_TEAM
from domain import role, team
from domain.access import BUILT_IN_ROLES
from domain.errors import DomainError, FieldError, NotFoundError


def _write(summary: str, tag: str, permission: str, *errors: str, **more: Any) -> dict[str, Any]:
    return operation(
        summary=summary,
        tag=tag,
        permission=permission,
        query=WriteQuery,
        errors=errors,
        writes=True,
        idempotent=True,
        **more,
    )


@get(
    "/roles",
    **operation(
        summary="List roles",
        tag="roles",
        permission="users.read",
        query=NoQuery,
        answers={200: Page[RoleView]},
        result={"data": [examples.ROLE], "next_cursor": None},
        read_after=True,
    ),
)
async def list_roles(request: HttpRequest) -> Answer:
    """The built-in ones, then those that the company has defined."""
    query_of(request, NoQuery)
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    access = await services.authorization.access(tenant_id)
    states = [await services.handler.state(tenant_id, "role", role.evolve, each) for each in access.defined]
    data = [*map(built_in_view, BUILT_IN_ROLES), *map(role_view, states)]
    return Answer(Page(data=data, next_cursor=None))


@post(
    "/roles",
    **_write(
        *("Define a role", "roles", "roles.manage", "role.key_taken"),
        body=DefineRole,
        answers={201: RoleView, 200: DryRun},
        example=examples.NEW_ROLE,
        result=examples.ROLE,
        results={200: examples.DRY_ROLE},
        description=(
            "Nobody makes a role allow what they don't hold themselves. A field rule is about a field as answers name"
            " it, or custom.KEY; of several roles the most permissive one wins, and a role without a rule for a field"
            " lets it be written as far as its permissions reach."
        ),
    ),
)
async def define_role(request: HttpRequest) -> Answer:
    """A role more."""
    return await _role_written(request, DEFINE_ROLE, DefineRole, JSON)


@get(
    "/roles/{role_key:str}",
    **operation(
        summary="Read a role",
        tag="roles",
        permission="users.read",
        query=NoQuery,
        answers={200: RoleView},
        errors=("role.not_found",),
        result=examples.ROLE,
        read_after=True,
    ),
)
async def read_role(request: HttpRequest) -> Answer:
    """One role."""
    key = str(request.path_params["role_key"])
    query_of(request, NoQuery)
    await settled(request, ())
    if key in BUILT_IN_ROLES:
        return Answer(built_in_view(key), headers={"ETag": etag(1)})
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    state = await services.handler.state(tenant_id, "role", role.evolve, await _id_of(request))
    return Answer(role_view(state), headers={"ETag": etag(state.version)})


@patch(
    "/roles/{role_key:str}",
    **_write(
        *("Change a role", "roles", "roles.manage", "role.not_found", "role.built_in"),
        body=ChangeRole,
        media=PATCH,
        answers={200: (RoleView, DryRun)},
        example={"name": "Revision"},
        result=examples.ROLE | {"version": 2, "name": "Revision"},
        if_match=True,
        description="It holds from the very next request on, for everybody who holds the role.",
    ),
)
async def change_role(request: HttpRequest) -> Answer:
    """Another name, other permissions."""
    return await _role_written(request, CHANGE_ROLE, ChangeRole, PATCH, role_id=await _id_of(request))


@delete(
    "/roles/{role_key:str}",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **_write(
        *("Delete a role", "roles", "roles.manage", "role.not_found", "role.built_in", "role.in_use", *BODY_ERRORS),
        answers={204: None, 200: DryRun},
        results={200: examples.DRY_ROLE_DELETION},
        if_match=True,
    ),
)
async def delete_role(request: HttpRequest) -> Answer:
    """A role less."""
    return await _role_written(request, DELETE_ROLE, NoBody, JSON, role_id=await _id_of(request))


@get(
    "/teams",
    **operation(
        summary="List teams",
        tag="teams",
        permission="users.read",
        query=NoQuery,
        answers={200: Page[TeamView]},
        result={"data": [examples.TEAM], "next_cursor": None},
        read_after=True,
    ),
)
async def list_teams(request: HttpRequest) -> Answer:
    """Every team, the oldest first."""
    query_of(request, NoQuery)
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    access = await services.authorization.access(tenant_id)
    states = [await services.handler.state(tenant_id, "team", team.evolve, each) for each in access.teams]
    return Answer(Page(data=[team_view(state) for state in states], next_cursor=None))


@post(
    "/teams",
    **_write(
        *("Found a team", "teams", "users.manage"),
        body=FoundTeam,
        answers={201: TeamView, 200: DryRun},
        example={"name": "North"},
        result=examples.TEAM,
        results={200: examples.DRY_TEAM},
    ),
)
async def found_team(request: HttpRequest) -> Answer:
    """A team more, of nobody yet."""
    dry, outcome = await carry_out(request, FOUND_TEAM, FoundTeam, JSON)
    return written_answer(outcome, team_view(outcome.state), dry=dry, location=f"/v1/teams/{outcome.stream_id}")


@put(
    "/teams/{team_id:str}/members",
    **_write(
        *(
            "Say who is in a team",
            "teams",
            "users.manage",
            "team.not_found",
            "precondition.version",
            "if_match.invalid",
        ),
        body=ChangeMembers,
        answers={200: (TeamView, DryRun)},
        example={"user_ids": []},
        result=examples.TEAM,
        if_match=True,
    ),
)
async def change_members(request: HttpRequest) -> Answer:
    """These users and no others."""
    team_id = path_id(request, "team_id", "team")
    dry, outcome = await carry_out(request, CHANGE_MEMBERS, ChangeMembers, JSON, stream_id=team_id)
    return written_answer(outcome, team_view(outcome.state), dry=dry)


async def _id_of(request: HttpRequest) -> UUID:
    """The stream of the role in the path; a built-in one has none, and does not change."""
    key = str(request.path_params["role_key"])
    if key in BUILT_IN_ROLES:
        raise DomainError("role.built_in", "built-in roles don't change", hint="Define a role of your own.")
    access = await services_of(request).authorization.access(principal_of(request).tenant_id)
    for role_id, defined in access.defined.items():
        if defined.key == key:
            return role_id
    raise NotFoundError("role")


async def _role_written(
    request: HttpRequest,
    case: UseCase[ByHolder, role.Role],
    body: type[Any],
    media: tuple[str, ...],
    *,
    role_id: UUID | None = None,
) -> Answer:
    principal, authorization = principal_of(request), services_of(request).authorization

    async def understand(readable: Readable[Any]) -> tuple[ByHolder, Sequence[FieldError]]:
        access = await authorization.access(principal.tenant_id)
        return ByHolder(readable.value, principal.rights, access), readable.errors

    dry, outcome = await carry_out(request, case, body, media, understand, stream_id=role_id)
    return written_answer(outcome, role_view(outcome.state), dry=dry, location=f"/v1/roles/{outcome.state.key}")


ROUTER = Router(
    path="/v1",
    route_handlers=[
        *(list_roles, define_role, read_role, change_role, delete_role),
        *(list_teams, found_team, change_members),
    ],
)
