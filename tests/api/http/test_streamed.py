"""R3.5: what is sent while it is made ends cleanly only when it is complete, and goes on only while it is taken."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from api.http.streamed import Streamed


class Client:
    """Takes what is sent, or doesn't."""

    def __init__(self, *, leaves_after: int = 10**9, stuck_after: int = 10**9) -> None:
        self.messages: list[Any] = []
        self._left = asyncio.Event()
        self._leaves_after, self._stuck_after = leaves_after, stuck_after

    async def send(self, message: Any) -> None:
        if len(self.messages) >= self._stuck_after:
            await asyncio.sleep(60)
        self.messages.append(message)
        if len(self.messages) >= self._leaves_after:
            self._left.set()
        await asyncio.sleep(0)

    async def receive(self) -> Any:
        await self._left.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def is_complete(self) -> bool:
        return self.messages[-1].get("more_body") is False


class Source:
    """Makes chunks; knows how many were asked for, and whether it was closed."""

    def __init__(self, number: int, *, fails: bool = False) -> None:
        self.number, self.fails = number, fails
        self.made, self.closed = 0, False

    async def chunks(self) -> AsyncGenerator[bytes]:
        try:
            for _ in range(self.number):
                self.made += 1
                yield b"x"
            if self.fails:
                raise RuntimeError("the store went away")
        finally:
            self.closed = True


async def sent(client: Client, source: Source, seconds: float = 5) -> None:
    answer = Streamed(source.chunks(), media="text/csv", seconds=seconds, headers={"Event-Position": "7"})
    await answer({}, client.receive, client.send)  # type: ignore[arg-type]


async def test_what_is_whole_ends_cleanly() -> None:
    client, source = Client(), Source(3)
    await sent(client, source)
    assert (client.body, client.is_complete, source.closed) == (b"xxx", True, True)
    assert client.messages[0]["headers"] == [(b"content-type", b"text/csv"), (b"event-position", b"7")]


@pytest.mark.parametrize("number", [0, 3])
async def test_what_fails_on_the_way_never_ends(number: int) -> None:
    client, source = Client(), Source(number, fails=True)
    await sent(client, source)
    assert (len(client.body), client.is_complete, source.closed) == (number, False, True)


async def test_when_the_client_goes_away_nothing_more_is_made() -> None:
    client, source = Client(leaves_after=3), Source(10_000)
    await sent(client, source)
    assert not client.is_complete
    assert source.made < 10
    assert source.closed


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    client, source = Client(stuck_after=3), Source(10_000)
    await sent(client, source, seconds=0.05)
    assert (client.is_complete, source.closed) == (False, True)
    assert source.made < 10
