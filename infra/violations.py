"""What was tried waits here, so that no request waits for what becomes of it.

The queue is bounded, and a tenant has a share of it. What does not fit is dropped and counted, and whose it was is told
to the operator: nobody hides one attempt among thousands, nor keeps those of others out of sight. What waits is lost
when the process is killed, and written when it is stopped. Nothing of this shows in answers, nor in how long they take.
"""

import asyncio
import time
from collections import Counter, deque
from datetime import datetime
from uuid import UUID

import structlog

from commands.ports import Append, EventStore, StoreUnavailableError
from commands.violations import WINDOW, Tried, Violations
from domain.errors import kind_of

MOST = 10_000
MOST_OF_TENANT = 2_000
_AT_ONCE = 200
_PAUSE_SECONDS = 0.1
_SHARE = 4
"""After a question the queue rests for so many times as long as that took: whoever floods it does not load Postgres."""
_IDLE_SECONDS = 5.0
_AWAY_SECONDS = 1.0
_LAST_SECONDS = 2.0

_log = structlog.get_logger()


class ViolationQueue:
    """Takes ids that were told to be of nothing, and has those recorded that belong to another tenant."""

    def __init__(
        self, violations: Violations, store: EventStore, *, most: int = MOST, of_tenant: int = MOST_OF_TENANT
    ) -> None:
        self._violations = violations
        self._clock = violations.clock
        self._store = store
        self._waiting: asyncio.Queue[Tried] = asyncio.Queue(most)
        self._of_tenant = of_tenant
        self._shares: Counter[UUID] = Counter()
        self._unseen: dict[UUID, tuple[datetime, int]] = {}
        self._asking: list[Tried] = []
        self._writing: deque[Append] = deque()
        self.dropped = 0
        self.recorded = 0

    def note(self, tried: Tried) -> None:
        """Take one; returns at once."""
        if self._waiting.full() or self._shares[tried.tenant_id] >= self._of_tenant:
            self.dropped += 1
            since, count = self._unseen.get(tried.tenant_id, (tried.at, 0))
            self._unseen[tried.tenant_id] = since, count + 1
            return
        self._shares[tried.tenant_id] += 1
        self._waiting.put_nowait(tried)

    async def run(self) -> None:
        """Look at what comes, until cancelled."""
        while True:
            if not (self._asking or self._writing):
                await self._gather()
            started = time.monotonic()
            try:
                await self._look()
            except StoreUnavailableError:
                await asyncio.sleep(_AWAY_SECONDS)
                continue
            except Exception as error:  # noqa: BLE001  nobody waits for it, and what comes next is looked at all the same
                _log.error("violations.failed", error=kind_of(error), lost=len(self._asking) + len(self._writing))
                self._asking = []
                self._writing.clear()
            await asyncio.sleep(max(_PAUSE_SECONDS, _SHARE * (time.monotonic() - started)))

    async def finish(self) -> None:
        """Write what still waits, in the little time that there is when a process stops."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self._look()
                while not self._waiting.empty():
                    self._take()
                    await self._look()
                self._writing.extend(self._violations.counted(at_once=True))
                self._tell_unseen(None)
                await self._write()
        except Exception as error:  # noqa: BLE001  the process stops all the same
            lost = self._waiting.qsize() + len(self._asking) + len(self._writing)
            _log.error("violations.lost", error=kind_of(error), lost=lost)

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                self._taken(await self._waiting.get())
        except TimeoutError:
            return
        self._take()

    def _take(self) -> None:
        while len(self._asking) < _AT_ONCE and not self._waiting.empty():
            self._taken(self._waiting.get_nowait())

    def _taken(self, tried: Tried) -> None:
        self._asking.append(tried)
        self._shares[tried.tenant_id] -= 1
        if not self._shares[tried.tenant_id]:
            del self._shares[tried.tenant_id]

    def _tell_unseen(self, now: datetime | None) -> None:
        """Tell of ids that were dropped: at the end of each window, or at once."""
        for tenant_id, (since, count) in [*self._unseen.items()]:
            if now is None or now >= since + WINDOW:
                del self._unseen[tenant_id]
                self._writing.append(self._violations.unseen(tenant_id, count, since))

    async def _look(self) -> None:
        self._writing.extend(await self._violations.among(self._asking))
        self._asking = []
        self._writing.extend(self._violations.counted())
        self._tell_unseen(self._clock())
        await self._write()

    async def _write(self) -> None:
        # An append that got no answer is sent again as it is: its command id keeps it from being there twice.
        while self._writing:
            await self._store.append(self._writing[0])
            self._writing.popleft()
            self.recorded += 1
