"""A circuit breaker: leaves alone what keeps failing, and tries it again by itself.

Ours rather than a library's: those that know asyncio are unmaintained or let every caller through while half open.
"""

import time
from collections.abc import Callable

import structlog

_log = structlog.get_logger()


class Breaker:
    """Closed: calls go. Open, after `failures` in a row: none goes for `pause` seconds. Then one goes as a probe."""

    def __init__(
        self, name: str, *, failures: int = 5, pause: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._failures = 0
        self._not_before = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are kept away; asking takes no probe."""
        return self._failures >= self._most and self._clock() < self._not_before

    def may_pass(self) -> bool:
        """Whether a call may go; whoever is let through says how it went."""
        if self._failures < self._most:
            return True
        if self._clock() < self._not_before:
            return False
        # The probe. The others wait for what becomes of it, or for another pause if nothing does.
        self._not_before = self._clock() + self._pause
        return True

    def succeeded(self) -> None:
        """A call went well."""
        if self._failures >= self._most:
            _log.info("breaker.closed", name=self._name)
        self._failures = 0

    def failed(self) -> None:
        """A call failed or took too long."""
        self._failures += 1
        if self._failures >= self._most:
            self._not_before = self._clock() + self._pause
        if self._failures == self._most:
            _log.warning("breaker.opened", name=self._name, pause=self._pause)
