"""Requests that are always in flight, over many connections to several processes."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct


class Flown(Struct, frozen=True):
    """One request: when it was sent and when it was answered (seconds of this process's clock), and with what."""

    sent: float
    answered: float
    status: int


class Flight:
    """The same GET by one caller, `connections` at a time in turns over all processes, until the block ends."""

    def __init__(self, urls: Sequence[str], path: str, token: str, *, connections: int) -> None:
        self.flown: list[Flown] = []
        self._addresses = [(parts.hostname or "", parts.port or 0) for parts in map(urlsplit, urls)]
        self._request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        self._connections = connections
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        addresses = itertools.islice(itertools.cycle(self._addresses), self._connections)
        self._tasks = [asyncio.create_task(self._fly(*address)) for address in addresses]
        await self.more(self._connections)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def more(self, number: int) -> None:
        """Wait until so many more requests have been answered."""
        wanted = len(self.flown) + number
        async with asyncio.timeout(60):
            while len(self.flown) < wanted:
                await asyncio.sleep(0.005)
                for task in self._tasks:
                    if task.done():
                        task.result()

    def statuses(self, sent_from: float, answered_before: float = float("inf")) -> set[int]:
        """The answers to requests that were sent and answered within a time."""
        return {one.status for one in self.flown if one.sent >= sent_from and one.answered < answered_before}

    async def _fly(self, host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            while True:
                sent = time.perf_counter()
                writer.write(self._request)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
                self.flown.append(Flown(sent, time.perf_counter(), int(head[9:12])))
        finally:
            writer.close()
