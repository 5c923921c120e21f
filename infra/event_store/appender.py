"""Group commit: the appends that wait in this process go to Postgres together, one round trip for all of them.

A lone append goes straight out. Two calls are under way at a time, of different tenants: else they would only wait for
each other's head. What comes meanwhile waits its turn, see infra.event_store.waiting. Only where a tenant has the way
for itself and much to write, a second call of it waits in Postgres already when the first ends, so that neither side is
ever without work.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from commands.ports import StoreOverloadedError, StoreUnavailableError, VersionConflictError
from domain.errors import kind_of
from infra.event_store import codec
from infra.event_store.calls import Row, StoreCalls, is_plain
from infra.event_store.sealed import SealedAppend
from infra.event_store.waiting import TooManyWaitingError, Waiting, WaitingAppends
from infra.postgres import Pool
from infra.secret import Secret

_CALLS = 2
_MOST_CALLS = 8
_LATE_SECONDS = 0.02
_LEAST_OF_TWO = 8
_ANSWERED_AT_ONCE = 4
"""While others have a call under way. Whoever is answered goes on in the next turn of the loop, mostly to the next
append: with a whole batch of them in one turn, the others' answer would not be seen before its end."""
_TRIES = 3
_LONGEST_RETRY_SECONDS = 30

_log = structlog.get_logger()

Poke = Callable[[Mapping[UUID, int]], Awaitable[None]]
"""Is told of commits, as positions by tenant, so that the relay need not wait for its next poll. May fail unnoticed."""


class Appender:
    """Sends appends to Postgres; each gets its own row of the answer."""

    def __init__(self, pool: Pool, secret: Secret, *, key_ttl: str, poke: Poke | None) -> None:
        self._calls = StoreCalls(pool)
        self._most_calls = min(_MOST_CALLS, max(1, pool.max_size - 1))  # the pool is not only ours
        self._secret = secret
        self._key_ttl = key_ttl
        self._poke = poke
        self._waiting = WaitingAppends()
        self._woken = False
        self._away: dict[int, list[int]] = {}  # how many appends each call under way has, by tenant
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_time: set[asyncio.Task[None] | None] = set()
        self._seconds_each = 0.0

    @property
    def waiting(self) -> int:
        """How many appends wait for their turn."""
        return len(self._waiting)

    async def append(self, append: SealedAppend) -> Row:
        """The row of the answer for one append.

        One that is cancelled before it was sent is never sent; after that, it is written whole or not at all.

        Raises:
            VersionConflictError: it met another first append of the same stream.
            StoreOverloadedError: more is waiting than Postgres takes in good time.
            StoreUnavailableError: Postgres is away.
        """
        try:
            waiting = self._waiting.add(append, asyncio.get_running_loop().create_future())
        except TooManyWaitingError:
            raise StoreOverloadedError(retry_after=self._patience()) from None
        self._wake()
        try:
            row: Row = await waiting.answer
        except asyncio.CancelledError:
            self._waiting.remove(waiting)
            raise
        return row

    def _patience(self) -> int:
        """Seconds until what waits now has gone out, at the pace of late."""
        return min(_LONGEST_RETRY_SECONDS, max(1, math.ceil(len(self._waiting) * self._seconds_each)))

    def _wake(self) -> None:
        if not self._woken:
            # Not at once: what others append in this turn of the loop goes along.
            self._woken = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._woken = False
        while len(self._tasks) < self._most_calls and (batch := self._next() or self._second()):
            self._start(batch)

    def _next(self) -> list[Waiting]:
        # Two calls of one tenant count as one: others don't wait for the second.
        places = _CALLS - len(self._in_time) + any(len(calls) > 1 for calls in self._away.values())
        if places < 1:
            return []
        if not self._away and (only := self._waiting.only_tenant()) and self._waiting.of(only) >= 2 * _LEAST_OF_TWO:
            return self._waiting.batch_of(only, -(-self._waiting.of(only) // 2))
        return self._waiting.next_batch(self._away, places)

    def _second(self) -> list[Waiting]:
        """A second call of the tenant that has the way for itself, when it is worth it beside the first."""
        tenant = self._waiting.only_tenant()
        if tenant is None or [tenant] != list(self._away):
            return []
        calls, count = self._away[tenant], self._waiting.of(tenant)
        worth_it = len(calls) == 1 and count >= max(_LEAST_OF_TWO, calls[0] // 2)
        return self._waiting.batch_of(tenant, count) if worth_it else []

    def _start(self, batch: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        tenants = {waiting.tenant for waiting in batch}
        for tenant in tenants:
            self._away.setdefault(tenant, []).append(len(batch))
        task = loop.create_task(self._send(batch, tenants))
        self._tasks.add(task)
        self._in_time.add(task)
        task.add_done_callback(self._tasks.discard)
        # Others need not wait for a call that itself waits: for a head that another process holds, or for the disk.
        late = loop.call_later(_LATE_SECONDS, self._free, task)
        task.add_done_callback(partial(_cancel, late))

    def _free(self, task: "asyncio.Task[None] | None") -> None:
        self._in_time.discard(task)
        if self._waiting:
            self._wake()

    async def _send(self, batch: list[Waiting], tenants: set[int]) -> None:
        started = asyncio.get_running_loop().time()
        try:
            grown = await self._deliver(batch)
        except BaseException as error:
            _fail(batch, error)
            raise
        finally:
            for tenant in tenants:
                self._away[tenant].remove(len(batch))
                if not self._away[tenant]:
                    del self._away[tenant]
            self._free(asyncio.current_task())
        each = (asyncio.get_running_loop().time() - started) / len(batch)
        self._seconds_each += (each - self._seconds_each) / 16
        if self._poke and grown:
            try:
                await self._poke(grown)
            except Exception:  # noqa: BLE001
                # It is committed and answered, and the relay looks for itself; those who wait must not pay for it.
                _log.exception("append.poke_failed")

    async def _deliver(self, batch: list[Waiting]) -> dict[UUID, int]:
        """Send a batch, and again what has to go by itself; answers how far the tenants' logs have grown."""
        try:
            rows = await self._call([waiting.append for waiting in batch])
        except (psycopg.OperationalError, PoolTimeout) as error:
            _fail(batch, StoreUnavailableError(kind_of(error)))
        except Exception as error:  # noqa: BLE001  it is told to those whose appends it is about
            if len(batch) > 1:
                # One can't be stored, or met another first append of its stream. Nothing was written: by halves it is
                # found, and the others go on without it.
                return await self._again(batch[: len(batch) // 2]) | await self._again(batch[len(batch) // 2 :])
            if isinstance(error, psycopg.errors.UniqueViolation):
                # Two first appends of a new stream met; the state after the other decides.
                error = VersionConflictError(str(error.diag.constraint_name))
            _fail(batch, error)
        else:
            return await self._answer(batch, rows)
        return {}

    async def _again(self, batch: Sequence[Waiting]) -> dict[UUID, int]:
        wanted = [waiting for waiting in batch if not waiting.answer.done()]
        return await self._deliver(wanted) if wanted else {}

    async def _answer(self, batch: Sequence[Waiting], rows: Sequence[Row]) -> dict[UUID, int]:
        grown = {}
        tenants = len({waiting.tenant for waiting in batch})
        for number, (waiting, row) in enumerate(zip(batch, rows, strict=True), start=1):
            if row[0] == "ok":
                grown[waiting.append.tenant_id] = row[2]
            if row[0] == "busy":
                # Another process holds its head. In a call of its own it waits for that, and nobody with it.
                self._waiting.put_back(waiting)
            elif row[0] == "claimed" and len(batch) > 1:
                # Maybe by a neighbour in the batch that was refused itself.
                grown |= await self._again([waiting])
            elif not waiting.answer.done():
                waiting.answer.set_result(row)
            if number % _ANSWERED_AT_ONCE == 0 and len(self._away) > tenants:
                await asyncio.sleep(0)
        return grown

    async def _call(self, appends: Sequence[SealedAppend]) -> list[Row]:
        """One call, repeated while its outcome is unknown: command ids make sure that nothing is appended twice."""
        first = appends[0]
        alone = len(appends) == 1 and is_plain(first)
        several = first.tenant_id != appends[-1].tenant_id  # they are sorted
        batch = () if alone else codec.batch(appends, self._secret, self._key_ttl)
        for attempt in range(1, _TRIES + 1):
            try:
                if alone:
                    return await self._calls.append_one(first)
                return await self._calls.append(batch, skip_busy=several)
            except (psycopg.OperationalError, PoolTimeout) as error:
                # One that waited too long, for a head that another holds, was taken back: its outcome is known.
                if attempt == _TRIES or isinstance(error, psycopg.errors.QueryCanceled):
                    raise
                _log.warning("append.unknown_outcome", attempt=attempt, error=type(error).__name__)
        raise AssertionError("unreachable")


def _cancel(timer: asyncio.TimerHandle, _: object) -> None:
    timer.cancel()


def _fail(batch: Sequence[Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
