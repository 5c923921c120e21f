"""Successful answers: the body is encoded once and sent as it is."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

_JSON = b"application/json"
_encoder = msgspec.json.Encoder()


@cache  # of the few names that answers have
def _as_sent(name: str) -> bytes:
    return name.lower().encode()


class Answer:
    """A small ASGI application that sends one body: an object as JSON, bytes as they are, None as no body at all.

    Litestar's Response can do more, and spends as long on it as the whole decision about a command takes.
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self, content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, media: bytes = _JSON
    ) -> None:
        self._status = status
        self._body = content if isinstance(content, bytes) else b"" if content is None else _encoder.encode(content)
        self._headers = [(_as_sent(name), value.encode()) for name, value in headers.items()] if headers else []
        if content is not None:
            self._headers += ((b"content-type", media), (b"content-length", b"%d" % len(self._body)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  as ASGI calls it
        """Send it."""
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
