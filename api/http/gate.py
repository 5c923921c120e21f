"""In front of every request: a correlation id, who is asking, and whether they may."""

import logging
import os
import re
import time
from typing import Any

import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.types import ASGIApp, HTTPDisconnectEvent, Message, Receive, Scope, Send

from api.http import limits
from api.http.operation import PUBLIC, SIGNED_IN, Operation
from api.http.services import Services
from commands.identity.access import Claims, InvalidTokenError, KeyClaims, Principal, lacking
from commands.identity.api_keys import PREFIX
from domain.errors import DomainError

_CORRELATION_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# W3C Trace Context: version ff, and ids of zeros alone, are none.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Tracing:
    """Outermost: gives every request a correlation id, every answer the header, and the log one line of both.

    A sound traceparent goes the same ways. Without one none is made: there is no trace that it would belong to.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        # Bound once: what get_logger() gives makes a logger for each line, also for those that are not wanted.
        self._log = structlog.get_logger().bind()
        self._tells = self._log.is_enabled_for(logging.INFO)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = headers.get(b"x-correlation-id", b"")
        correlation_id = asked.decode() if _CORRELATION_ID.fullmatch(asked) else os.urandom(16).hex()
        told = [(b"x-correlation-id", correlation_id.encode())]
        trace = headers.get(b"traceparent")
        traceparent = trace.decode() if trace and _TRACEPARENT.fullmatch(trace) else None
        logged: dict[str, Any] = {"correlation_id": correlation_id}
        if trace and traceparent:
            told.append((b"traceparent", trace))
            logged["traceparent"] = traceparent
        # A request runs in a task, so in a context, of its own: nothing is bound that would have to be cleared.
        structlog.contextvars.bind_contextvars(request=logged)
        scope["state"] = {
            "correlation_id": correlation_id,
            "traceparent": traceparent,
            "headers": headers,
            "services": self._services,
            "logged": logged,
        }
        started = time.perf_counter()
        method, status = scope["method"], 500
        if method == "HEAD":  # as GET, at the same gate, but that nothing follows the head (RFC 9110, 9.3.2)
            scope["method"], receive, send = "GET", _nobody_takes_more, _head_of(send)

        async def traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *told, *limits.headers(scope["state"].get("counts"))]
            await send(message)

        try:
            await self._app(scope, receive, traced)
        finally:
            if self._tells:
                self._log.info(
                    "request",
                    method=method,
                    route=scope.get("path_template", ""),
                    status=status,
                    ms=round((time.perf_counter() - started) * 1000, 2),
                )


def _head_of(send: Send) -> Send:
    async def head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head


async def _nobody_takes_more() -> HTTPDisconnectEvent:
    """What ends an answer that would go on for as long as somebody takes it."""
    return {"type": "http.disconnect"}


async def served(request: Request[Any, Any, Any]) -> ASGIApp:
    """Admit a request and have its route answer it: Litestar's before_request, after which it has only to send that.

    Left to call the route itself, Litestar first reads its one parameter, which is the request, through a model of its
    signature: that takes as long as finding out who is asking.
    """
    await admit(request)
    answer: ASGIApp = await request.route_handler.fn(request)
    return answer


async def admit(request: Request[Any, Any, Any]) -> None:
    """Authenticate, count, then check the permission that the route declares. Runs before anything of the route does.

    It is no Litestar guard, because Litestar copies the connection for each of those.

    Raises:
        DomainError: auth.* (401), rate_limit.exceeded (429) or permission.missing (403).
        MethodNotAllowedException: OPTIONS, which nothing needs while there is no CORS.
    """
    operation: Operation | None = request.route_handler.opt.get("operation")
    if operation is None:
        # Only the framework's own answers to OPTIONS have none, the application saw to that; they name wrong methods.
        allowed = request.app.state.methods[request.scope["path_template"]]
        raise MethodNotAllowedException(headers={"Allow": ", ".join(allowed)})
    if operation.permission == PUBLIC:
        await limits.count_stranger(request)
        return
    principal = await _authenticate(request)
    state = request.scope["state"]
    state["principal"] = principal
    state["logged"].update(tenant_id=principal.tenant_id, actor_id=principal.key_id or principal.user_id)
    needed = operation.permission
    if needed == SIGNED_IN and principal.key_id and not operation.for_keys:
        raise _user_required()
    if needed != SIGNED_IN and not holds(principal, operation):
        raise lacking(needed)


def holds(caller: Principal, operation: Operation) -> bool:
    """Whether a caller has the permission that an operation needs, in a scope that will do.

    One that does not look whose records it is about serves those only who may use it on everybody's.
    """
    needed = operation.permission
    return caller.may(needed) or (operation.scoped and needed in caller.grants)


async def still_admitted(request: Request[Any, Any, Any]) -> Principal:
    """Who a request that goes on speaks for by now.

    Raises:
        DomainError: auth.* or permission.missing: it would not be let in any more.
    """
    services: Services = request.scope["state"]["services"]
    principal = await _principal(services, await _claims(request, services))
    operation: Operation = request.route_handler.opt["operation"]
    if not holds(principal, operation):
        raise lacking(operation.permission)
    request.scope["state"]["principal"] = principal
    return principal


def header(request: Request[Any, Any, Any], name: bytes) -> str | None:
    """A header of the request, by its name in lower case."""
    headers: dict[bytes, bytes] = request.scope["state"]["headers"]
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


async def _authenticate(request: Request[Any, Any, Any]) -> Principal:
    services: Services = request.scope["state"]["services"]
    try:
        claims = await _claims(request, services)
        uses = limits.uses_of(request, claims)
        begun = None
        if uses and services.authorization.was_let_in(claims):
            # Who was let in a moment ago most likely is again: then both are found out in the time of one.
            begun = limits.begin(request, uses)
        else:
            limits.check(request, uses)
        principal = await _principal(services, claims)
    except limits.RateLimitedError:
        raise
    except DomainError:
        # Only a token that still holds counts for its user: with a revoked one, nobody can use up what is theirs.
        await limits.count_stranger(request)
        raise
    await limits.count(request, uses, begun)
    return principal


async def _claims(request: Request[Any, Any, Any], services: Services) -> Claims | KeyClaims:
    scheme, _, rest = (header(request, b"authorization") or "").partition(" ")
    token = rest.strip()
    if scheme.lower() != "bearer" or not token:
        raise DomainError(
            "auth.token_missing",
            "this needs an access token",
            hint="Send the header Authorization: Bearer <access_token>; POST /v1/auth/login gives one.",
        )
    if token.startswith(PREFIX):
        return _key_claims(services, token)
    try:
        return await services.tokens.verify(token)
    except InvalidTokenError as error:
        if error.expired:
            raise DomainError("auth.token_expired", "the access token has expired", hint="Sign in again.") from None
        raise DomainError("auth.token_invalid", "the access token is not valid", hint="Sign in again.") from None


def _key_claims(services: Services, text: str) -> KeyClaims:
    try:
        return services.api_keys.read(text)
    except InvalidTokenError:
        hint = "Send the key as it was given when it was issued."
        raise DomainError("auth.token_invalid", "this is no API key of ours", hint=hint) from None


async def _principal(services: Services, claims: Claims | KeyClaims) -> Principal:
    if isinstance(claims, Claims):
        return await services.authorization.principal(claims)
    principal = await services.authorization.of_key(claims)
    await services.key_uses.note(claims.tenant_id, claims.key_id)
    return principal


def _user_required() -> DomainError:
    return DomainError(
        "auth.user_required",
        "this is for users who have signed in, not for API keys",
        hint="Sign in as a user and send the access token.",
        members={"permission": SIGNED_IN},
    )
