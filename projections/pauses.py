"""When what has failed may be tried again."""

import time
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_DOUBLINGS = 10


class Pauses(Generic[K]):
    """After each failure in a row the pause is twice as long, from `first` up to `longest` seconds."""

    def __init__(self, *, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._failed: dict[K, tuple[int, float]] = {}

    def is_over(self, key: K) -> bool:
        """Whether it may be tried now."""
        return time.monotonic() >= self._failed.get(key, (0, 0.0))[1]

    def failures(self, key: K) -> int:
        """How often in a row it has failed."""
        return self._failed.get(key, (0, 0.0))[0]

    def failed(self, key: K) -> float:
        """It has failed, once more; the seconds until it may be tried again."""
        before = self.failures(key)
        pause = min(self._longest, self._first * 2.0 ** min(before, _DOUBLINGS))
        self._failed[key] = before + 1, time.monotonic() + pause
        return pause

    def worked(self, key: K) -> None:
        """It has not failed this time."""
        self._failed.pop(key, None)
