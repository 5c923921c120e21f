"""Sliding windows of two counters, as every process counts alone and as answers from Valkey are read.

A key's window starts with its first request. A request counts as 1; what the window before counted weighs by the share
of it that still reaches into the last `seconds`. So from rest exactly `most` requests are let through, and however they
are spread, no window lets more than that through when the one before it was level.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from msgspec import Struct

from commands.limits import Count, Limit, Use

_MOST_KEYS = 50_000
_ROUNDING = 1e-6


class Window(Struct):
    """What was counted since `start` (seconds), and in the window before."""

    start: float
    count: int = 0
    before: int = 0


class LocalLimiter:
    """Counts in this process alone, up to its share of the limits; forgets what was used longest ago."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.processes = 1
        self._clock = clock
        self._windows: OrderedDict[tuple[str, str], Window] = OrderedDict()

    def count(self, uses: Sequence[Use]) -> list[Count]:
        """See commands.limits.Limiter; the limits are this process's share of those given."""
        now = self._clock()
        shares = [Limit(limit.name, max(1, limit.most // self.processes), limit.seconds) for limit, _ in uses]
        windows = [self._window((limit.name, key), limit.seconds, now) for limit, key in uses]
        full = [
            _weight(window.count, window.before, share, now - window.start) + 1 > share.most + _ROUNDING
            for window, share in zip(windows, shares, strict=True)
        ]
        for window in windows:
            window.count += not any(full)
        return [
            counted(share, window.count, window.before, now - window.start, full=is_full)
            for share, window, is_full in zip(shares, windows, full, strict=True)
        ]

    def _window(self, key: tuple[str, str], seconds: int, now: float) -> Window:
        window = self._windows.pop(key, None)
        passed = now - window.start + _ROUNDING if window else 0.0
        if window is None or passed >= 2 * seconds:
            window = Window(now)
        elif passed >= seconds:
            window = Window(window.start + seconds, 0, window.count)
        self._windows[key] = window
        if len(self._windows) > _MOST_KEYS:
            self._windows.popitem(last=False)
        return window


def counted(limit: Limit, count: int, before: int, passed: float, *, full: bool) -> Count:
    """What a window says, `passed` seconds after its start; `full` when it had no room for the request."""
    left = math.floor(limit.most - _weight(count, before, limit, passed) + _ROUNDING) if before else limit.most - count
    reset = math.ceil(limit.seconds - passed)
    # Every request comes here, for each of its limits: two calls of max() would be a third of it.
    wait = _wait(limit, count, before, passed) if full else 0.0
    return Count(limit, left if left > 0 else 0, reset if reset > 1 else 1, wait)  # noqa: FURB136


def _weight(count: int, before: int, limit: Limit, passed: float) -> float:
    return count + before * (1 - passed / limit.seconds)


def _wait(limit: Limit, count: int, before: int, passed: float) -> float:
    """Seconds until one more fits."""
    if count + 1 <= limit.most:
        needed = limit.seconds * (1 - (limit.most - 1 - count) / before) - passed
    else:
        needed = limit.seconds * (2 - (limit.most - 1) / count) - passed
    return max(0.001, needed)
