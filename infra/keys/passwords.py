"""Password hashes: bcrypt in threads of its own, so that nobody else waits for it."""

import asyncio
import base64
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

import bcrypt

_BCRYPT_LIMIT = 72


class BcryptPasswords:
    """Hashes and verifies; implements commands.ports.Passwords.

    bcrypt reads 72 bytes at most. A longer password goes through HMAC-SHA-256 first, so that every
    byte of it counts; a shorter one is hashed as it is, so that hashes from elsewhere verify.
    """

    def __init__(self, cost: int, pepper: bytes, threads: int = 2) -> None:
        self._cost = cost
        self._pepper = pepper
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        self._nobody = bcrypt.hashpw(b"nobody", bcrypt.gensalt(cost)).decode()

    async def hash(self, password: str) -> str:
        """A new hash, with a salt of its own."""
        work = lambda: bcrypt.hashpw(self._bytes(password), bcrypt.gensalt(self._cost)).decode()  # noqa: E731
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password. Without a hash (no such user) it takes the same time and is False."""
        against = (hashed or self._nobody).encode()
        same = await asyncio.get_running_loop().run_in_executor(
            self._pool, bcrypt.checkpw, self._bytes(password), against
        )
        return same and hashed is not None

    def _bytes(self, password: str) -> bytes:
        raw = password.encode()
        if len(raw) <= _BCRYPT_LIMIT:
            return raw
        return base64.b64encode(hmac.new(self._pepper, raw, hashlib.sha256).digest())
