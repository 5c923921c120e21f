"""Guessing passwords gets slower and slower, and then stops; the one whose password is guessed still gets in.

Failures are counted for an e-mail at one address, for an e-mail wherever it comes from, and for an address. The second
count would let anybody lock a user out, so it does not hold where the user has signed in before: from there only the
first one does. Somebody who is locked out at a new place gets in with a reset of the password, or from a known place.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.errors import DomainError

_SITE_BITS = 64


class Count(Struct, frozen=True):
    """One thing that failures are counted for: so many cost nothing, each more doubles the wait up to the longest."""

    key: tuple[str, ...]
    free: int
    longest: int


class SignInAttempts(Protocol):
    """Counts of failed attempts, in all processes together. What is asked for need not exist."""

    async def begin(self, counts: Sequence[Count]) -> float:
        """Seconds until an attempt may be made; 0 when it may be now, and it counts as failed until `succeeded`."""
        ...

    async def succeeded(self, counts: Sequence[Count]) -> None:
        """The attempt was none of the failed: the first count starts anew, the others lose one."""
        ...

    async def taken_back(self, counts: Sequence[Count]) -> None:
        """The attempt was no failure, and no reason to forgive those before it: every count loses one."""
        ...

    async def is_known(self, tenant_id: UUID, user_id: UUID, address: str) -> bool:
        """Whether the user has signed in from an address before, of late."""
        ...


def counts(login: str, address: str, *, known: bool) -> list[Count]:
    """What an attempt counts for; `known` when the user has signed in from this address before."""
    here = place(address)
    found = [_here(login, here), Count(("address", here), 200, 60)]
    return found if known else [*found, _anywhere(login)]


def inside(login: str, address: str) -> list[Count]:
    """What a guess by somebody who is signed in counts for: wherever it comes from, and apart from those at the door.

    So who has a session can't guess from many addresses, and who has none keeps nobody from changing a password.
    """
    return [*counts(login, address, known=True), Count(("inside", login), 20, 300)]


def asking(who: str) -> list[Count]:
    """What a question counts for that tells whether an e-mail is a user's, by who asks: a place, or a tenant."""
    return [Count(("taken", who), 50, 900)]


def place(address: str) -> str:
    """An address as it is counted: whoever has one IPv6 address mostly has its whole /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or IPv6Network((found, _SITE_BITS), strict=False))


async def forgive(attempts: SignInAttempts, login: str, address: str) -> None:
    """Somebody has a new password by mail: what failed before, here or wherever, was a forgotten one."""
    for count in (_here(login, place(address)), _anywhere(login)):
        await attempts.succeeded([count])


def _here(login: str, here: str) -> Count:
    return Count(("here", login, here), 10, 900)


def _anywhere(login: str) -> Count:
    return Count(("login", login), 50, 60)


async def guess(attempts: SignInAttempts, counted: Sequence[Count], look: Callable[[], Awaitable[bool]]) -> bool:
    """Whether a guess is right, where one may be made now; a wrong one stays counted, a right one forgives nothing.

    Raises:
        DomainError: auth.throttled.
    """
    if wait := await attempts.begin(counted):
        raise throttled(wait)
    right = await look()
    if right:
        await attempts.taken_back(counted)
    return right


def throttled(seconds: float) -> DomainError:
    """The refusal of an attempt that comes too soon: the same whether or not there is such a user."""
    wait = math.ceil(seconds)
    return DomainError(
        "auth.throttled",
        "too many attempts have failed",
        hint="Wait as Retry-After says. If the password is forgotten, ask for a reset.",
        members={"retry_after": wait},
    )
