"""What a user may do, explained over HTTP."""

from litestar import Router, get
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.exchange import HttpRequest, NoQuery, path_id, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import READ_ERRORS
from domain import user
from domain.access import SCOPED

TAG = "users"


class Held(Struct, frozen=True, kw_only=True, rename={"sources": "from"}):
    """A permission that a user holds, how far it reaches (null: it has no scope), and the roles that give it."""

    permission: str
    scope: str | None
    sources: list[str]


class Explanation(Struct, frozen=True):
    """Everything that a user may do, and why."""

    permissions: list[Held]


@get(
    "/users/{user_id:str}/access",
    **operation(
        summary="What a user may do, and why",
        tag=TAG,
        permission="users.read",
        query=NoQuery,
        answers={200: Explanation},
        errors=(*READ_ERRORS, "user.not_found"),
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
    roles = {key: held for key, held in access.roles.items() if key in state.roles}
    held = {} if access.members[user_id].suspended else access.granted(state.roles)
    return Answer(
        Explanation(
            [
                Held(
                    permission=name,
                    scope=scope.word if name in SCOPED else None,
                    sources=[key for key in state.roles if key in roles and roles[key].get(name) == scope],
                )
                for name, scope in sorted(held.items())
            ]
        )
    )


ROUTER = Router(path="/v1", route_handlers=[explain_access])
