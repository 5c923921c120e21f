"""One connection that is driven directly: commands out in one write, their results in as they come."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import psycopg
from msgspec import Struct
from psycopg import abc
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, PipelineStatus
from psycopg.pq.abc import PGresult

if TYPE_CHECKING:
    from infra.postgres import Connection

Prepared = tuple[bytes, tuple[int, ...]]
"""A query with $1 and so on, and the types (OIDs) of its parameters; without types Postgres finds them out."""

_NO_SUCH_STATEMENT = "26000"
_MOST_PREPARED = 100
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

_numbers = count(1)
_prepared: WeakKeyDictionary["Connection", OrderedDict[Prepared, bytes]] = WeakKeyDictionary()


class Command(Struct, frozen=True):
    """A statement, and the values of its parameters as they go to Postgres."""

    statement: Prepared
    parameters: Sequence[abc.Buffer | None]
    formats: Sequence[Format] | None


class Line:
    """One connection, watched by the loop until `leave`."""

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.transformer: abc.Transformer = Transformer(connection)
        self.used_at = 0.0
        self._pgconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[list[PGresult]] | None = None
        self._results: list[PGresult] = []
        self._is_watched = True
        self._loop.add_reader(self._socket, self._readable)

    def leave(self) -> None:
        """Let go of the socket, once: libpq closes it with the connection, and its number may be another's by then."""
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    @property
    def is_at_rest(self) -> bool:
        """Whether it can be asked something else."""
        is_idle = self._answer is None and self._pgconn.pipeline_status == PipelineStatus.OFF
        return is_idle and self._is_watched and not self.connection.closed

    async def run(self, commands: Sequence[Command]) -> list[PGresult]:
        """The results, in binary, of commands that are one transaction.

        Raises:
            psycopg.Error: as Postgres says of the first that failed; OperationalError when the connection is lost, the
                outcome unknown. The connection can be used again unless it is closed.
        """
        try:
            return await self._sent(commands)
        except psycopg.Error as error:
            # After a rollback psycopg lets go of all prepared statements, also of those that it does not know.
            if error.sqlstate != _NO_SUCH_STATEMENT:
                raise
        _prepared.pop(self.connection, None)
        return await self._sent(commands)

    async def _sent(self, commands: Sequence[Command]) -> list[PGresult]:
        known = _prepared.setdefault(self.connection, OrderedDict())
        pgconn, new, asked = self._pgconn, dict[int, tuple[Prepared, bytes]](), list[int]()
        pgconn.enter_pipeline_mode()
        place = 0
        for command in commands:
            name = known.get(command.statement)
            if name is None:
                name = b"line_%d" % next(_numbers)
                pgconn.send_prepare(name, *command.statement)
                new[place] = (command.statement, name)
                place += 1
            pgconn.send_query_prepared(name, command.parameters, command.formats, result_format=Format.BINARY)
            asked.append(place)
            place += 1
        pgconn.pipeline_sync()
        results = await self._answered()
        pgconn.exit_pipeline_mode()
        for number, (statement, name) in new.items():
            if results[number].status == ExecStatus.COMMAND_OK:
                known[statement] = name
        failed = next((result for result in results if result.status not in _GOOD), None)
        if failed:
            raise error_from_result(failed)
        if len(known) > _MOST_PREPARED:
            await self._forget_one(known)
        return [results[number] for number in asked]

    async def _forget_one(self, known: OrderedDict[Prepared, bytes]) -> None:
        """What was prepared first is prepared again if it is still asked: what costs Postgres memory has to end."""
        _, name = known.popitem(last=False)
        self._pgconn.enter_pipeline_mode()
        self._pgconn.send_close_prepared(name)
        self._pgconn.pipeline_sync()
        await self._answered()
        self._pgconn.exit_pipeline_mode()

    def _answered(self) -> "asyncio.Future[list[PGresult]]":
        self._answer = self._loop.create_future()
        self._results = []
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
            self._take()
        except psycopg.Error as error:
            self._fail(error)

    def _take(self) -> None:
        """Take the results that are there: nothing stands between those of two commands, and a sync after the last."""
        between = False
        while self._answer and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None and not between:
                between = True
            elif result is None or result.status == ExecStatus.PIPELINE_SYNC:
                self._done()
            else:
                between = False
                self._results.append(result)

    def _done(self) -> None:
        answer, self._answer = self._answer, None
        self.used_at = self._loop.time()
        if answer is None or answer.done():
            return
        if self.connection.closed:
            # Of several, the first says why: those after it only that the connection is gone.
            why = (result.get_error_message() for result in self._results if result.status not in _GOOD)
            answer.set_exception(psycopg.OperationalError(next(why, "the connection is lost")))
        else:
            answer.set_result(self._results)

    def _fail(self, error: psycopg.Error) -> None:
        # A lost connection stays readable for ever: without this, the loop would call again and again.
        self.leave()
        answer, self._answer = self._answer, None
        if answer and not answer.done():
            answer.set_exception(error)
