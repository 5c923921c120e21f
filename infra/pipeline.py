"""psycopg's pipeline, but that statements leave together with the request for a result, not each by itself.

Every write to a socket wakes Postgres, which costs both sides more than most of the statements: half of a projector's
time at 200 events a second. psycopg offers no hook for it, so this leans on its inside; tests/infra/test_pipeline.py
says what that has to go on doing.
"""

from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncPipeline
from psycopg.generators import send


@asynccontextmanager
async def pipelined(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """A block whose statements are written to the socket when a result is asked for, and at its end.

    On a connection in autocommit mode they are one transaction, which the end commits. After an error the connection is
    closed: the end would commit what was sent before an error of ours, and after one of Postgres the client takes
    statements for prepared that never came to be.
    """
    connection._pipeline = _Pipeline(connection)  # noqa: SLF001
    try:
        async with connection.pipeline():
            try:
                yield
            except BaseException:
                await connection.close()
                raise
    except BaseException:
        await connection.close()
        raise


class _Pipeline(AsyncPipeline):
    def _communicate_gen(self) -> Generator[Any, Any, None]:
        """Give commands to libpq, which keeps them in its buffer."""
        while self.command_queue:
            self.command_queue.popleft()()
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> Generator[Any, Any, None]:
        if self.result_queue:
            if flush:
                self.pgconn.send_flush_request()
            yield from send(self.pgconn)
        yield from super()._fetch_gen(flush=False)
