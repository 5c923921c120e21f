"""Rate limits: what may be limited and by how much, and what a count says."""

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct, field

READ, WRITE, SEARCH, AUTH = "read", "write", "search", "auth"
CLASSES = (READ, WRITE, SEARCH, AUTH)
"""Classes of routes: a limit can say otherwise for each."""

_RATE = re.compile(r"(\d{1,9})/(\d{1,5})")


class Limit(Struct, frozen=True, cache_hash=True):
    """At most `most` requests in any `seconds`, for whatever a key names; `name` is what answers call it."""

    name: str
    most: int
    seconds: int


class Rates(Struct, frozen=True):
    """One limit, and by class of route those that stand in its place, which count apart; None is none at all."""

    usual: Limit | None = None
    special: Mapping[str, Limit | None] = {}

    def of(self, route_class: str) -> Limit | None:
        """What holds for a class of routes."""
        return self.special.get(route_class, self.usual)


class Plan(Struct, frozen=True):
    """What a tenant may ask for: each of its users, each of its API keys, and all of them together."""

    user: Rates = Rates(Limit("user", 1200, 60))
    key: Rates = Rates(Limit("key", 1200, 60))
    tenant: Rates = Rates(Limit("tenant", 12_000, 60))


class Limits(Struct, frozen=True, kw_only=True):
    """Everything that is limited."""

    auth: Limit | None = Limit("auth", 30, 60)
    """Per address, on everything under /auth."""
    address: Limit | None = Limit("address", 600, 60)
    """Per address, for requests that bring no valid token."""
    usual: Plan = Plan()
    tenants: Mapping[UUID, Plan] = field(default_factory=dict)
    """Plans of those that have another."""

    def plan(self, tenant_id: UUID) -> Plan:
        """What holds for a tenant."""
        return self.tenants.get(tenant_id, self.usual) if self.tenants else self.usual


class Count(Struct, frozen=True):
    """One limit after a request: how many more fit, and in how many seconds more than now will.

    `wait` is the seconds until the request would be let through; 0 when it was.
    """

    limit: Limit
    left: int
    reset: int
    wait: float = 0.0


Use = tuple[Limit, str]
"""A limit, and the key that it is counted for."""


class Limiter(Protocol):
    """Counts requests, in all processes together as long as it can."""

    def count(self, uses: Sequence[Use]) -> Awaitable[Sequence[Count]]:
        """Count one request against every (limit, key), or, when one of them is used up, against none.

        It is counted whether or not anybody waits for the answer.
        """
        ...

    def refused(self, uses: Sequence[Use]) -> Sequence[Count]:
        """The counts that are known, without asking, to refuse a request now; none when that is not known."""
        ...


def rates(name: str, text: str) -> Rates:
    """Rates from a setting: "1200/60", or "1200/60 write=300/60 search=off".

    Raises:
        ValueError: it is none.
    """
    usual, *others = text.split() or [""]
    special = {}
    for other in others:
        route_class, _, rate = other.partition("=")
        if route_class not in CLASSES:
            raise ValueError(f"{route_class!r} is none of {', '.join(CLASSES)}")
        special[route_class] = limit(f"{name}-{route_class}", rate)
    return Rates(limit(name, usual), special)


def limit(name: str, text: str) -> Limit | None:
    """A limit from a setting: "requests/seconds", or "off".

    Raises:
        ValueError: it is neither.
    """
    if text == "off":
        return None
    found = _RATE.fullmatch(text)
    if not found or not int(found[1]) or not int(found[2]):
        raise ValueError(f"{text!r} is not requests/seconds, like 600/60, and not off")
    return Limit(name, int(found[1]), int(found[2]))
