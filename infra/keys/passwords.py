"""Password hashes: bcrypt in threads of its own, of low priority, so that nobody else waits for it."""

import asyncio
import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import DomainError

T = TypeVar("T")

_BCRYPT_LIMIT = 72
_NICE = 15
_WAITING_EACH = 20
"""Hashes that may wait for each thread: five seconds' worth at cost 12."""


class BcryptPasswords:
    """Hashes and verifies; implements commands.identity.passwords.Passwords.

    bcrypt reads 72 bytes at most. A longer password goes through HMAC-SHA-256 first, so that every
    byte of it counts; a shorter one is hashed as it is, so that hashes from elsewhere verify. Argon2id hashes from
    elsewhere verify too, and are outdated.
    """

    def __init__(self, cost: int, pepper: bytes, threads: int | None = None) -> None:
        self._cost = cost
        self._pepper = pepper
        count = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="bcrypt", initializer=_yield_to_others)
        self._most = count * (_WAITING_EACH + 1)
        self._under_way = 0
        self._nobody = bcrypt.hashpw(b"nobody", bcrypt.gensalt(cost)).decode()
        self._argon2 = PasswordHasher()

    async def hash(self, password: str) -> str:
        """A new hash, with a salt of its own."""
        return await self._in_thread(lambda: bcrypt.hashpw(self._bytes(password), bcrypt.gensalt(self._cost)).decode())

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password. Without a hash (no such user) it takes the same time and is False."""
        same = await self._in_thread(lambda: self._same(password, hashed or self._nobody))
        # Erased users have an empty one, with which nobody signs in.
        return same and bool(hashed)

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash is none of bcrypt's at the cost of today."""
        return not hashed.startswith(f"$2b${self._cost:02}$")

    def _same(self, password: str, hashed: str) -> bool:
        if hashed.startswith("$argon2"):
            try:
                return self._argon2.verify(hashed, password)
            except (VerificationError, InvalidHashError):
                return False
        same = bcrypt.checkpw(self._bytes(password), hashed.encode())
        # A hash of a lower cost is checked faster, which would tell that there is such a user. One takes twice as long
        # as one of the cost before: with one more of every cost in between it is as long as at the cost of today.
        for cost in range(int(hashed.split("$")[2]), self._cost):
            bcrypt.hashpw(b"", bcrypt.gensalt(cost))
        return same

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise DomainError(
                "auth.busy", "too many passwords are being checked now", hint="Try again in a few seconds."
            )
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._done)
        # What has begun can't be stopped: it counts until it ends, also when whoever asked has gone.
        return await asyncio.shield(future)

    def _done(self, _: object) -> None:
        self._under_way -= 1

    def _bytes(self, password: str) -> bytes:
        raw = password.encode()
        if len(raw) <= _BCRYPT_LIMIT:
            return raw
        return base64.b64encode(hmac.new(self._pepper, raw, hashlib.sha256).digest())


def _yield_to_others() -> None:
    """Let this thread run when nothing else of the machine wants to. Linux gives each thread a priority of its own."""
    with suppress(OSError, AttributeError):  # elsewhere, hashing competes with the rest
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
