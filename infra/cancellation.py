"""Tasks that end when they are asked to, whatever the libraries in between make of it.

Importing this gives `asyncio.wait_for` before Python 3.12 what it does since: there, a cancellation that came in the
same turn of the loop as the answer was lost, and a role that had been asked to stop went on. The libraries for
Postgres, NATS and Valkey all wait with it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

_AGAIN_SECONDS = 0.1


def heed_cancellation() -> None:
    """Raise the cancellation that a library has swallowed, as `Client._flush_pending` of nats-py does.

    Raises:
        asyncio.CancelledError: this task was asked to end.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Ask tasks to end, again and again until they have. What they raise is not told."""
    going = set(tasks)
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=_AGAIN_SECONDS)


async def _wait_for(fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109  as asyncio has it
    async with asyncio.timeout(timeout):
        return await fut


if sys.version_info < (3, 12):
    asyncio.wait_for = asyncio.tasks.wait_for = _wait_for  # type: ignore[assignment]  # only what is awaited
