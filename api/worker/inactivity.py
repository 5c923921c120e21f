"""Looks for leads with which nothing has happened for long, tenant by tenant, for as long as the worker runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from api.worker.rounds import rounds
from commands.leads.inactivity import Sweeping, Swept, Turn
from commands.ports import Clock
from commands.trusted_time import TrustedTime
from domain.errors import kind_of

_POLL_SECONDS = 1.0
_AT_ONCE = 20
_SIDE_BY_SIDE = 2
_GRAIN = timedelta(seconds=30)

_log = structlog.get_logger()


class SweepTurns(Protocol):
    """Whose turn it is to be looked through; kept by all workers together, and over restarts."""

    async def clock(self, believed: datetime | None = None) -> tuple[datetime, datetime | None]:
        """The time as it is where turns are kept, and the last that was believed, which this may be."""
        ...

    async def take(self, at: datetime, most: int) -> list[Turn]:
        """Some tenants, which are nobody else's until they are left or their lease ends."""
        ...

    async def leave(self, turn: Turn, swept: Swept | None, took: timedelta) -> None:
        """A tenant was looked through; without a result, nothing could be said yet."""
        ...

    async def fail(self, turn: Turn, why: str) -> None:
        """A tenant could not be looked through, and is tried again later."""
        ...


class Sweeper:
    """Takes turns; `days` gives the days until a lead of a tenant is inactive."""

    def __init__(
        self,
        turns: SweepTurns,
        sweeping: Sweeping,
        days: Callable[[UUID], Awaitable[int]],
        clock: Clock,
        trusted: TrustedTime,
    ) -> None:
        self._turns = turns
        self._sweeping = sweeping
        self._days = days
        self._clock = clock
        self._trusted = trusted

    async def run(self) -> None:
        """Go on until cancelled."""
        await rounds(self.once, rest=_POLL_SECONDS, trouble="sweep.unavailable", at_once=True)

    async def once(self) -> int:
        """One round: how many tenants had a turn, which is none while the clock can't be believed."""
        now = await self._now()
        if now is None:
            return 0
        turns = await self._turns.take(now, _AT_ONCE)
        waiting = iter(turns)

        async def work() -> None:
            for turn in waiting:
                await self._one(turn, now)

        await asyncio.gather(*(work() for _ in range(_SIDE_BY_SIDE)))
        return len(turns)

    async def _now(self) -> datetime | None:
        there, before = await self._turns.clock()
        here = self._clock()
        now = self._trusted.believed(here, there, before)
        if now is None:
            _log.warning("sweep.clock_doubted", here=here.isoformat(), there=there.isoformat(), before=str(before))
            return None
        if before is None or abs(now - before) > _GRAIN:
            await self._turns.clock(now)
        return now

    async def _one(self, turn: Turn, now: datetime) -> None:
        """A tenant's trouble is its own: it is noted, and tried again at growing intervals."""
        started = time.monotonic()
        try:
            swept = await self._sweeping.sweep(turn, await self._days(turn.tenant_id), now)
            await self._turns.leave(turn, swept, timedelta(seconds=time.monotonic() - started))
        except Exception as error:  # noqa: BLE001  one tenant's trouble does not stop the others
            _log.error("sweep.tenant_failed", tenant_id=str(turn.tenant_id), error=kind_of(error))
            await self._turns.fail(turn, kind_of(error))
            return
        if swept and (swept.flagged or swept.cleared):
            _log.info("sweep.done", tenant_id=str(turn.tenant_id), flagged=swept.flagged, cleared=swept.cleared)
