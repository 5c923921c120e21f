"""A bounded cache with an end to everything in it."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """What was used last: at most so many, and nothing longer than so many seconds after it was read."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def now(self) -> float:
        """The clock that `put` goes by, in seconds."""
        return self._clock()

    def get(self, key: K) -> V | None:
        """What is kept, and not too old."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= self._clock():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: K, value: V, read_at: float | None = None) -> None:
        """Keep something, counted from the moment before it was read (now, when not given)."""
        self._kept[key] = ((self._clock() if read_at is None else read_at) + self._seconds, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def change(self, key: K, value: V) -> None:
        """Keep something in place of what is kept, for as long as that would have been; else as `put`."""
        if self.get(key) is None:
            self.put(key, value)
        else:
            self._kept[key] = (self._kept[key][0], value)

    def drop(self, key: K) -> None:
        """Forget something, if it is there."""
        self._kept.pop(key, None)
