"""Prepared statements over connections that stay ours while there is work, for what every request asks.

A cursor of psycopg and a visit to its pool cost more than Postgres takes for such a statement. The same libpq
connections are driven directly here: one message out, one answer in, and the loop watches the socket once.
"""

import asyncio
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import psycopg
from msgspec import Struct
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult

from infra.postgres import Connection, Pool

_NO_SUCH_STATEMENT = b"26000"
_IDLE_SECONDS = 0.2

_prepared: WeakKeyDictionary[Connection, set[bytes]] = WeakKeyDictionary()


class Statement(Struct, frozen=True):
    """A statement under the name that it is prepared as; its parameters are all of one format, its answer is binary."""

    name: bytes
    query: bytes
    parameters: Format = Format.BINARY


class Lines:
    """Connections of a pool, for one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle: list[_Line] = []
        self._timer: asyncio.TimerHandle | None = None
        self._returning: set[asyncio.Task[None]] = set()

    async def ask(self, statement: Statement, parameters: Sequence[bytes]) -> PGresult:
        """The rows of an answer.

        Raises:
            psycopg.Error: as Postgres says; OperationalError when the connection is lost, the outcome unknown.
            psycopg_pool.PoolTimeout: there is no connection.
        """
        line = await self._line()
        try:
            result = await line.ask(statement, parameters)
        except BaseException:
            # What it is in the middle of is not known: it is no use to anybody.
            await self._drop(line)
            raise
        self._idle.append(line)
        if self._timer is None:
            self._rest()
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        return result

    async def _line(self) -> "_Line":
        while self._idle:
            line = self._idle.pop()
            if not line.connection.closed:
                return line
            await self._drop(line)
        return _Line(await self._pool.getconn())

    async def _drop(self, line: "_Line") -> None:
        line.leave()
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
            line.leave()
            task = loop.create_task(self._pool.putconn(line.connection))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)
        if self._idle:
            self._rest()


class _Line:
    """One connection, watched by the loop until `leave`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.used_at = 0.0
        self._pgconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._is_watched = True
        self._loop.add_reader(self._socket, self._readable)

    def leave(self) -> None:
        """Let go of the socket, once: libpq closes it with the connection, and its number may be another's by then."""
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    async def ask(self, statement: Statement, parameters: Sequence[bytes]) -> PGresult:
        """The answer to a statement."""
        result = await self._execute(statement, parameters)
        if result.error_field(DiagnosticField.SQLSTATE) == _NO_SUCH_STATEMENT:
            # After a rollback psycopg lets go of all prepared statements, also of those that it does not know.
            _prepared.pop(self.connection, None)
            result = await self._execute(statement, parameters)
        return result

    async def _execute(self, statement: Statement, parameters: Sequence[bytes]) -> PGresult:
        known = _prepared.setdefault(self.connection, set())
        if statement.name not in known:
            self._pgconn.send_prepare(statement.name, statement.query)
            prepared = await self._answered()
            if prepared.status != ExecStatus.COMMAND_OK:
                raise error_from_result(prepared)
            known.add(statement.name)
        formats = [statement.parameters] * len(parameters)
        self._pgconn.send_query_prepared(statement.name, parameters, formats, result_format=Format.BINARY)
        return await self._answered()

    def _answered(self) -> "asyncio.Future[PGresult]":
        self._answer = self._loop.create_future()
        self._flush()
        return self._answer

    def _flush(self) -> None:
        if self._pgconn.flush():  # the socket takes no more for now
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            self._flush()
        except psycopg.Error as error:
            self._fail(error)

    def _readable(self) -> None:
        try:
            self._pgconn.consume_input()
            # Once more: of a reset uvloop tells a single time, and last words before it may be all that was read.
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    self._done()
                    return
                # Of several, the first says why: those after it only that the connection is gone.
                self._result = self._result or result
        except psycopg.Error as error:
            self._fail(error)

    def _done(self) -> None:
        answer, self._answer = self._answer, None
        result, self._result = self._result, None
        self.used_at = self._loop.time()
        if answer and not answer.done() and result:
            if self.connection.closed:
                answer.set_exception(psycopg.OperationalError(result.get_error_message()))
            else:
                answer.set_result(result)

    def _fail(self, error: psycopg.Error) -> None:
        # A lost connection stays readable for ever: without this, the loop would call again and again.
        self.leave()
        answer, self._answer = self._answer, None
        if answer and not answer.done():
            answer.set_exception(error)
