"""What is done after an answer, so that nobody learns from how long it took."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_MOST = 1_000

_log = structlog.get_logger()


class Later:
    """Does things beside the requests. When too much waits already, what comes is not done: the log says so."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something, whose trouble goes to the log."""
        if len(self._under_way) >= _MOST:
            work.close()
            _log.error("later.dropped", under_way=_MOST)
            return
        task = asyncio.create_task(_guarded(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001  nobody waits for it any more
        _log.exception("later.failed")
