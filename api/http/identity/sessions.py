"""The caller's own sessions and password."""

from datetime import datetime
from uuid import UUID

from litestar import Router, delete, get, post
from msgspec import Struct, structs

from api.http import examples
from api.http.address import address_of
from api.http.answer import Answer
from api.http.caller import client_of, traced
from api.http.exchange import HttpRequest, NoQuery, path_id, principal_of, query_of, services_of
from api.http.identity.auth import TAG, Tokens, body_of, tell, tokens_answer
from api.http.operation import SIGNED_IN, operation
from api.http.read_after import settled
from api.http.shapes import Page
from commands.decision import Context
from commands.identity import accounts as identity
from commands.identity import passwords, throttle
from commands.identity.users import ChangePassword, SetPassword
from commands.normalise import Problems
from commands.registry_identity import SET_PASSWORD
from domain import user
from domain.session import Ending
from domain.user import SignOut


class SessionView(Struct, frozen=True, kw_only=True):
    """A session that lasts; `client` is what the program said of itself, `current` marks the one that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    client: str | None
    address: str | None
    current: bool


@get(
    "/auth/sessions",
    **operation(
        summary="List the sessions of the signed-in user",
        tag=TAG,
        permission=SIGNED_IN,
        query=NoQuery,
        answers={200: Page[SessionView]},
        result={"data": [examples.SESSION], "next_cursor": None},
        read_after=True,
    ),
)
async def list_sessions(request: HttpRequest) -> Answer:
    """Where the caller is signed in, newest first."""
    query_of(request, NoQuery)
    await settled(request, ())
    principal = principal_of(request)
    found = await services_of(request).sessions.of_user(principal)
    data = [SessionView(**structs.asdict(one), current=one.id == principal.session_id) for one in found]
    return Answer(Page(data=data, next_cursor=None))


@delete(
    "/auth/sessions/{session_id:str}",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **operation(
        summary="End one session of the signed-in user",
        tag=TAG,
        permission=SIGNED_IN,
        query=NoQuery,
        answers={204: None},
        errors=("session.not_found", "session.deleted"),
    ),
)
async def end_session(request: HttpRequest) -> Answer:
    """Sign out somewhere else."""
    session_id = path_id(request, "session_id", "session")
    query_of(request, NoQuery)
    principal = principal_of(request)
    metadata = traced(request, principal.actor)
    position = await services_of(request).sessions.end(metadata, principal, session_id, Ending.REVOKED)
    return Answer(None, status=204, headers={"Event-Position": str(position)})


@post(
    "/auth/password/change",
    status_code=200,
    **operation(
        summary="Change the password",
        description="Every session of the user ends, this one too; the answer holds the tokens of a new one.",
        tag=TAG,
        permission=SIGNED_IN,
        body=ChangePassword,
        query=NoQuery,
        answers={200: Tokens},
        errors=("precondition.version", "auth.throttled", "auth.busy"),
        example=examples.PASSWORD_CHANGE,
        result=examples.TOKENS,
    ),
)
async def change_password(request: HttpRequest) -> Answer:
    """Another password."""
    asked: ChangePassword = await body_of(request, ChangePassword)
    services, principal = services_of(request), principal_of(request)
    person = await services.handler.state(principal.tenant_id, "user", user.evolve, principal.user_id)
    problems = Problems()
    counts = throttle.inside(identity.login_name(person.email), address_of(request) or "")
    # Who has somebody's session gets no more guesses at the password here than at the door.
    if not await throttle.guess(
        services.attempts, counts, lambda: services.passwords.verify(asked.current, person.password_hash)
    ):
        problems.add("/current", "password.wrong", "is not the password")
    passwords.check(asked.new, "/new", problems)
    problems.raise_if_any()
    command = SetPassword(await services.passwords.hash(asked.new), SignOut.PASSWORD_CHANGED)
    metadata = traced(request, principal.actor)
    context = Context(tenant_id=principal.tenant_id, metadata=metadata)
    # Only of the version that was looked at: of two changes at once, both with the old password, one holds.
    outcome = await services.handler.handle(
        context, SET_PASSWORD, lambda: (command, ()), stream_id=person.id, if_match=frozenset({person.version})
    )
    tell(request, person, "The password of your account was changed.")
    state = outcome.state
    signed_in = await services.sessions.begin(metadata, principal.tenant_id, person.id, state.epoch, client_of(request))
    return tokens_answer(signed_in)


ROUTER = Router(path="/v1", route_handlers=[list_sessions, end_session, change_password])
