"""How far read models are, and a wait until they have reached a position."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from uuid import UUID

from projections.position import Level

_REMEMBERED = 50_000
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.1
_AGAIN_SECONDS = 2.0


class Progress:
    """Implements api.http.services.Progress: positions as announced, and as Postgres says when one waits.

    `look` asks Postgres for the position that all of some checkpoints of a tenant have reached: while the broker is
    away, and to begin with.
    """

    def __init__(self, look: Callable[[UUID, Collection[str]], Awaitable[int]]) -> None:
        self._look = look
        self._positions: OrderedDict[tuple[UUID, str], int] = OrderedDict()
        self._waiting: dict[UUID, set[asyncio.Event]] = {}

    def heard(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        """Take an announcement."""
        moved = False
        for checkpoint in checkpoints:
            before = self._positions.pop((tenant_id, checkpoint), 0)
            self._positions[tenant_id, checkpoint] = max(position, before)
            moved |= position > before
        while len(self._positions) > _REMEMBERED:
            self._positions.popitem(last=False)
        # What says nothing new wakes nobody: else those who wait would look again at once, without end.
        for event in self._waiting.get(tenant_id, ()) if moved else ():
            event.set()

    def known(self, tenant_id: UUID, checkpoints: Collection[str]) -> int:
        """The position that all of the checkpoints are known to have reached; 0 when nothing is known."""
        return min(self._positions.get((tenant_id, checkpoint), 0) for checkpoint in checkpoints)

    async def again(self, tenant_id: UUID, level: Level) -> bool:
        """Forget that a level was known to be reached, and wait for it; False when that takes too long."""
        for checkpoint in level.checkpoints:
            self._positions.pop((tenant_id, checkpoint), None)
        return await self.reached(tenant_id, level.checkpoints, level.position, _AGAIN_SECONDS)

    async def reached(
        self,
        tenant_id: UUID,
        checkpoints: Collection[str],
        position: int,
        timeout: float,  # noqa: ASYNC109  not reaching it is an answer, not an error
    ) -> bool:
        """Wait until all of the checkpoints include a position; False when `timeout` seconds were not enough."""
        event = asyncio.Event()
        self._waiting.setdefault(tenant_id, set()).add(event)
        pause = _FIRST_PAUSE_SECONDS
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    while self.known(tenant_id, checkpoints) < position:
                        event.clear()
                        self.heard(tenant_id, list(checkpoints), await self._look(tenant_id, checkpoints))
                        if self.known(tenant_id, checkpoints) < position and not event.is_set():
                            with suppress(TimeoutError):
                                async with asyncio.timeout(pause):
                                    await event.wait()
                            pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)
            return self.known(tenant_id, checkpoints) >= position
        finally:
            self._waiting[tenant_id].discard(event)
            if not self._waiting[tenant_id]:
                del self._waiting[tenant_id]
