"""Rounds of work, one after another."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from domain.errors import kind_of

_log = structlog.get_logger()


async def rounds(work: Callable[[], Awaitable[int]], *, rest: float, trouble: str, at_once: bool = False) -> None:
    """Work until cancelled, with `rest` seconds after each round; `at_once` without where some was done in it.

    Whatever is away is logged as `trouble`, and the next round asks again.
    """
    while True:
        done = 0
        try:
            done = await work()
        except Exception as error:  # noqa: BLE001  see above
            _log.warning(trouble, error=kind_of(error))
        await asyncio.sleep(0 if done and at_once else rest)
