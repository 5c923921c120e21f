"""The signed-in user: profile and permissions."""

from litestar import Router, get, patch
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.exchange import (
    PATCH,
    HttpRequest,
    NoQuery,
    WriteQuery,
    etag,
    principal_of,
    query_of,
    services_of,
)
from api.http.identity.user_views import MeView, seen_by_themselves
from api.http.operation import SIGNED_IN, operation
from api.http.read_after import settled
from api.http.shapes import DryRun, Page
from api.http.writing import carry_out, written_answer
from commands.identity.users import ChangeUser
from commands.registry_identity import CHANGE_USER
from domain import access, user
from domain.field_rules import FieldRule, spelt

TAG = "me"


class MyPermissions(Struct, frozen=True):
    """What the caller may do, spelt as in roles, the roles that give it, and the fields that are not free.

    A field with no rule may be written as far as the permissions reach; one that is hidden is in no answer.
    """

    permissions: list[str]
    roles: tuple[str, ...]
    field_rules: list[FieldRule]


class PermissionView(Struct, frozen=True):
    """A permission that roles can hold; `scoped` when it can be limited to own or team records."""

    permission: str
    description: str
    scoped: bool


@get(
    "/me",
    **operation(
        summary="Read the signed-in user",
        tag=TAG,
        permission=SIGNED_IN,
        query=NoQuery,
        answers={200: MeView},
        result=examples.ME,
        read_after=True,
    ),
)
async def read_me(request: HttpRequest) -> Answer:
    """The caller."""
    query_of(request, NoQuery)
    await settled(request, ())
    principal = principal_of(request)
    known, handler = principal.head, services_of(request).handler
    state = await handler.state(principal.tenant_id, "user", user.evolve, principal.user_id, head=known)
    return Answer(await seen_by_themselves(request, state), headers={"ETag": etag(state.version)})


@patch(
    "/me",
    **operation(
        summary="Change one's own profile",
        tag=TAG,
        permission=SIGNED_IN,
        body=ChangeUser,
        media=PATCH,
        query=WriteQuery,
        answers={200: (MeView, DryRun)},
        example=examples.PROFILE,
        result=examples.ME | {"version": 2, "title": "Head of Sales"},
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def change_me(request: HttpRequest) -> Answer:
    """Other members of the caller's profile."""
    user_id = principal_of(request).user_id
    dry, outcome = await carry_out(request, CHANGE_USER, ChangeUser, PATCH, stream_id=user_id)
    made = await seen_by_themselves(request, outcome.state)
    return written_answer(outcome, made, dry=dry)


@get(
    "/me/permissions",
    **operation(
        summary="What the signed-in user may do",
        tag=TAG,
        permission=SIGNED_IN,
        query=NoQuery,
        answers={200: MyPermissions},
        for_keys=True,
        result=examples.MY_PERMISSIONS,
        read_after=True,
    ),
)
async def my_permissions(request: HttpRequest) -> Answer:
    """As of this request."""
    query_of(request, NoQuery)
    await settled(request, ())
    principal = principal_of(request)
    rules = list(spelt(principal.fields))
    return Answer(MyPermissions(access.spelt(principal.grants), principal.roles, rules))


@get(
    "/permissions",
    **operation(
        summary="Every permission that there is",
        tag="roles",
        permission="users.read",
        query=NoQuery,
        answers={200: Page[PermissionView]},
        result=examples.PERMISSIONS,
        read_after=True,
    ),
)
async def list_permissions(request: HttpRequest) -> Answer:
    """All of them, with what they are for."""
    query_of(request, NoQuery)
    await settled(request, ())
    data = [PermissionView(name, words, name in access.SCOPED) for name, words in access.PERMISSIONS.items()]
    return Answer(Page(data=data, next_cursor=None))


ROUTER = Router(path="/v1", route_handlers=[read_me, change_me, my_permissions, list_permissions])
