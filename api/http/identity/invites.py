"""What goes by mail: invitations, and new passwords for those who have forgotten theirs."""

import secrets
from collections.abc import Sequence
from typing import Any

from litestar import Router, post

from api.http import examples, reading
from api.http.address import address_of
from api.http.answer import Answer
from api.http.caller import client_of, traced
from api.http.exchange import (
    JSON,
    HttpRequest,
    NoQuery,
    WriteQuery,
    check_media,
    etag,
    principal_of,
    query_of,
    raw_body,
    services_of,
    write_headers,
)
from api.http.identity.auth import NO_STORE, Registered, require_free, spelt, tell
from api.http.identity.user_views import UserView, seen
from api.http.operation import PUBLIC, operation
from api.http.reading import Readable
from api.http.shapes import DryRun, dry_run_answer
from api.http.writing import carry_out
from commands import normalise
from commands.decision import Context
from commands.identity import accounts as identity
from commands.identity import invites, links, members, throttle
from commands.identity.invites import AcceptInvite, Forgot, Invite, InviteUser, Join, RequestReset, Reset, TakeReset
from commands.identity.links import LinkToken
from commands.identity.throttle import Count
from commands.normalise import Problems
from commands.notifications import mail
from commands.registry_identity import INVITE_USER, JOIN, REQUEST_RESET, TAKE_RESET
from domain import user
from domain.errors import FieldError, InvalidError, NotFoundError
from domain.event import SYSTEM, Actor
from domain.tenant import PLATFORM
from domain.user import User

_SECRET_BYTES = 32


@post(
    "/invites",
    **operation(
        summary="Invite somebody by e-mail",
        description=(
            "The token is in the mail and nowhere else; it is good once, for seven days. The answer is the user to be."
            " Nobody gives a role that allows what they don't hold themselves."
        ),
        tag="users",
        permission="users.manage",
        body=InviteUser,
        query=WriteQuery,
        answers={201: UserView, 200: DryRun},
        errors=("user.email_taken", "auth.throttled", "mail.unavailable"),
        example=examples.INVITE,
        result=examples.INVITED,
        results={200: examples.DRY_INVITE},
        writes=True,
        idempotent=True,
    ),
)
async def invite_user(request: HttpRequest) -> Answer:
    """A user to be."""
    principal, services = principal_of(request), services_of(request)
    secret = secrets.token_bytes(_SECRET_BYTES)

    async def understand(readable: Readable[InviteUser]) -> tuple[Invite, Sequence[FieldError]]:
        problems = Problems(readable.errors)
        email = readable.values.get("email")
        normal = normalise.email(email, "/email", problems) if isinstance(email, str) else None
        access = await services.authorization.access(principal.tenant_id)
        roles = members.check_roles(readable.values.get("roles") or (), access, problems)
        problems.raise_if_any()
        members.require_held(access.rights(roles), principal.rights)
        await require_free(services, normal or "", str(principal.tenant_id))
        digest = LinkToken(PLATFORM, PLATFORM, secret).digest
        return Invite(normal or "", roles, digest), ()

    dry, outcome = await carry_out(request, INVITE_USER, InviteUser, JSON, understand)
    made = await seen(request, outcome.state)
    if dry:
        return dry_run_answer(outcome, made)
    if not outcome.replayed:
        token = LinkToken(principal.tenant_id, outcome.stream_id, secret)
        await services.mailer.send(mail.invitation(made.email, token.spell()))
    headers = write_headers(outcome, location=f"/v1/users/{outcome.stream_id}") | {"ETag": etag(made.version)}
    return Answer(made, status=outcome.status, headers=headers)


@post(
    "/auth/invites/accept",
    **operation(
        summary="Accept an invitation",
        description="Whoever accepts is signed in.",
        tag="auth",
        permission=PUBLIC,
        body=AcceptInvite,
        query=NoQuery,
        answers={201: Registered},
        errors=("user.email_taken", "auth.busy", "command.contention", "tenant.suspended"),
        example=examples.ACCEPTANCE,
        result=examples.SIGNED_UP,
    ),
)
async def accept_invite(request: HttpRequest) -> Answer:
    """Join."""
    readable = await _readable(request, AcceptInvite)
    services = services_of(request)
    problems = Problems(readable.errors)
    name = invites.check(readable.values, problems)
    token, _ = await _opened(request, readable, problems)
    command = Join(token, name, await services.passwords.hash(readable.value.password))
    metadata = traced(request, Actor("user", token.user_id))
    context = Context(tenant_id=token.tenant_id, metadata=metadata)
    outcome = await services.handler.handle(context, JOIN, lambda: (command, ()), stream_id=token.user_id)
    state = outcome.state
    signed_in = await services.sessions.begin(metadata, token.tenant_id, state.id, state.epoch, client_of(request))
    body = Registered(**spelt(signed_in), tenant_id=token.tenant_id, user_id=state.id)
    return Answer(body, status=201, headers={"Event-Position": str(outcome.position), **NO_STORE})


@post(
    "/auth/password/forgot",
    status_code=202,
    **operation(
        summary="Ask for a new password by mail",
        description="The answer is the same whether or not there is such a user.",
        tag="auth",
        permission=PUBLIC,
        body=Forgot,
        query=NoQuery,
        answers={202: None},
        example=examples.FORGOT,
    ),
)
async def forgot_password(request: HttpRequest) -> Answer:
    """A mail, to whoever there is. It is sent after the answer, which so takes as long when there is nobody."""
    readable = await _readable(request, Forgot)
    if readable.errors:
        raise InvalidError(readable.errors)
    services_of(request).later(_send_reset(request, readable.value.email))
    return Answer(None, status=202)


async def _send_reset(request: HttpRequest, email: str) -> None:
    services, login = services_of(request), identity.login_name(email)
    owner = await services.store.holder(PLATFORM, identity.EMAIL_CLAIM, login)
    counts = [
        Count(("forgot", login), 3, 3600),
        Count(("forgot at", throttle.place(address_of(request) or "")), 50, 3600),
    ]
    if await services.attempts.begin(counts) or owner is None:
        return
    token = LinkToken(owner.tenant_id, owner.stream_id, secrets.token_bytes(_SECRET_BYTES))
    command = RequestReset(token.digest)
    context = Context(tenant_id=owner.tenant_id, metadata=traced(request, SYSTEM))
    outcome = await services.handler.handle(context, REQUEST_RESET, lambda: (command, ()), stream_id=owner.stream_id)
    if outcome.events:
        await services.mailer.send(mail.reset(outcome.state.email, token.spell()))


@post(
    "/auth/password/reset",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **operation(
        summary="Choose a new password with the token of the mail",
        description="Every session of the user is over.",
        tag="auth",
        permission=PUBLIC,
        body=Reset,
        query=NoQuery,
        answers={204: None},
        errors=("auth.busy", "command.contention"),
        example=examples.RESET,
    ),
)
async def reset_password(request: HttpRequest) -> Answer:
    """Another password."""
    readable = await _readable(request, Reset)
    services = services_of(request)
    problems = Problems(readable.errors)
    invites.check(readable.values, problems)
    token, person = await _opened(request, readable, problems)
    command = TakeReset(token, await services.passwords.hash(readable.value.password))
    context = Context(tenant_id=token.tenant_id, metadata=traced(request, Actor("user", token.user_id)))
    outcome = await services.handler.handle(context, TAKE_RESET, lambda: (command, ()), stream_id=token.user_id)
    tell(request, person, "The password of your account was changed with the token of a mail.")
    await throttle.forgive(services.attempts, identity.login_name(person.email), address_of(request) or "")
    return Answer(None, status=204, headers={"Event-Position": str(outcome.position)})


async def _readable(request: HttpRequest, kind: type[Any]) -> Readable[Any]:
    query_of(request, NoQuery)
    raw = await raw_body(request)
    check_media(request, JSON)
    return reading.body(raw, kind)


async def _opened(request: HttpRequest, readable: Readable[Any], problems: Problems) -> tuple[LinkToken, User]:
    """The token of a body, and whom it is about; looked at before a password is hashed for it.

    Raises:
        InvalidError: it is no good, or `problems` holds something already.
    """
    services = services_of(request)
    token, person = links.read(readable.values.get("token")), None
    if token:
        try:
            person = await services.handler.state(token.tenant_id, "user", user.evolve, token.user_id)
        except NotFoundError:
            token = None
    if not invites.is_good(token, person.link if person else None, services.clock()):
        if isinstance(readable.values.get("token"), str):
            invites.refuse(problems)
        token = None
    problems.raise_if_any()
    if token is None or person is None:
        raise InvalidError([FieldError("/token", "token.spent", "is none")])
    return token, person


ROUTER = Router(path="/v1", route_handlers=[invite_user, accept_invite, forgot_password, reset_password])
