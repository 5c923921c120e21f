"""Connections for programs that use the `eventsourcing` library: synchronous, and for one tenant only."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from time import sleep
from types import TracebackType
from typing import Any, LiteralString, Self
from uuid import UUID

import psycopg
from eventsourcing import persistence
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[TupleRow]

_TRIES = 3
_PAUSE_SECONDS = 0.2

_ERRORS: tuple[tuple[type[psycopg.Error], type[persistence.PersistenceError]], ...] = (
    (psycopg.InterfaceError, persistence.InterfaceError),
    (psycopg.OperationalError, persistence.OperationalError),
    (psycopg.DataError, persistence.DataError),
    (psycopg.IntegrityError, persistence.IntegrityError),
    (psycopg.InternalError, persistence.InternalError),
    (psycopg.ProgrammingError, persistence.ProgrammingError),
    (psycopg.NotSupportedError, persistence.NotSupportedError),
    (psycopg.DatabaseError, persistence.DatabaseError),
    (psycopg.Error, persistence.PersistenceError),
)


class RapportDatastore:
    """A pool of autocommit connections on which one tenant is set; what recorders are constructed with.

    `dsn` is of the role `rapport_recorder` (or of an administrator, for a try). The tenant is set when a connection
    starts, so nothing may stand between that hands one server connection to several clients. `timeout` is how
    many seconds a call waits for a connection.
    """

    def __init__(self, dsn: str, tenant_id: UUID | str, *, pool_size: int = 10, timeout: float = 10) -> None:
        self.tenant_id = UUID(str(tenant_id))
        options: dict[str, Any] = {
            "autocommit": True,
            "application_name": "rapport-recorder",
            "options": f"-c app.tenant={self.tenant_id} -c statement_timeout=30s -c jit=off",
            "prepare_threshold": 1,
        }
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn, min_size=1, max_size=pool_size, max_idle=60, timeout=timeout, kwargs=options, open=True
        )
        # The library's ProjectionRunner leaves its datastore to the garbage collector.
        self._left = weakref.finalize(self, _close_beside, self._pool)
        self._left.atexit = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection; what goes wrong on it is raised as the library's error of the same name."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg.Error as error:
            for theirs, ours in _ERRORS:
                if isinstance(error, theirs):
                    raise ours(str(error)) from error
            raise

    def rows(self, query: LiteralString, parameters: Sequence[Any], *, tries: int = _TRIES) -> list[TupleRow]:
        """One statement in a transaction of its own, asked again while its outcome is unknown.

        Raises:
            IntegrityError, OperationalError and the others of `eventsourcing.persistence`.
        """
        for attempt in range(1, tries + 1):
            try:
                with self.connection() as connection:
                    return connection.execute(query, parameters, binary=True).fetchall()
            except (persistence.InterfaceError, persistence.OperationalError):
                if attempt == tries:
                    raise
                sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close all connections."""
        self._left.detach()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close_beside(pool: ConnectionPool[Connection]) -> None:
    """Close it in another thread: garbage is collected in any, and one of the pool's own can't wait for itself."""
    Thread(target=pool.close, name="rapport-recorder-close").start()
