"""Guessing passwords gets slower and slower, and then stops; the one whose password is guessed still gets in.

Failures are counted for an e-mail at one address, for an e-mail wherever it comes from, and for an address. The second
count would let anybody lock a user out, so it does not hold where the user has signed in before: from there only the
first one does. Somebody who is locked out at a new place gets in with a reset of the password, or from a known place.
"""

import math
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.errors import DomainError


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

    async def is_known(self, tenant_id: UUID, user_id: UUID, address: str) -> bool:
        """Whether the user has signed in from an address before, of late."""
        ...


def counts(login: str, address: str, *, known: bool) -> list[Count]:
    """What an attempt counts for; `known` when the user has signed in from this address before."""
    found = [Count(("here", login, address), 10, 900), Count(("address", address), 200, 60)]
    return found if known else [*found, Count(("login", login), 50, 60)]


def throttled(seconds: float) -> DomainError:
    """The refusal of an attempt that comes too soon: the same whether or not there is such a user."""
    wait = math.ceil(seconds)
    return DomainError(
        "auth.throttled",
        "too many sign-ins have failed",
        hint="Wait as Retry-After says. If the password is forgotten, ask for a reset.",
        members={"retry_after": wait},
    )
