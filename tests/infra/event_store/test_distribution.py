"""Invariant 7: every table holds tenants side by side, so that the same schema spreads over machines by tenant.

docs/scaling.md says how; what it lists is what there is.
"""

import re
from pathlib import Path

import pytest

from tests.infra.event_store.catalogue import Connection

pytestmark = pytest.mark.servers

SCALING = Path(__file__).parents[3] / "docs/scaling.md"

OTHERWISE = {
    "read.company_v1_keys_idx": "keys",
    "store.import_part_kept_at_idx": "kept_at",
    "read.timeline_word_v1_words_idx": "words",
    "read.contact_words_v1_words_idx": "words",
    "read.contact_vocabulary_v1_near_idx": "near",
    "store.command_expires_at_idx": "expires_at",
}
"""What starts with something else: words and numbers that the tenant's or a record's id is mixed into, so that they are
no other tenant's; and the sweep of what has expired, which is not asked for by tenant."""

SCHEMAS = """
SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'm', 'f', 'S')
"""
TABLES = """
SELECT c.oid::regclass::text, c.relispartition FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('store', 'read') AND c.relkind IN ('r', 'p', 'm', 'f')
"""
TENANT_COLUMNS = """
SELECT a.attrelid::regclass::text, a.atttypid::regtype::text, a.attnotnull FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('store', 'read') AND c.relkind IN ('r', 'p', 'm', 'f') AND a.attname = 'tenant_id'
"""
FIRST_OF_INDEXES = """
SELECT i.indexrelid::regclass::text, a.attname
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
 WHERE n.nspname IN ('store', 'read')
"""
PARTITION_KEYS = """
SELECT p.partrelid::regclass::text, p.partstrat::text,
       (SELECT array_agg(a.attname::text) FROM pg_attribute a
         WHERE a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::smallint[]))
  FROM pg_partitioned_table p
"""
COUNTERS = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('store', 'read') AND c.relkind = 'S'
"""
ELSEWHERE = """
SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE n.nspname IN ('store', 'read') AND k.contype = 'f'
UNION ALL
SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('store', 'read')
"""


def test_tables_are_where_these_tests_look(admin: Connection) -> None:
    assert {schema for (schema,) in admin.execute(SCHEMAS).fetchall()} == {"store", "read", "ops"}


def test_every_table_has_a_tenant_in_every_row(admin: Connection) -> None:
    tables = {name for name, _ in admin.execute(TABLES).fetchall()}
    found = {name: (kind, required) for name, kind, required in admin.execute(TENANT_COLUMNS).fetchall()}
    assert len(tables) > 25
    assert found == dict.fromkeys(tables, ("uuid", True))


def test_every_index_starts_with_the_tenant_so_that_a_query_of_one_reads_no_others(admin: Connection) -> None:
    indexes = admin.execute(FIRST_OF_INDEXES).fetchall()
    assert len(indexes) > 50
    assert {name: column for name, column in indexes if column != "tenant_id"} == OTHERWISE


def test_partitions_are_by_the_tenant_alone(admin: Connection) -> None:
    assert admin.execute(PARTITION_KEYS).fetchall() == [("store.event", "h", ["tenant_id"])]


def test_nothing_counts_or_refers_across_tenants(admin: Connection) -> None:
    """A sequence, a foreign key or a trigger would tie one tenant's writes to another's."""
    assert admin.execute(COUNTERS).fetchall() == []
    assert admin.execute(ELSEWHERE).fetchall() == []


def test_the_way_past_one_machine_names_every_table(admin: Connection) -> None:
    tables = {name for name, is_partition in admin.execute(TABLES).fetchall() if not is_partition}
    statements = re.findall(r"create_distributed_table\('((?:store|read)\.\w+)', 'tenant_id'", SCALING.read_text())
    assert sorted(statements) == sorted(tables)
