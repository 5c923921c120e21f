"""A TCP proxy between a client and a server that can lose an answer: the request has arrived, nobody hears of it."""

import asyncio
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards bytes. `swallow` makes it drop the server's next answer and hang up."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._swallow = False
        self.swallowed = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def swallow(self) -> None:
        self._swallow = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        ways = {
            asyncio.create_task(self._forward(reader, back, from_server=False)),
            asyncio.create_task(self._forward(there, writer, from_server=True)),
        }
        self._tasks |= ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        back.close()

    async def _forward(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, *, from_server: bool) -> None:
        while data := await reader.read(65536):
            if from_server and self._swallow:
                self._swallow = False
                self.swallowed += 1
                return
            to.write(data)
            await to.drain()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
