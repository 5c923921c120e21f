"""What a new password has to be, and the port that hashes passwords."""

import re
from functools import cache
from pathlib import Path
from typing import Protocol

from commands.normalise import Problems

SHORTEST = 10
LONGEST = 1024

_SHORTEST_STEM = 6
_START = re.compile(r"^[^a-z0-9]+")
_END = re.compile(r"[^a-z]+$")
_LOOKALIKES = tuple(str.maketrans("@430$5!7" + "1", "aaeossit" + one) for one in "il")
_COMMON = Path(__file__).with_name("common_passwords.txt")


class Passwords(Protocol):
    """Hashes and verifies passwords, off the event loop.

    Everything raises DomainError auth.busy when too many wait for it already.
    """

    async def hash(self, password: str) -> str:
        """A new hash."""
        ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password; as slow, and False, when there is no hash to compare with."""
        ...

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made by another method, or at another cost, than new ones are."""
        ...


def check(password: str, at: str, problems: Problems) -> None:
    """A new password is taken as it is, if it is neither short nor among those that are guessed first."""
    if len(password) < SHORTEST:
        problems.add(at, "password.too_short", f"needs at least {SHORTEST} characters")
    elif len(password) > LONGEST:
        problems.add(at, "password.too_long", f"has more than {LONGEST} characters")
    elif _is_common(password.casefold()):
        problems.add(at, "password.common", "is among the most common passwords, which are guessed first")


def _is_common(password: str) -> bool:
    """Whether it is one of them, also as P@ssw0rd with other digits and marks around it."""
    if password in _common():
        return True
    bare = _END.sub("", _START.sub("", password))
    return any(bare.translate(table) in _stems() for table in _LOOKALIKES)


@cache
def _stems() -> frozenset[str]:
    """The most common passwords without the digits and marks at their ends, where that leaves a word."""
    found = (_END.sub("", each) for each in _common())
    return frozenset(stem for stem in found if len(stem) >= _SHORTEST_STEM)


@cache
def _common() -> frozenset[str]:
    """The most common passwords that are long enough to be taken, in lower case."""
    return frozenset(_COMMON.read_text("utf-8").split())
