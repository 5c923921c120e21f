"""`rapport migrate`: harmless when repeated, one at a time, and nothing belongs to who runs it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec import structs
from psycopg import sql

from infra.event_store.migrate import ReadModel, migrate
from infra.postgres import LOGIN_ROLES, OWNER, SERVICE, role_dsn
from projections.registry import POSTGRES
from tests.conftest import SECRET, Database

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[3]
MODELS = [ReadModel(p.name, p.version, p.ddl, p.tables) for p in POSTGRES]
LABELS = [
    *sorted(file.stem for file in (ROOT / "infra/event_store/sql").glob("*.sql")),
    *(f"read/{model.name}_v{model.version}" for model in MODELS),
]
NOTES = ReadModel("notes", 1, "CREATE TABLE read.notes_v1 (tenant_id uuid PRIMARY KEY)", ("notes_v1",))


@pytest.fixture
def empty(database: Database) -> Iterator[str]:
    """The DSN of an empty database beside the one of the other tests."""
    name = f"migrated_{uuid4().hex}"
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield database.admin_dsn.rpartition("/")[0] + f"/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def rows(dsn: str, query: Any, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query, parameters).fetchall()


def test_it_says_what_it_applied_and_the_second_time_that_there_was_nothing(empty: str) -> None:
    assert migrate(empty, SECRET, MODELS) == LABELS
    before = rows(empty, "SELECT oid, relname, relacl::text FROM pg_class ORDER BY oid")
    assert migrate(empty, SECRET, MODELS) == []
    assert rows(empty, "SELECT oid, relname, relacl::text FROM pg_class ORDER BY oid") == before


async def test_two_at_once_apply_everything_once(empty: str) -> None:
    answers = await asyncio.gather(*(asyncio.to_thread(migrate, empty, SECRET, MODELS) for _ in range(3)))
    assert sorted(answers, key=len) == [[], [], LABELS]


def test_a_new_read_model_is_fenced_like_the_others(empty: str) -> None:
    migrate(empty, SECRET, MODELS)
    assert migrate(empty, SECRET, [*MODELS, NOTES]) == ["read/notes_v1"]
    query = "SELECT relrowsecurity, pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'read.notes_v1'::regclass"
    assert rows(empty, query) == [(True, OWNER)]
    assert rows(empty, "SELECT polname FROM pg_policy WHERE polrelid = 'read.notes_v1'::regclass") == [("tenant",)]
    assert rows(role_dsn(empty, SERVICE, SECRET), "SELECT * FROM read.notes_v1") == []


def test_a_new_version_of_a_read_model_does_not_become_the_one_that_is_read(empty: str) -> None:
    migrate(empty, SECRET, [NOTES])
    newer = structs.replace(NOTES, version=2, ddl=NOTES.ddl.replace("_v1", "_v2"), tables=("notes_v2",))
    assert migrate(empty, SECRET, [newer]) == ["read/notes_v2"]
    assert rows(empty, "SELECT version FROM ops.active_projection WHERE name = 'notes'") == [(1,)]


def test_what_fails_leaves_nothing_behind(empty: str) -> None:
    broken = structs.replace(NOTES, ddl=f"{NOTES.ddl}; SELECT 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty, SECRET, [*MODELS, broken])
    assert rows(empty, "SELECT nspname FROM pg_namespace WHERE nspname IN ('store', 'read', 'ops')") == []
    assert migrate(empty, SECRET, [*MODELS, NOTES]) == [*LABELS, "read/notes_v1"]


def test_everything_belongs_to_the_owner_whoever_ran_it(empty: str) -> None:
    migrate(empty, SECRET, MODELS)
    owners = """
        SELECT DISTINCT pg_get_userbyid(o.owner) FROM (
               SELECT relowner AS owner, relnamespace AS space FROM pg_class
                UNION ALL SELECT proowner, pronamespace FROM pg_proc
                UNION ALL SELECT nspowner, oid FROM pg_namespace
        ) o JOIN pg_namespace n ON n.oid = o.space WHERE n.nspname IN ('store', 'read', 'ops')
    """
    assert rows(empty, owners) == [(OWNER,)]


def test_sql_of_a_read_model_has_no_more_power_than_the_owner(empty: str) -> None:
    """N-S2: what a projection brings runs as the owner of the schema, not as the superuser who migrates."""
    greedy = structs.replace(NOTES, ddl="CREATE ROLE greedy SUPERUSER")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrate(empty, SECRET, [greedy])


def test_a_role_that_was_given_too_much_loses_it(database: Database, empty: str) -> None:
    """N-S2."""
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute("ALTER ROLE rapport_relay BYPASSRLS CREATEROLE")
    migrate(empty, SECRET, MODELS)
    query = "SELECT rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'rapport_relay'"
    assert rows(empty, query) == [(False, False)]


def test_an_administrator_who_is_no_superuser_can_migrate(database: Database, empty: str) -> None:
    """A managed Postgres gives nobody the superuser; the docstring asks for one who may create roles."""
    name = f"admin_{uuid4().hex[:8]}"
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD 'x'").format(role))
        # As if it had made the roles itself.
        for made in (*LOGIN_ROLES, OWNER):
            connection.execute(sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(sql.Identifier(made), role))
        database_name = sql.Identifier(empty.rpartition("/")[2])
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database_name, role))
        dsn = f"postgresql://{name}:x@{empty.rpartition('@')[2]}"
        try:
            assert migrate(dsn, SECRET, MODELS) == LABELS
            assert migrate(dsn, SECRET, MODELS) == []
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(database_name))
            with psycopg.connect(empty, autocommit=True) as inside:
                inside.execute(sql.SQL("REASSIGN OWNED BY {} TO postgres").format(role))
                inside.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))
