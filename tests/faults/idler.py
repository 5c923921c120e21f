"""Fault 11: a session that has read everything, is idle in transaction since, and stays so."""

from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg\\_%'
"""


class Idler:
    """Holds a snapshot, and a lock on every table such as readers take."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def begin(self, dsn: str, *, schemas: Collection[str] = ()) -> None:
        """Take the snapshot and the locks, as a role that may read everything; anew where there were some.

        `schemas` are those whose tables it reads; all when none is given.

        Raises:
            psycopg.OperationalError: Postgres takes no connections.
        """
        self.end()
        connection = psycopg.connect(dsn, application_name="idle in transaction")
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for schema, table in connection.execute(_TABLES).fetchall():
            if not schemas or schema in schemas:
                connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(schema, table)))
        self._connection = connection

    def is_there(self) -> bool:
        """Whether it has been there all the time since it began."""
        try:
            return self._connection is not None and bool(self._connection.execute("SELECT 1"))
        except psycopg.Error:
            return False

    def end(self) -> None:
        """Let go of everything."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
