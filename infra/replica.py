"""A read replica: queries go there as long as it is near enough; whatever needs more is asked of the primary.

Commands never come here: they load and append on the primary. A query that must include a position (Read-After, a
record looked for again) goes to the replica only when its checkpoints have it. One that fails there, takes too long or
is cancelled by recovery runs again on the primary.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal, LiteralString, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from commands.ports import StoreUnavailableError
from infra.postgres import BehindError, Pool, TenantConnections
from projections.ports import Connection as Queried
from projections.position import Level

T = TypeVar("T")

_LOOK_SECONDS = 1.0
_LOOK_TIMEOUT_SECONDS = 2.0
_SAMPLES = 120

_WRITTEN: LiteralString = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
_REPLAYED: LiteralString = """SELECT pg_is_in_recovery(), incarnation,
    pg_wal_lsn_diff(coalesce(pg_last_wal_replay_lsn(), '0/0'), '0/0')::bigint FROM ops.installation"""
_log = structlog.get_logger()

State = Literal["ok", "lagging", "unavailable"]

_given_up: set[asyncio.Task[Any]] = set()


class ReplicaWatch:
    """Looks every second whether the replica is there, one of this installation's, and near enough.

    How far behind it is, is the age of the oldest end of the primary's log (as seen here) that it has not replayed:
    no clock of another machine counts, and a primary without work makes no lag. While the primary is away, what has
    been seen of it stands, so that reads go on.
    """

    def __init__(
        self,
        primary: Pool,
        replica: Pool,
        incarnation: UUID,
        *,
        stalest: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._incarnation = incarnation
        self._stalest = stalest
        self._clock = clock
        self._written: deque[tuple[float, int]] = deque()
        self.state: State = "unavailable"

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Look once."""
        asked = self._clock()
        written, found = await asyncio.gather(_first_row(self._primary, _WRITTEN), _first_row(self._replica, _REPLAYED))
        if written and len(self._written) < _SAMPLES:
            self._written.append((asked, written[0]))
        if not found:
            self.is_now("unavailable", "does not answer")
            return
        recovering, incarnation, replayed = found
        while self._written and self._written[0][1] <= replayed:
            self._written.popleft()
        if not recovering:
            # Promoted: it has a history of its own now, or it is the primary itself.
            self.is_now("unavailable", "is no replica")
        elif incarnation != self._incarnation:
            self.is_now("unavailable", "belongs to another installation")
        elif self._written and self._clock() - self._written[0][0] > self._stalest:
            self.is_now("lagging", f"is more than {self._stalest:g} s behind")
        else:
            self.is_now("ok", "is near enough")

    def is_now(self, state: State, reason: str) -> None:
        """Set the state, and log it when it is another one."""
        if state != self.state:
            _log.info("replica.state", state=state, reason=reason)
        self.state = state


async def _first_row(pool: Pool, query: LiteralString) -> TupleRow | None:
    """None when the server does not answer, or is not in the role that the question is for."""

    async def ask() -> TupleRow | None:
        async with pool.connection(timeout=1) as connection:
            return await (await connection.execute(query)).fetchone()

    try:
        return await _within(_LOOK_TIMEOUT_SECONDS, ask())
    except (psycopg.Error, PoolTimeout, TimeoutError):
        return None


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, or TimeoutError.

    Unlike asyncio.timeout, it does not wait until the work has taken notice: to cancel a query its server is asked, and
    one that is frozen does not answer that either.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    _given_up.add(task)
    task.add_done_callback(_forget)
    task.cancel()
    raise TimeoutError


def _forget(task: asyncio.Task[Any]) -> None:
    """However it ended is of no interest any more; asked for all the same, so that asyncio does not complain."""
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()


class ReplicaReads:
    """Implements infra.postgres.TenantReads over a primary and its replica.

    `longest` is how many seconds a query may take on the replica.
    """

    def __init__(
        self, primary: TenantConnections, replica: TenantConnections, watch: ReplicaWatch, *, longest: float = 3.0
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._watch = watch
        self._longest = longest

    async def ask(
        self, tenant_id: UUID, query: Callable[[Queried], Awaitable[T]], *, at_least: Level | None = None
    ) -> T:
        """See the protocol."""
        return await self._either(
            lambda: self._replica.ask(tenant_id, query, at_least=at_least),
            lambda: self._primary.ask(tenant_id, query, at_least=at_least),
        )

    async def rows(
        self, tenant_id: UUID, query: LiteralString, parameters: Sequence[Any], *, at_least: Level | None = None
    ) -> list[TupleRow]:
        """See the protocol."""
        return await self._either(
            lambda: self._replica.rows(tenant_id, query, parameters, at_least=at_least),
            lambda: self._primary.rows(tenant_id, query, parameters, at_least=at_least),
        )

    async def _either(self, near: Callable[[], Coroutine[Any, Any, T]], far: Callable[[], Awaitable[T]]) -> T:
        if self._watch.state == "ok":
            try:
                return await _within(self._longest, near())
            except BehindError:
                pass
            except (StoreUnavailableError, TimeoutError) as error:
                # A pool that is all in use is no fault of the server's: only this query goes elsewhere.
                if not isinstance(error.__cause__, PoolTimeout):
                    self._watch.is_now("unavailable", "failed a query")
        return await far()
