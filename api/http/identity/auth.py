"""Signing up, signing in, staying signed in, and the keys that tokens verify with."""

from typing import Any
from uuid import UUID

from litestar import Router, get, post
from msgspec import Struct

from api.http import examples, reading
from api.http.address import address_of
from api.http.answer import Answer
from api.http.caller import client_of, traced
from api.http.exchange import JSON, HttpRequest, NoQuery, check_media, principal_of, query_of, raw_body, services_of
from api.http.operation import PUBLIC, SIGNED_IN, operation
from api.http.services import Services
from commands.decision import Context
from commands.identity import accounts as identity
from commands.identity import throttle
from commands.identity.access import Claims
from commands.identity.accounts import NewTenant, RegisterTenant
from commands.identity.sessions import SignedIn
from commands.identity.sign_in import Login
from commands.identity.users import SignOutUser
from commands.normalise import Problems
from commands.notifications import mail
from commands.registry_identity import REGISTER_TENANT, SIGN_OUT
from domain.errors import InvalidError
from domain.event import SYSTEM, Actor
from domain.session import Ending
from domain.tenant import PLATFORM
from domain.user import SignOut, User

TAG = "auth"
NO_STORE = {"Cache-Control": "no-store"}


class Tokens(Struct, frozen=True, kw_only=True):
    """An access token, how long it lives in seconds, and what gets the next one. A refresh token is good once."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


class Registered(Tokens, frozen=True, kw_only=True):
    """A new tenant with its first user, signed in."""

    tenant_id: UUID
    user_id: UUID


class Refresh(Struct, forbid_unknown_fields=True, kw_only=True):
    """Get the next tokens."""

    refresh_token: str


class Logout(Struct, forbid_unknown_fields=True, kw_only=True):
    """Sign out; with `everywhere`, of all sessions."""

    everywhere: bool = False


@post(
    "/auth/register",
    **operation(
        summary="Sign up a company with its first user, its admin",
        tag=TAG,
        permission=PUBLIC,
        body=RegisterTenant,
        query=NoQuery,
        answers={201: Registered},
        errors=("user.email_taken", "auth.throttled", "auth.busy"),
        example=examples.SIGN_UP,
        result=examples.SIGNED_UP,
    ),
)
async def register(request: HttpRequest) -> Answer:
    """Sign up."""
    query_of(request, NoQuery)
    raw = await raw_body(request)
    check_media(request, JSON)
    services = services_of(request)
    readable = reading.body(raw, RegisterTenant)
    problems = Problems(readable.errors)
    found = identity.check(readable.values, problems)
    problems.raise_if_any()
    await require_free(services, found["email"], throttle.place(address_of(request) or ""))
    password_hash = await services.passwords.hash(found.pop("password"))
    claims = Claims(services.new_id(), services.new_id(), services.new_id(), 0)
    command = NewTenant(**found, password_hash=password_hash, user_id=claims.user_id, session_id=claims.session_id)
    metadata = traced(request, Actor("user", claims.user_id))
    context = Context(tenant_id=claims.tenant_id, metadata=metadata)
    outcome = await services.handler.handle(context, REGISTER_TENANT, lambda: (command, ()), stream_id=claims.tenant_id)
    signed_in = await services.sessions.begun(metadata, claims, client_of(request))
    body = Registered(**spelt(signed_in), tenant_id=claims.tenant_id, user_id=claims.user_id)
    return Answer(body, status=201, headers={"Event-Position": str(outcome.position), **NO_STORE})


@post(
    "/auth/login",
    status_code=200,
    **operation(
        summary="Sign in",
        description=(
            "Whatever was wrong, a refused login gets the same answer. Where a second factor is on, a right password"
            " alone is auth.totp_required; `totp` takes the code of the device, or a recovery code, each of them once."
        ),
        tag=TAG,
        permission=PUBLIC,
        body=Login,
        query=NoQuery,
        answers={200: Tokens},
        errors=("auth.invalid_credentials", "auth.totp_required", "auth.throttled", "auth.busy", "tenant.suspended"),
        example=examples.LOGIN,
        result=examples.TOKENS,
    ),
)
async def login(request: HttpRequest) -> Answer:
    """Sign in."""
    asked: Login = await body_of(request, Login)
    signing_in = services_of(request).sign_in
    return tokens_answer(await signing_in.with_password(asked, traced(request, SYSTEM), client_of(request)))


@post(
    "/auth/refresh",
    status_code=200,
    **operation(
        summary="Get the next tokens of a session",
        description=(
            "A refresh token is good once. The same one again within 10 seconds gets the same successor (two requests"
            " at once, or an answer that was lost); later it ends the session."
        ),
        tag=TAG,
        permission=PUBLIC,
        body=Refresh,
        query=NoQuery,
        answers={200: Tokens},
        errors=("auth.refresh_invalid", "auth.refresh_reused", "auth.session_ended", "tenant.suspended"),
        example=examples.REFRESH,
        result=examples.TOKENS,
    ),
)
async def refresh(request: HttpRequest) -> Answer:
    """Stay signed in."""
    asked: Refresh = await body_of(request, Refresh)
    return tokens_answer(await services_of(request).sessions.refresh(asked.refresh_token, traced(request, SYSTEM)))


@post(
    "/auth/logout",
    status_code=200,  # for Litestar, which wants no body with 204; the answer sets its own
    **operation(
        summary="Sign out, here or everywhere",
        description="The tokens of the session, or of all sessions of the user, count for nothing from then on.",
        tag=TAG,
        permission=SIGNED_IN,
        body=Logout,
        query=NoQuery,
        answers={204: None},
        errors=("session.deleted", "session.not_found"),
        example=examples.LOGOUT,
    ),
)
async def logout(request: HttpRequest) -> Answer:
    """Sign out. Without a body, of this session."""
    asked: Logout = await body_of(request, Logout, optional=True)
    services, principal = services_of(request), principal_of(request)
    metadata = traced(request, principal.actor)
    if asked.everywhere:
        command = SignOutUser(reason=SignOut.ASKED)
        context = Context(tenant_id=principal.tenant_id, metadata=metadata)
        outcome = await services.handler.handle(context, SIGN_OUT, lambda: (command, ()), stream_id=principal.user_id)
        position = outcome.position
    else:
        position = await services.sessions.end(metadata, principal, principal.session_id, Ending.SIGNED_OUT)
    return Answer(None, status=204, headers={"Event-Position": str(position)})


@get(
    "/.well-known/jwks.json",
    **operation(
        summary="The public keys of access tokens (RFC 7517)",
        tag=TAG,
        permission=PUBLIC,
        answers={200: dict[str, Any]},
        result=examples.JWKS,
    ),
)
async def jwks(request: HttpRequest) -> Answer:
    """The JWK set."""
    return Answer(services_of(request).jwks(), headers={"Cache-Control": "public, max-age=300"})


async def body_of(request: HttpRequest, kind: type[Any], *, optional: bool = False) -> Any:
    """The body of a request that takes no query; where it is optional, none at all says what {} says.

    Raises:
        DomainError: validation.failed, query.invalid, body.*.
    """
    query_of(request, NoQuery)
    raw = await raw_body(request)
    if optional and not raw:
        return kind()
    check_media(request, JSON)
    readable = reading.body(raw, kind)
    if readable.errors:
        raise InvalidError(readable.errors)
    return readable.value


async def require_free(services: Services, email: str, asking: str) -> None:
    """Refuse an e-mail that a user of whichever tenant has; and whoever asks that too often, for it tells who is there.

    Raises:
        DomainError: user.email_taken or auth.throttled.
    """
    login = identity.login_name(email)

    async def is_free() -> bool:
        return await services.store.holder(PLATFORM, identity.EMAIL_CLAIM, login) is None

    if not await throttle.guess(services.attempts, throttle.asking(asking), is_free):
        raise identity.email_taken()


def tell(request: HttpRequest, person: User, what: str) -> None:
    """Write a user a mail about a change of what signs them in, after the answer."""
    services = services_of(request)
    services.later(services.mailer.send(mail.notice(person.email, what)))


def tokens_answer(signed_in: SignedIn) -> Answer:
    """The tokens of a session, which nobody may keep on the way."""
    return Answer(Tokens(**spelt(signed_in)), status=200, headers=NO_STORE)


def spelt(signed_in: SignedIn) -> dict[str, Any]:
    """Tokens as answers have them."""
    return {
        "access_token": signed_in.access_token,
        "refresh_token": signed_in.refresh_token,
        "token_type": "Bearer",
        "expires_in": signed_in.expires_in,
    }


ROUTER = Router(path="/v1", route_handlers=[register, login, refresh, logout])
ROOT = Router(path="/", route_handlers=[jwks])
