"""Rate limits over HTTP: what a request counts for, and what its answer says of that."""

import math
from collections.abc import Awaitable, Sequence
from functools import lru_cache
from typing import Any

from litestar import Request

from api.http.address import address_of, counted_as
from api.http.services import Services
from commands.identity.access import Claims, KeyClaims
from commands.limits import AUTH, READ, SEARCH, WRITE, Count, Limit, Use
from domain.errors import DomainError

_AUTH = "/v1/auth/"
_FREE = ("/health", "/metrics")


class RateLimitedError(DomainError):
    """A limit is used up (rate_limit.exceeded)."""


async def count_stranger(request: Request[Any, Any, Any]) -> None:
    """Count a request that nobody is known to make, for its address.

    Raises:
        RateLimitedError: there were too many.
    """
    path = request.scope["path_template"]
    if path.startswith(_FREE):  # who looks after an installation asks often, and its load balancer always
        return
    services: Services = request.scope["state"]["services"]
    limits = (services.limits.auth if path.startswith(_AUTH) else None, services.limits.address)
    key = counted_as(address_of(request) or "")
    await count(request, [(limit, key) for limit in limits if limit])


def uses_of(request: Request[Any, Any, Any], claims: Claims | KeyClaims) -> Sequence[Use]:
    """What a request of somebody counts for: the user or the API key, and their tenant."""
    scope = request.scope
    services: Services = scope["state"]["services"]
    kind = route_class(scope["method"], scope["path_template"])
    plan = services.limits.plan(claims.tenant_id)
    rates = plan.user if isinstance(claims, Claims) else plan.key
    uses = _uses(rates.of(kind), plan.tenant.of(kind), claims)
    if kind == AUTH and services.limits.auth:
        return ((services.limits.auth, counted_as(address_of(request) or "")), *uses)
    return uses


@lru_cache(maxsize=20_000)
def _uses(own: Limit | None, shared: Limit | None, claims: Claims | KeyClaims) -> tuple[Use, ...]:
    caller = claims.user_id if isinstance(claims, Claims) else claims.key_id
    asked = ((own, caller.hex), (shared, claims.tenant_id.hex))
    return tuple((limit, key) for limit, key in asked if limit)


async def count(
    request: Request[Any, Any, Any], uses: Sequence[Use], begun: Awaitable[Sequence[Count]] | None = None
) -> None:
    """Count a request against all of these limits, or, when one of them is used up, against none.

    Where that has `begun`, its answer is taken.

    Raises:
        RateLimitedError: there were too many.
    """
    if uses:
        _tell(request, await (begun or begin(request, uses)))


def begin(request: Request[Any, Any, Any], uses: Sequence[Use]) -> Awaitable[Sequence[Count]]:
    """Begin to count a request; there are uses."""
    services: Services = request.scope["state"]["services"]
    return services.limiter.count(uses)


def check(request: Request[Any, Any, Any], uses: Sequence[Use]) -> None:
    """Refuse a request that is known to be one too many, before anything is asked for it.

    Raises:
        RateLimitedError: see above. Nothing is counted.
    """
    services: Services = request.scope["state"]["services"]
    if known := services.limiter.refused(uses):
        _tell(request, known)


def headers(counts: Sequence[Count] | None) -> list[tuple[bytes, bytes]]:
    """The RateLimit fields of an answer (IETF draft-ietf-httpapi-ratelimit-headers); none when nothing was counted."""
    if not counts:
        return []
    policy, state = _fields(tuple([count.limit for count in counts]))
    numbers = [number for count in counts for number in (count.left, count.reset)]
    return [(b"ratelimit-policy", policy), (b"ratelimit", state % tuple(numbers))]


@lru_cache(maxsize=256)
def _fields(limits: tuple[Limit, ...]) -> tuple[bytes, bytes]:
    """RateLimit-Policy, and RateLimit but for the numbers of each: how many are left, and the seconds."""
    policy = ", ".join(f'"{limit.name}";q={limit.most};w={limit.seconds}' for limit in limits)
    return policy.encode(), ", ".join(f'"{limit.name}";r=%d;t=%d' for limit in limits).encode()


@lru_cache(maxsize=1024)
def route_class(method: str, path: str) -> str:
    """The class of a route, by the template of its path."""
    if path.startswith(_AUTH):
        return AUTH
    if path.endswith("/search"):
        return SEARCH
    return READ if method in {"GET", "HEAD"} else WRITE


def _tell(request: Request[Any, Any, Any], counts: Sequence[Count]) -> None:
    request.scope["state"]["counts"] = counts
    if full := [count for count in counts if count.wait]:
        wait = max(count.wait for count in full)
        raise RateLimitedError(
            "rate_limit.exceeded",
            f"too many requests: the limit {full[0].limit.name} is used up",
            hint="Wait as Retry-After says; the header RateLimit tells what is left.",
            members={"retry_after": math.ceil(wait)},
        )
