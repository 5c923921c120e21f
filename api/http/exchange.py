"""The conventions that routes share: contexts, preconditions, headers of answers."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any
from uuid import UUID

from litestar import Request
from msgspec import Struct

from api.http.gate import header
from api.http.given_up import GivenUp
from api.http.operation import Operation
from api.http.parameters import query
from api.http.services import Services
from commands.decision import Context, KeyOf
from commands.handle import Outcome
from commands.identity.access import Principal
from domain.errors import DomainError, FieldError, NotFoundError
from domain.event import Actor, Metadata

JSON = ("application/json",)
PATCH = ("application/merge-patch+json", "application/json")

_DRAINED = 64
_given_up = GivenUp()
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e]*)"\s*')

HttpRequest = Request[Any, Any, Any]


class WriteQuery(Struct, forbid_unknown_fields=True):
    """Query of a write."""

    dry_run: bool = False


class NoQuery(Struct, forbid_unknown_fields=True):
    """No parameters."""


def services_of(request: HttpRequest) -> Services:
    """What this application works with."""
    services: Services = request.scope["state"]["services"]
    return services


def principal_of(request: HttpRequest) -> Principal:
    """Who asks."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


def path_id(request: HttpRequest, name: str, kind: str) -> UUID:
    """An id in the path; what is no UUID is the id of nothing."""
    text = str(request.path_params[name])
    try:
        found = UUID(text)
    except ValueError:
        raise NotFoundError(kind) from None
    if str(found) != text.lower():
        raise NotFoundError(kind)
    return found


def query_of(request: HttpRequest, kind: type[Any]) -> Any:
    """The query as a struct; see parameters.query."""
    return query(list(request.query_params.multi_items()) if request.scope["query_string"] else (), kind)


async def raw_body(request: HttpRequest, *, most: int | None = None) -> bytes:
    """The body as it came; it has `most` bytes, by default as many as bodies have.

    Raises:
        DomainError: body.too_large, body.timeout, or request.invalid when the client went away half-way.
    """
    services = services_of(request)
    with suppress(TimeoutError):
        async with asyncio.timeout(services.body_seconds):
            raw = await _arrived(request, most or services.max_body)
            request.scope["state"]["body"] = raw  # for what a refusal points at (api/http/tried.py)
            return raw
    _given_up.let_go()
    raise DomainError(
        "body.timeout",
        f"the body did not arrive within {services.body_seconds} seconds",
        hint="Send less at once, or from a better connection.",
    )


async def _arrived(request: HttpRequest, most: int) -> bytes:
    bearable = max(_DRAINED * services_of(request).max_body, 2 * most)
    if int(header(request, b"content-length") or 0) > bearable:
        raise _too_large(most)
    raw, size, more = bytearray(), 0, True
    while more:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            raise DomainError("request.invalid", "the body ended before its declared length")
        chunk = message.get("body", b"")
        size += len(chunk)
        # A body that is somewhat too large is read to its end all the same: a client that is cut off while it sends
        # never sees the answer.
        if size <= most:
            raw += chunk
        elif size > bearable:
            raise _too_large(most)
        more = message.get("more_body", False)
    if size > most:
        raise _too_large(most)
    return bytes(raw)


async def body_or_refusal(request: HttpRequest, *, most: int | None = None) -> tuple[bytes, DomainError | None]:
    """The body, or why it is not taken: to be told only when there is something to do it to."""
    try:
        return await raw_body(request, most=most), None
    except DomainError as refusal:
        return b"", refusal


def _too_large(most: int) -> DomainError:
    return DomainError("body.too_large", f"the body has more than {most} bytes", hint="Send less at once.")


def check_media(request: HttpRequest, allowed: tuple[str, ...]) -> None:
    """Refuse a body of another media type (body.media_type)."""
    media = (header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if media not in allowed:
        raise DomainError(
            "body.media_type",
            f"the media type {media or '(none)'} is not taken here",
            hint=f"Send the header Content-Type: {allowed[0]}.",
        )


def metadata_of(request: HttpRequest, actor: Actor) -> Metadata:
    """How an act is traced."""
    state = request.scope["state"]
    return Metadata(actor=actor, correlation_id=state["correlation_id"], traceparent=state["traceparent"])


def context_of(request: HttpRequest, raw: bytes, *, dry_run: bool) -> Context:
    """The context of a write.

    Raises:
        DomainError: idempotency.key_invalid.
    """
    principal = principal_of(request)
    key = _key(request, principal, raw)
    return Context(
        tenant_id=principal.tenant_id,
        metadata=metadata_of(request, principal.actor),
        key=None if dry_run else key,
        dry_run=dry_run,
        user_id=principal.user_id,
        custom=principal.custom,
    )


def alone(request: HttpRequest, context: Context) -> AbstractAsyncContextManager[None]:
    """While it lasts, the write's idempotency key (if it has one) is marked as being worked on.

    Raises:
        DomainError: idempotency.in_progress.
    """
    return nullcontext() if context.key is None else _marked(services_of(request), context.tenant_id, context.key)


@asynccontextmanager
async def _marked(services: Services, tenant_id: UUID, key: KeyOf) -> AsyncIterator[None]:
    mark = tenant_id.bytes + key.digest
    if not await services.in_progress.begin(mark):
        # The mark may be that of a process which died after its commit: then there is an answer to give again.
        if await services.store.kept_command(tenant_id, key.digest):
            yield
            return
        raise DomainError(
            "idempotency.in_progress",
            "a request with this Idempotency-Key is being worked on",
            hint="Wait a moment, then send it again to get its answer.",
        )
    try:
        yield
    finally:
        await services.in_progress.end(mark)


def _key(request: HttpRequest, principal: Principal, raw: bytes) -> KeyOf | None:
    text = header(request, b"idempotency-key")
    operation: Operation = request.route_handler.opt["operation"]
    if text is None or not operation.idempotent:
        return None
    if not _KEY.fullmatch(text):
        raise DomainError(
            "idempotency.key_invalid",
            "an Idempotency-Key has 1 to 255 visible ASCII characters",
            errors=(
                FieldError("Idempotency-Key", "idempotency.key_invalid", "has other characters or another length"),
            ),
        )
    scope = "\0".join((str(principal.actor.id), request.method, request.scope["path"], text))
    return KeyOf(hashlib.sha256(scope.encode()).digest(), hashlib.sha256(raw).digest())


def if_match(request: HttpRequest) -> frozenset[int] | None:
    """The versions that If-Match allows; None for any, also when it can't be read (see check_if_match)."""
    found = _etags(request)
    if found is None or None in found:
        return None
    # An ETag that is none of ours is well-formed, and matches nothing (RFC 9110, 13.1.1).
    return frozenset(int(match[1]) for match in found if match and match[1].isdecimal())


def check_if_match(request: HttpRequest) -> None:
    """Refuse an If-Match that can't be read (if_match.invalid)."""
    if None in (_etags(request) or ()):
        raise DomainError(
            "if_match.invalid",
            'If-Match takes ETags as answers give them, like "3"',
            errors=(FieldError("If-Match", "if_match.invalid", "is no list of ETags, which stand in quotes"),),
        )


def _etags(request: HttpRequest) -> list[re.Match[str] | None] | None:
    text = header(request, b"if-match")
    if text is None or text.strip() == "*":
        return None
    return [_ETAG.fullmatch(part) for part in text.split(",")]


def write_headers(outcome: Outcome[Any], *, location: str | None = None) -> dict[str, str]:
    """The headers of an answer to a write."""
    headers = {"Event-Position": str(outcome.position)}
    if outcome.replayed:
        headers["Idempotent-Replay"] = "true"
    if location and outcome.status == 201:  # noqa: PLR2004
        headers["Location"] = location
    return headers


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'
