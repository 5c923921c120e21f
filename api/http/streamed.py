"""Answers that are sent while they are made: however long they are, little of them is in memory.

One that ends cleanly is complete. When something fails on the way, the last chunk is never sent, which every client
takes for the error that it is.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import structlog
from litestar.types import Receive, Scope, Send

from domain.errors import kind_of

_log = structlog.get_logger()


class Streamed:
    """A small ASGI application that sends chunks as they come; each is to be taken within `seconds`."""

    __slots__ = ("_chunks", "_headers", "_seconds")

    def __init__(
        self, chunks: AsyncGenerator[bytes], *, media: str, seconds: float, headers: Mapping[str, str] | None = None
    ) -> None:
        named = {"content-type": media, **(headers or {})}
        self._chunks = chunks
        self._headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  as ASGI calls it
        """Send it, as long as there is somebody who takes it."""
        gone = asyncio.create_task(_gone(receive))
        try:
            async with aclosing(self._chunks) as chunks:
                await send({"type": "http.response.start", "status": 200, "headers": self._headers})
                async for chunk in chunks:
                    async with asyncio.timeout(self._seconds):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    if gone.done():
                        return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception as error:  # noqa: BLE001  the status is sent: that it breaks off is how the client learns of it
            _log.error("answer.broken_off", kind=kind_of(error))
        finally:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
