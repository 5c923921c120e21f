"""The signing keys as one process knows them, kept up to date while it runs."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag

from commands.ports import StoreUnavailableError
from infra.keys.signing import SigningKey, SigningKeys
from infra.postgres import unavailable_as_such

RELOAD_SECONDS = 30.0
PAUSE_SECONDS = 1.0
"""Between two looks for keys that tokens name: whoever sends made-up ones costs the database no more than that."""

_KID = re.compile(r"[A-Za-z0-9_-]{16}")

_log = structlog.get_logger()


class KeyRing:
    """Reads the keys again twice a minute, and when a token names one that is not known here."""

    def __init__(self, keys: SigningKeys, load: Callable[[], Awaitable[SigningKeys]]) -> None:
        self.keys = keys
        self._load = load
        self._lock = asyncio.Lock()
        self._looked = 0.0

    def jwks(self) -> dict[str, Any]:
        """The public keys of now as a JWK set."""
        return self.keys.jwks(time.time())

    async def run(self) -> None:
        """Keep up to date until cancelled."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await self.reload()
            except StoreUnavailableError:
                _log.warning("signing_keys.unavailable")  # the keys that are known serve on

    async def reload(self) -> None:
        """Read the keys; those that are known serve on where one of them is not the installation's own.

        Raises:
            StoreUnavailableError: they can't be read.
        """
        try:
            async with unavailable_as_such():
                fresh = await self._load()
        except InvalidTag:
            _log.error("signing_keys.forged")
            return
        if fresh.turns != self.keys.turns:
            self.keys = fresh

    async def find(self, kid: object) -> SigningKey | None:
        """The key of this id, which may have been made since the last look; None when it is none, or retired.

        Raises:
            StoreUnavailableError: it is not known here, and can't be looked for.
        """
        if not isinstance(kid, str) or not _KID.fullmatch(kid):
            return None
        if found := self.keys.find(kid, time.time()):
            return found
        await self._look_again()
        return self.keys.find(kid, time.time())

    async def _look_again(self) -> None:
        asked = time.monotonic()
        async with self._lock:
            if self._looked >= asked:
                return  # whoever was before has looked since
            await asyncio.sleep(self._looked + PAUSE_SECONDS - time.monotonic())
            self._looked = time.monotonic()
            await self.reload()
