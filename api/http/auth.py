"""Signing up, signing in, and the keys that tokens verify with."""

from typing import Any
from uuid import UUID

from litestar import Router, get, post
from msgspec import Struct, structs

from api.http import examples, reading
from api.http.answer import Answer
from api.http.exchange import JSON, HttpRequest, NoQuery, check_media, metadata_of, query_of, raw_body, services_of
from api.http.operation import PUBLIC, operation
from commands import identity
from commands.decision import Context
from commands.identity import Login, NewTenant, Principal, RegisterTenant
from commands.normalise import Problems
from commands.registry import REGISTER_TENANT
from domain import user
from domain.errors import InvalidError
from domain.event import Actor
from domain.tenant import PLATFORM

TAG = "auth"
_BODY_ERRORS = ("validation.failed", "body.malformed", "body.media_type", "body.too_large")


class Tokens(Struct, frozen=True, kw_only=True):
    """An access token and how long it lives, in seconds."""

    access_token: str
    token_type: str
    expires_in: int


class Registered(Tokens, frozen=True, kw_only=True):
    """A new tenant with its first user, signed in."""

    tenant_id: UUID
    user_id: UUID


@post(
    "/auth/register",
    **operation(
        summary="Sign up a company with its first user, its admin",
        tag=TAG,
        permission=PUBLIC,
        body=RegisterTenant,
        query=NoQuery,
        answers={201: Registered},
        errors=(*_BODY_ERRORS, "user.email_taken"),
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
    if await services.store.holder(PLATFORM, identity.EMAIL_CLAIM, identity.login_name(found["email"])):
        raise identity.email_taken()
    password_hash = await services.passwords.hash(found.pop("password"))
    tenant_id, user_id = services.new_id(), services.new_id()
    command = NewTenant(**found, password_hash=password_hash, user_id=user_id)
    context = Context(tenant_id=tenant_id, metadata=metadata_of(request, Actor("user", user_id)))
    outcome = await services.handler.handle(context, REGISTER_TENANT, lambda: (command, ()), stream_id=tenant_id)
    tokens = _tokens(request, Principal(tenant_id, user_id, ("admin",)))
    body = Registered(**structs.asdict(tokens), tenant_id=tenant_id, user_id=user_id)
    return Answer(body, status=201, headers={"Event-Position": str(outcome.position), **_NO_STORE})


@post(
    "/auth/login",
    status_code=200,
    **operation(
        summary="Sign in",
        description="Whatever was wrong, a refused login gets the same answer.",
        tag=TAG,
        permission=PUBLIC,
        body=Login,
        query=NoQuery,
        answers={200: Tokens},
        errors=(*_BODY_ERRORS, "auth.invalid_credentials"),
        example=examples.LOGIN,
        result=examples.TOKENS,
    ),
)
async def login(request: HttpRequest) -> Answer:
    """Sign in."""
    query_of(request, NoQuery)
    raw = await raw_body(request)
    check_media(request, JSON)
    services = services_of(request)
    readable = reading.body(raw, Login)
    if readable.errors:
        raise InvalidError(readable.errors)
    asked = readable.value
    owner = await services.store.holder(PLATFORM, identity.EMAIL_CLAIM, identity.login_name(asked.email))
    person = None
    if owner:
        person = await services.handler.state(owner.tenant_id, "user", user.evolve, owner.stream_id)
    right = await services.passwords.verify(asked.password, person.password_hash if person else None)
    if not (right and owner and person):
        raise identity.invalid_credentials()
    tokens = _tokens(request, Principal(owner.tenant_id, person.id, person.roles))
    return Answer(tokens, status=200, headers=_NO_STORE)


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
    return Answer(services_of(request).jwks, headers={"Cache-Control": "public, max-age=300"})


_NO_STORE = {"Cache-Control": "no-store"}


def _tokens(request: HttpRequest, principal: Principal) -> Tokens:
    token, lives = services_of(request).tokens.issue(principal)
    return Tokens(access_token=token, token_type="Bearer", expires_in=lives)  # noqa: S106


ROUTER = Router(path="/v1", route_handlers=[register, login])
ROOT = Router(path="/", route_handlers=[jwks])
