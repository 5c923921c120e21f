"""Group commit: the appends that wait in this process go to Postgres together, one round trip for all of them.

A lone append goes straight out. Tenants are spread over a few lanes, so that batches of one process never wait for
each other's tenant heads while several backends work at the same time.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from msgspec import Struct
from psycopg_pool import PoolTimeout

from commands.ports import Append, StoreUnavailableError, VersionConflictError
from infra.event_store import codec
from infra.postgres import Pool
from infra.secret import Secret

_APPEND: LiteralString = "SELECT * FROM store.append(%s::jsonb, %s)"

_LANES = 2
_MOST_IN_BATCH = 200
_MOST_WAITING = 5_000
_TRIES = 3

_log = structlog.get_logger()

Row = Sequence[Any]

Poke = Callable[[Mapping[UUID, int]], Awaitable[None]]
"""Is told of commits, as positions by tenant, so that the relay need not wait for its next poll. May fail unnoticed."""


class _Waiting(Struct, eq=False):
    append: Append
    answer: "asyncio.Future[Row]"


class Appender:
    """Sends appends to `store.append`; each gets its own row of the answer."""

    def __init__(self, pool: Pool, secret: Secret, *, key_ttl: str, poke: Poke | None) -> None:
        self._pool = pool
        self._secret = secret
        self._key_ttl = key_ttl
        self._poke = poke
        self._lanes = [deque[_Waiting]() for _ in range(_LANES)]
        self._running: list[asyncio.Task[None] | None] = [None] * _LANES
        self._alone: set[asyncio.Task[None]] = set()

    async def append(self, append: Append) -> Row:
        """The row of `store.append` for one append.

        Raises:
            VersionConflictError: it met another first append of the same stream.
            StoreUnavailableError: Postgres is away, or more is waiting than it can take.
        """
        lane = append.tenant_id.int % _LANES
        queue = self._lanes[lane]
        if len(queue) >= _MOST_WAITING:
            raise StoreUnavailableError
        waiting = _Waiting(append, asyncio.get_running_loop().create_future())
        queue.append(waiting)
        if self._running[lane] is None:
            self._running[lane] = asyncio.create_task(self._drain(lane))
        return await waiting.answer

    async def _drain(self, lane: int) -> None:
        queue = self._lanes[lane]
        try:
            while queue:
                await self._send(_next_batch(queue))
        finally:
            self._running[lane] = None

    async def _send(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        try:
            rows = await self._call([waiting.append for waiting in batch])
        except (psycopg.OperationalError, PoolTimeout) as error:
            _fail(batch, StoreUnavailableError(repr(error)))
        except Exception as error:  # noqa: BLE001  it is told to those whose appends it is about
            if len(batch) > 1:
                # One can't be stored, or met another first append of its stream: alone, each has its own answer.
                self._each_alone(batch)
            elif isinstance(error, psycopg.errors.UniqueViolation):
                # Two first appends of a new stream met; the state after the other decides.
                _fail(batch, VersionConflictError(str(error.diag.constraint_name)))
            else:
                _fail(batch, error)
        except BaseException as error:
            _fail(batch, error)
            raise
        else:
            await self._answer(batch, rows)

    async def _answer(self, batch: Sequence[_Waiting], rows: Sequence[Row]) -> None:
        again = []
        for waiting, row in zip(batch, rows, strict=True):
            # A claim may have been held by a neighbour in the batch that was refused itself; a head by another process.
            if row[0] == "busy" or (row[0] == "claimed" and len(batch) > 1):
                again.append(waiting)
            elif not waiting.answer.done():
                waiting.answer.set_result(row)
        self._each_alone(again)
        grown = {waiting.append.tenant_id: row[2] for waiting, row in zip(batch, rows, strict=True) if row[0] == "ok"}
        if self._poke and grown:
            try:
                await self._poke(grown)
            except Exception:  # noqa: BLE001
                # It is committed and answered, and the relay looks for itself; those who wait must not pay for it.
                _log.exception("append.poke_failed")

    def _each_alone(self, batch: Sequence[_Waiting]) -> None:
        """Outside the lane, so that nobody else waits for what these wait for."""
        for waiting in batch:
            task = asyncio.create_task(self._send([waiting]))
            self._alone.add(task)
            task.add_done_callback(self._alone.discard)

    async def _call(self, appends: Sequence[Append]) -> list[Row]:
        """One call, repeated while its outcome is unknown: command ids make sure that nothing is appended twice."""
        argument = codec.batch(appends, self._secret, self._key_ttl).decode()
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(_APPEND, (argument, len(appends) > 1), binary=True)
                    return list(await cursor.fetchall())
            except (psycopg.OperationalError, PoolTimeout) as error:
                if attempt == _TRIES:
                    raise
                _log.warning("append.unknown_outcome", attempt=attempt, error=type(error).__name__)
        raise AssertionError("unreachable")


def _next_batch(queue: deque[_Waiting]) -> list[_Waiting]:
    """What goes out next, sorted by tenant. No two of a batch write one stream or use one key; those wait a turn."""
    batch: list[_Waiting] = []
    later: list[_Waiting] = []
    touched: set[UUID | bytes] = set()
    while queue and len(batch) < _MOST_IN_BATCH:
        waiting = queue.popleft()
        if waiting.answer.done():  # its request was cancelled while it waited
            continue
        marks: set[UUID | bytes] = {stream.stream_id for stream in waiting.append.streams}
        if waiting.append.key:
            marks.add(waiting.append.key.digest)
        if touched.isdisjoint(marks):
            touched |= marks
            batch.append(waiting)
        else:
            later.append(waiting)
    queue.extendleft(reversed(later))
    batch.sort(key=lambda waiting: waiting.append.tenant_id.int)
    return batch


def _fail(batch: Sequence[_Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
