"""Requests that were given up while their bodies were awaited."""

import asyncio
import gc

_SECONDS = 0.5


class GivenUp:
    """Lets their connections close.

    The server closes one when nothing refers to its request any more. What was raised leaves cycles behind that do, and
    this process collects those rarely (see serve): so it does then, once for all of the same moment.
    """

    def __init__(self) -> None:
        self._due = False

    def let_go(self) -> None:
        """Collect soon, after the answer has been sent."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(_SECONDS, self._collect)

    def _collect(self) -> None:
        self._due = False
        gc.collect()
