"""Waiting for what happens elsewhere: in a server, in another task."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 120.0
"""Seconds after which what a test waits for is taken never to come. Says nothing of how fast something is: whoever runs
the tests may have other things to do."""


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not within so many seconds.
    """
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.01)


def wait(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """`until` for tests without a loop.

    Raises:
        TimeoutError: it does not hold within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.05)
