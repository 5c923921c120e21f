"""Which tenants have something to apply, and a bounded number of their turns at once."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

import structlog

from domain.errors import kind_of
from domain.event import Event, Recorded
from projections.ports import CheckpointMovedError
from projections.turns import BATCH, Turns

_MOST_WAITING = 40 * BATCH
"""Events that wait in memory, at most; what comes beyond is read from the log when its tenant's turn comes."""

_FEW = 20
"""A turn of fewer events costs more for itself than for them."""

_LONGEST_REST_SECONDS = 0.25

_log = structlog.get_logger()


class Lane:
    """Turns of some projections, tenant by tenant: side by side, because most of a turn is waiting for Postgres.

    A tenant has one turn at a time and then goes to the end of the queue, so that none waits for another's backlog.
    """

    def __init__(
        self,
        turns: Turns,
        *,
        side_by_side: int,
        most: int = BATCH,
        rest: float = 0.0,
        on_full: Callable[[UUID], None] = lambda _: None,
        on_level: Callable[[UUID], None] = lambda _: None,
    ) -> None:
        """`most`: of a turn's events.

        `rest`: after a turn of few events, how many times as long as it took to wait for more of them. After one of
        many with none left, more of them are on their way: it waits as long as it may.

        `on_full` is told of a tenant whose events do not wait here any more, since there are too many, `on_level` when
        it has caught up with the log.
        """
        self.turns = turns
        self._side_by_side = side_by_side
        self._most = most
        self._rest = rest
        self._events: dict[UUID, list[Recorded[Event]]] = {}
        self._count = 0
        self._queue: deque[UUID] = deque()
        self._busy: set[UUID] = set()
        self._wake = asyncio.Semaphore(0)
        self._on_full = on_full
        self._on_level = on_level
        self._lacking: set[UUID] = set()

    def offer(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> None:
        """Events of a tenant in order; none says that the log should be looked at."""
        if tenant_id not in self._events:
            self._events[tenant_id] = []
            if tenant_id not in self._busy:
                self._enqueue(tenant_id)
        if self._count + len(events) <= _MOST_WAITING:
            self._events[tenant_id] += events
            self._count += len(events)
        else:
            self._lacking.add(tenant_id)
            self._on_full(tenant_id)

    def seen(self, tenant_id: UUID, position: int | None) -> None:
        """A tenant's checkpoint as it has just been read: lower than it was known to be, it was set back."""
        if position is not None and position < self.turns.known(tenant_id):
            self.turns.forget(tenant_id)

    def look(self, tenant_id: UUID, head: int) -> None:
        """A tenant's log goes on to `head`. What is being worked on anyway gets there without being told."""
        if tenant_id not in self._events and tenant_id not in self._busy and self.turns.known(tenant_id) < head:
            self.offer(tenant_id, ())

    def passes_by(self, tenant_id: UUID, position: int, found: AbstractSet[str]) -> bool:
        """Whether nothing of a tenant waits or is worked on here, and what comes after a position is not wanted."""
        at_rest = tenant_id not in self._events and tenant_id not in self._busy
        return at_rest and self.turns.pass_by(tenant_id, position, found)

    async def run(self) -> None:
        """Give turns until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._side_by_side):
                tasks.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._wake.acquire()
            if seconds := await self._next(self._queue.popleft()):
                await asyncio.sleep(seconds)

    async def _next(self, tenant_id: UUID) -> float:
        """A tenant's turn; gives the seconds to rest after it. Nothing of it stays in memory while the lane waits."""
        waiting = sorted(self._events.pop(tenant_id), key=lambda item: item.position)
        events, others = waiting[: self._most], waiting[self._most :]
        if others:
            self._events[tenant_id] = others
        self._count -= len(events)
        self._busy.add(tenant_id)
        began = time.monotonic()
        try:
            more = await self._turn(tenant_id, events)
        finally:
            self._busy.discard(tenant_id)
        if not more and not others and tenant_id in self._lacking:
            self._lacking.discard(tenant_id)
            self._on_level(tenant_id)
            more = True  # what came in just before that is in the log alone
        if more:
            self._events.setdefault(tenant_id, [])
        if tenant_id in self._events:
            self._enqueue(tenant_id)
        if not self._rest or more or others:
            return 0.0
        return min(_LONGEST_REST_SECONDS, self._rest * (time.monotonic() - began) if len(events) < _FEW else math.inf)

    async def _turn(self, tenant_id: UUID, events: Sequence[Recorded[Event]]) -> bool:
        """A tenant's trouble is its own, and the next look at the heads comes back to it."""
        try:
            return await self.turns.take(tenant_id, events)
        except CheckpointMovedError:
            _log.debug("projector.overtaken", tenant_id=str(tenant_id))
        except Exception as error:  # noqa: BLE001  one tenant's trouble does not stop the others
            _log.error("projector.tenant_failed", tenant_id=str(tenant_id), error=kind_of(error))
        return False

    def _enqueue(self, tenant_id: UUID) -> None:
        self._queue.append(tenant_id)
        self._wake.release()
