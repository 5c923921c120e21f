"""Calls of `store.append` and `store.append_one` over connections that stay ours while there is work.

A cursor of psycopg and a visit to its pool cost more than Postgres takes for a lone append. The same libpq connections
are driven directly here: prepared statements, one message out, one answer in, and the loop watches the socket once.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakSet

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult

from infra.event_store.sealed import SealedAppend
from infra.postgres import Connection, Pool

Row = Sequence[Any]

_SEVERAL = b"rapport_append"
_ONE = b"rapport_append_one"
_STATEMENTS = {
    _SEVERAL: b"SELECT * FROM store.append($1::jsonb, $2)",
    _ONE: b"SELECT * FROM store.append_one($1, $2, $3, $4, $5, $6, $7, $8)",
}
_NO_SUCH_STATEMENT = b"26000"
_IDLE_SECONDS = 0.2
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_prepared: WeakSet[Connection] = WeakSet()


class StoreCalls:
    """The calls, of one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle: list[_Line] = []
        self._timer: asyncio.TimerHandle | None = None
        self._returning: set[asyncio.Task[None]] = set()

    async def append(self, batch: bytes, *, skip_busy: bool) -> list[Row]:
        """The rows of `store.append`, one an append; `batch` is its JSON.

        Raises:
            psycopg.Error: as Postgres says; OperationalError when the connection is lost, the outcome unknown.
            psycopg_pool.PoolTimeout: there is no connection.
        """
        return await self._ask(_SEVERAL, (batch, b"t" if skip_busy else b"f"), Format.TEXT)

    async def append_one(self, append: SealedAppend) -> list[Row]:
        """The row of `store.append_one`, for an append that `is_plain`. Raises what `append` does."""
        (stream,) = append.streams
        parameters = (
            append.tenant_id.bytes,
            append.command_id.bytes,
            stream.stream_id.bytes,
            (stream.after + 1).to_bytes(4, signed=True),
            stream.events[0].TOPIC.encode(),
            append.data[0].encode(),
            append.sealed_metadata.encode(),
            ((append.occurred_at - _POSTGRES_EPOCH) // _MICROSECOND).to_bytes(8, signed=True),
        )
        return await self._ask(_ONE, parameters, Format.BINARY)

    async def _ask(self, statement: bytes, parameters: Sequence[bytes], form: Format) -> list[Row]:
        line = await self._line()
        try:
            result = await line.ask(statement, parameters, form)
        except BaseException:
            # What it is in the middle of is not known: it is no use to anybody.
            await self._drop(line)
            raise
        self._idle.append(line)
        if self._timer is None:
            self._rest()
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        return _rows(result)

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

    async def ask(self, statement: bytes, parameters: Sequence[bytes], form: Format) -> PGresult:
        """The answer to a prepared statement."""
        result = await self._execute(statement, parameters, form)
        if result.error_field(DiagnosticField.SQLSTATE) == _NO_SUCH_STATEMENT:
            # After a rollback psycopg lets go of all prepared statements, also of those that it does not know.
            _prepared.discard(self.connection)
            result = await self._execute(statement, parameters, form)
        return result

    async def _execute(self, statement: bytes, parameters: Sequence[bytes], form: Format) -> PGresult:
        if self.connection not in _prepared:
            for name, query in _STATEMENTS.items():
                self._pgconn.send_prepare(name, query)
                prepared = await self._answered()
                if prepared.status != ExecStatus.COMMAND_OK:
                    raise error_from_result(prepared)
            _prepared.add(self.connection)
        self._pgconn.send_query_prepared(statement, parameters, [form] * len(parameters), result_format=Format.BINARY)
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


def is_plain(append: SealedAppend) -> bool:
    """Whether `store.append_one` can take it: one event, and nothing beside it."""
    beside = append.claims or append.releases or append.key or append.made or append.tenant_keys
    return len(append.data) == 1 and not beside


def _rows(result: PGresult) -> list[Row]:
    """outcome, first_position, last_position, at, result_id, status, detail."""
    value = result.get_value
    times: dict[bytes | None, datetime | None] = {None: None}  # all events of a tenant have the same
    rows: list[Row] = []
    for number in range(result.ntuples):
        at, result_id = value(number, 3), value(number, 4)
        if at not in times:
            times[at] = _POSTGRES_EPOCH + timedelta(microseconds=int.from_bytes(at or b"", signed=True))
        rows.append(
            (
                (value(number, 0) or b"").decode(),
                _integer(value(number, 1)),
                _integer(value(number, 2)),
                times[at],
                UUID(bytes=result_id) if result_id else None,
                _integer(value(number, 5)),
                _integer(value(number, 6)),
            )
        )
    return rows


def _integer(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, signed=True)
