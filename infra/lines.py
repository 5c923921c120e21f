"""Prepared statements over connections that stay ours while there is work, for what every request asks.

A cursor of psycopg, a visit to its pool and a transaction of several round trips cost more than Postgres takes for such
a statement. The same libpq connections are driven directly here: one write to the socket, one answer in.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from psycopg import DataError
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.adapt import Transformer as NewTransformer
from psycopg.pq import Format
from psycopg.pq.abc import PGresult
from psycopg_pool import PoolTimeout

from infra.line import Command, Line
from infra.times import TOLERANT

if TYPE_CHECKING:
    from infra.postgres import Pool

_IDLE_SECONDS = 0.2
_OTHERS = 4

Question = tuple[str, Sequence[Any]]
"""A query with %s for each of its parameters, and those."""


class Statement(Struct, frozen=True):
    """A query with $1 and so on for its parameters, which are all of one format; its answer is binary."""

    query: bytes
    parameters: Format = Format.BINARY


class Lines:
    """Connections of a pool, for one process; some are left to those who ask the pool itself."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._most = max(1, pool.max_size - _OTHERS)
        self._open = 0
        self._idle: list[Line] = []
        self._waiting: deque[asyncio.Future[Line | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._returning: set[asyncio.Task[None]] = set()

    async def ask(self, statement: Statement, parameters: Sequence[bytes]) -> PGresult:
        """The rows of an answer, as they come.

        Raises:
            psycopg.Error: as Postgres says; OperationalError when the connection is lost, the outcome unknown.
            psycopg_pool.PoolTimeout: there is no connection.
        """
        command = Command((statement.query, ()), parameters, [statement.parameters] * len(parameters))
        line = await self._line()
        try:
            (result,) = await line.run((command,))
        finally:
            await self._release(line)
        return result

    async def rows(self, questions: Sequence[Question], *, first: Command | None = None) -> list[list[tuple[Any, ...]]]:
        """The rows that each question finds, all in one transaction and one round trip. Raises the same.

        What is to be run `first` is run with them, for what it does: its answer is nobody's.
        """
        line = await self._line()
        try:
            adapt = line.transformer
            commands = [_command(adapt, *question) for question in questions]
            if first:
                _, *results = await line.run((first, *commands))
            else:
                results = await line.run(commands)
            return [_loaded(adapt, result) for result in results]
        finally:
            await self._release(line)

    async def close(self) -> None:
        """Give back what nobody uses. Whoever asks afterwards opens anew, and that ends with the pool."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for line in self._idle:
            self._return(line)
        self._idle.clear()
        if self._returning:
            await asyncio.wait(self._returning)

    async def _line(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if not line.connection.closed:
                return line
            await self._drop(line)
        if self._open >= self._most and (line_or_none := await self._next()):
            return line_or_none
        self._open += 1
        try:
            return Line(await self._pool.getconn())
        except BaseException:
            self._open -= 1
            self._hand_on(None)
            raise

    async def _next(self) -> Line | None:
        """The next line that is free, or None when another may be opened in its place."""
        waiter: asyncio.Future[Line | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._pool.timeout):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # It was its turn just as it went away: then it is the next one's.
                if line := waiter.result():
                    self._free(line)
                else:
                    self._hand_on(None)
            if isinstance(error, TimeoutError):
                raise PoolTimeout(f"no connection within {self._pool.timeout} s") from error
            raise

    async def _release(self, line: Line) -> None:
        if line.is_at_rest:
            self._free(line)
        else:
            # What it is in the middle of is not known: it is no use to anybody.
            await self._drop(line)

    def _free(self, line: Line) -> None:
        if not self._hand_on(line):
            self._idle.append(line)
            if self._timer is None:
                self._rest()

    def _hand_on(self, line: Line | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(line)
                return True
        return False

    async def _drop(self, line: Line) -> None:
        line.leave()
        self._open -= 1
        self._hand_on(None)
        await line.connection.close()
        await self._pool.putconn(line.connection)

    def _rest(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._give_back)

    def _give_back(self) -> None:
        """Return what has not been used since the last time: the pool is others' too, and knows what is too old."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for line in [line for line in self._idle if loop.time() - line.used_at > _IDLE_SECONDS / 2]:
            self._idle.remove(line)
            self._return(line)
        if self._idle:
            self._rest()

    def _return(self, line: Line) -> None:
        self._open -= 1
        line.leave()
        task = asyncio.get_running_loop().create_task(self._pool.putconn(line.connection))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)


@lru_cache(maxsize=1024)
def _numbered(query: str) -> bytes:
    """The query as Postgres has it: $1 for the first %s."""
    numbers = count(1)
    return re.sub("%[s%]", lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", query).encode()


def _command(adapt: Transformer, query: str, values: Sequence[Any]) -> Command:
    parameters = adapt.dump_sequence(values, [PyFormat.AUTO] * len(values))
    return Command((_numbered(query), adapt.types or ()), parameters, adapt.formats)


def _loaded(transformer: Transformer, result: PGresult) -> list[tuple[Any, ...]]:
    if not result.ntuples:
        return []
    transformer.set_pgresult(result)
    try:
        return transformer.load_rows(0, result.ntuples, tuple)
    except DataError:
        # One value that Python can't hold keeps nobody from the other rows.
        tolerant = NewTransformer(TOLERANT)
        tolerant.set_pgresult(result)
        return tolerant.load_rows(0, result.ntuples, tuple)
