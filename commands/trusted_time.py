"""A time that may be acted on where it matters how late it is: a clock that has leapt is not believed at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

LEAP = timedelta(days=1)
"""A clock may be so far ahead of where it was believed to be, and is believed."""
PATIENCE = 3600.0
"""Seconds for which it has to stay further ahead before it is believed all the same."""
APART = timedelta(minutes=5)
"""So much may clocks of two machines differ."""


class TrustedTime:
    """Tells whether a time can be believed; `seconds` is a clock that nobody sets."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._doubted_since: float | None = None

    def believed(self, here: datetime, there: datetime, before: datetime | None) -> datetime | None:
        """The time, of two machines' clocks and the last time that was believed; None while there is doubt.

        After a clock was set back, times before the last one are believed at once: they make nothing late.
        """
        now = min(here, there)
        if abs(here - there) > APART:
            self._doubted_since = None
            return None
        if before is None or now <= before + LEAP:
            self._doubted_since = None
            return now
        if self._doubted_since is None:
            self._doubted_since = self._seconds()
        return now if self._seconds() - self._doubted_since >= PATIENCE else None
