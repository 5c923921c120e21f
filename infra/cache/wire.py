"""One connection to Valkey that is driven directly: a call goes out in one write, its answer comes as bytes.

The client library connects (addresses, TLS, passwords); a call over it takes three times as long. Every request makes
one.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import cast

from valkey.asyncio import Connection, Valkey
from valkey.exceptions import ConnectionError as LostError
from valkey.exceptions import ResponseError, ValkeyError

_END = b"\r\n"


class Wire(asyncio.Protocol):
    """Calls of scripts, answered in the order that they were made in. It lasts until the connection is lost."""

    def __init__(self, client: Valkey, connection: Connection) -> None:
        writer = connection._writer  # noqa: SLF001  the library gives its streams to nobody
        if writer is None:
            raise LostError("not connected")
        self.is_lost = False
        self._pool = client.connection_pool
        self._connection = connection
        self._transport = cast("asyncio.Transport", writer.transport)
        self._before = cast("asyncio.Protocol", self._transport.get_protocol())
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._buffer = b""
        self._transport.set_protocol(self)

    @classmethod
    async def of(cls, client: Valkey) -> "Wire":
        """A connection of a client, which closes with it. Raises ValkeyError, OSError."""
        return cls(client, await client.connection_pool.get_connection("EVALSHA"))  # type: ignore[no-untyped-call]

    def call(self, *words: bytes) -> "asyncio.Future[bytes]":
        """The answer to a command, which is a string. It may raise ValkeyError; who cancels it is not waited for."""
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.is_lost:
            asked.set_exception(LostError("the connection is lost"))
            return asked
        self._waiting.append(asked)
        self._transport.write(written(words))
        return asked

    async def close(self) -> None:
        """Let go of the connection: nobody is answered any more."""
        self._transport.abort()
        self._fail(LostError("the connection was given up"))
        await self._connection.disconnect(nowait=True)
        await self._pool.release(self._connection)

    def data_received(self, data: bytes) -> None:
        """Take the answers that are there."""
        self._buffer = self._buffer + data if self._buffer else data
        try:
            while self._buffer and self._take():
                pass
        except (ValueError, IndexError):
            self._transport.abort()
            self._fail(LostError("what came is no answer"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, and the library."""
        self._fail(LostError("the connection is lost"))
        self._before.connection_lost(exc)

    def _take(self) -> bool:
        """Whether there was a whole answer. Raises ValueError or IndexError when there is something else."""
        line, found, rest = self._buffer.partition(_END)
        if not found:
            return False
        if line[0] == ord("-"):
            self._buffer = rest
            self._answer(error=ResponseError(line[1:].decode(errors="replace")))
            return True
        size = int(line[1:])
        if line[0] != ord("$") or size < 0:
            raise ValueError
        if len(rest) < size + len(_END):
            return False
        self._buffer = rest[size + len(_END) :]
        self._answer(rest[:size])
        return True

    def _answer(self, value: bytes = b"", error: ValkeyError | None = None) -> None:
        asked = self._waiting.popleft()
        if asked.done():  # nobody waits for it any more
            return
        if error:
            asked.set_exception(error)
        else:
            asked.set_result(value)

    def _fail(self, error: ValkeyError) -> None:
        self.is_lost = True
        while self._waiting:
            self._answer(error=error)


def written(words: Sequence[bytes]) -> bytes:
    """A command as Valkey reads it (RESP: an array of strings)."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)
