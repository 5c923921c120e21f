"""What the database has and allows, as a superuser sees it."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[Any, ...]]

TABLES = """
SELECT n.nspname, c.relname, c.relrowsecurity, c.relispartition, pg_get_userbyid(c.relowner),
       EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('store', 'read') AND c.relkind IN ('r', 'p')
"""


def tables(admin: Connection) -> list[tuple[Any, ...]]:
    found = admin.execute(TABLES).fetchall()
    assert len(found) > 20
    return found


def names(admin: Connection) -> list[tuple[str, str]]:
    """The tables that are asked: a partition is reached through its table."""
    return [(schema, name) for schema, name, _, is_partition, *_ in tables(admin) if not is_partition]


def count(connection: Connection, table: tuple[str, str], *, other_than: UUID | None = None) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id IS DISTINCT FROM %s").format(sql.Identifier(*table))
    found = connection.execute(query, (other_than,)).fetchone()
    assert found is not None
    return int(found[0])


def may(admin: Connection, role: str, table: tuple[str, str], right: str) -> bool:
    row = admin.execute("SELECT has_table_privilege(%s, %s, %s)", (role, ".".join(table), right)).fetchone()
    assert row is not None
    return bool(row[0])
