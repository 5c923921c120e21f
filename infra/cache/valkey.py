"""Valkey: what may be lost at any time. Nothing waits for it longer than a few milliseconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from domain.errors import kind_of

_log = structlog.get_logger()

_PAUSE_SECONDS = 1.0
_MARK_SECONDS = 10


class ValkeyMarks:
    """Implements api.http.services.InProgress: marks of idempotency keys that are being worked on.

    While Valkey is away every key counts as unmarked: the event store decides about repeats anyway.
    """

    def __init__(self, client: Valkey | None, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._not_before = 0.0

    async def begin(self, digest: bytes) -> bool:
        """See the port."""
        return await self._ask(lambda client: client.set(_name(digest), b"1", nx=True, ex=_MARK_SECONDS)) is not False

    async def end(self, digest: bytes) -> None:
        """See the port."""
        await self._ask(lambda client: client.delete(_name(digest)))

    async def is_there(self) -> bool:
        """Whether Valkey answers, for the health of this process."""
        if self._client is None:
            return False
        try:
            async with asyncio.timeout(1):
                return bool(await self._client.ping())
        except (ValkeyError, OSError, TimeoutError):
            return False

    async def _ask(self, command: Callable[[Valkey], Awaitable[Any]]) -> bool | None:
        """The answer as a bool; None when Valkey can't be asked."""
        if self._client is None or time.monotonic() < self._not_before:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                return bool(await command(self._client))
        except (ValkeyError, OSError, TimeoutError) as error:
            self._not_before = time.monotonic() + _PAUSE_SECONDS
            _log.warning("valkey.unavailable", error=kind_of(error))
            return None


def _name(digest: bytes) -> bytes:
    return b"idempotency:" + digest
