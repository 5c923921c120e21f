"""Whose rows are whose: no row under a tenant that it does not belong to, in any table that has a tenant."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain.tenant import PLATFORM
from tests.faults.journal import History

_COLUMNS = """
SELECT n.nspname, c.relname, a.attname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
 ORDER BY 1, 2, 3
"""
_ORPHANS = """
SELECT DISTINCT t.tenant_id FROM {table} t
 WHERE t.tenant_id <> %(platform)s AND (%(all)s OR t.tenant_id = ANY(%(tenants)s))
   AND NOT EXISTS (SELECT FROM store.tenant_head h WHERE h.tenant_id = t.tenant_id)
"""
# Ids are random, so a stream's id beside another tenant has come from that stream. (A tenant's copy has streams
# of the same ids of its own: that is the exception.)
_STRANGERS = """
SELECT t.tenant_id, t.{column}, s.tenant_id FROM {table} t
  JOIN store.event s ON s.stream_id = t.{column} AND s.version <= 1 AND s.tenant_id <> t.tenant_id
 WHERE t.tenant_id <> %(platform)s
   AND (%(all)s OR t.tenant_id = ANY(%(tenants)s) OR s.tenant_id = ANY(%(tenants)s))
   AND NOT EXISTS (SELECT FROM store.event o WHERE o.tenant_id = t.tenant_id AND o.stream_id = t.{column})
 LIMIT 20
"""
_TEXTS = "SELECT tenant_id, t::text FROM {table} t WHERE t::text LIKE '%%mark-%%'"
_MARK = re.compile(r"mark-[0-9a-f]{32}")


def tables(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], list[str]]:
    """Every table that has a tenant, with its columns that hold ids."""
    found: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(_COLUMNS):
        found.setdefault((schema, table), []).append(column)
    return found


def compare(connection: psycopg.Connection[Any], scope: Mapping[str, Any], history: History | None) -> Iterator[str]:
    """Rows that stand under a tenant that is not theirs: by their ids and, of what a journal knows, by their texts."""
    values = {**scope, "platform": PLATFORM}
    for (schema, table), columns in tables(connection).items():
        name = f"{schema}.{table}"
        names = {"table": sql.Identifier(schema, table)}
        for (tenant,) in connection.execute(sql.SQL(_ORPHANS).format(**names), values):
            yield f"{name} has rows of tenant {tenant}, which has no log"
        for column in columns:
            if column in {"tenant_id", "owner_tenant"} or (schema == "ops"):
                continue
            query = sql.SQL(_STRANGERS).format(**names, column=sql.Identifier(column))
            for tenant, found, owner in connection.execute(query, values):
                yield f"{name}.{column} of tenant {tenant} has {found}, which is of tenant {owner}"
        if history:
            yield from _texts(connection, name, sql.SQL(_TEXTS).format(**names), history)


def _texts(connection: psycopg.Connection[Any], name: str, query: sql.Composed, history: History) -> Iterator[str]:
    for tenant, text in connection.execute(query):
        for mark in set(_MARK.findall(text)):
            yield from foreign(name, tenant, mark, history)


def foreign(where: str, tenant: UUID, mark: str, history: History) -> Iterator[str]:
    """What is wrong with a mark that was found under a tenant."""
    command = history.commands.get(mark)
    if command and command.tenant != tenant:
        yield f"{where} of tenant {tenant} has {mark}, which tenant {command.tenant} wrote"
