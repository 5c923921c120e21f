"""What a user may do, explained over HTTP."""

from collections.abc import Mapping

from litestar import Router, get
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.exchange import HttpRequest, NoQuery, path_id, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from domain import user
from domain.access import SCOPED
from domain.field_rules import FieldAccess, FieldRule, Rights, spelt
from domain.field_rules import access as field_access

TAG = "users"


class Held(Struct, frozen=True, kw_only=True, rename={"sources": "from"}):
    """A permission that a user holds, how far it reaches (null: it has no scope), and the roles that give it."""

    permission: str
    scope: str | None
    sources: list[str]


class Ruled(Struct, frozen=True, kw_only=True, rename={"sources": "from"}):
    """A field that the user can't write or see, and the roles that let that much be done: none lets more."""

    resource: str
    field: str
    access: FieldAccess
    sources: list[str]


class Explanation(Struct, frozen=True):
    """Everything that a user may do, and why; a field without a rule may be written as far as permissions reach."""

    permissions: list[Held]
    field_rules: list[Ruled]


@get(
    "/users/{user_id:str}/access",
    **operation(
        summary="What a user may do, and why",
        tag=TAG,
        permission="users.read",
        query=NoQuery,
        answers={200: Explanation},
        errors=("user.not_found",),
        result=examples.EXPLANATION,
        read_after=True,
    ),
)
async def explain_access(request: HttpRequest) -> Answer:
    """Each permission with the roles that give it in that scope; none while the user is suspended."""
    user_id = path_id(request, "user_id", "user")
    query_of(request, NoQuery)
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    state = await services.handler.state(tenant_id, "user", user.evolve, user_id)
    access = await services.authorization.access(tenant_id)
    roles = {key: access.rights([key]) for key in state.roles if key in access.roles}
    held = Rights({}) if access.members[user_id].suspended else access.rights(state.roles)
    return Answer(
        Explanation(
            [
                Held(
                    permission=name,
                    scope=scope.word if name in SCOPED else None,
                    sources=[key for key, rights in roles.items() if rights.grants.get(name) == scope],
                )
                for name, scope in sorted(held.grants.items())
            ],
            [
                Ruled(
                    resource=rule.resource,
                    field=rule.field,
                    access=rule.access,
                    sources=_giving(roles, rule),
                )
                for rule in spelt(held.fields)
            ],
        )
    )


def _giving(roles: Mapping[str, Rights], rule: FieldRule) -> list[str]:
    """The roles that a rule in effect comes from: those that allow something with the resource, if any does."""
    ruling = {key: rights for key, rights in roles.items() if rights.concerns(rule.resource)} or roles
    found = {key: rights.fields.get(rule.resource, {}) for key, rights in ruling.items()}
    return [key for key, rules in found.items() if field_access(rules, rule.field) is rule.access]


ROUTER = Router(path="/v1", route_handlers=[explain_access])
