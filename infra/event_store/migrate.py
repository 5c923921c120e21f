"""Brings a database to the current schema: roles, the numbered SQL files, then what the projections own."""

from collections.abc import Sequence
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import sql

from infra.postgres import LOGIN_ROLES, OWNER, PROJECTOR, SERVICE
from infra.secret import Secret

_FILES = Path(__file__).parent / "sql"
_TOO_POWERFUL = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)"
_LOCK = 0x7261_7070  # one migration at a time, whoever starts it


class ReadModel(Struct, frozen=True):
    """What a projection needs in the database: its tables, by name and version."""

    name: str
    version: int
    ddl: str
    tables: tuple[str, ...]


def migrate(dsn: str, secret: Secret, read_models: Sequence[ReadModel]) -> list[str]:
    """Apply what is missing, in one transaction; returns the names of what was applied.

    Raises:
        psycopg.Error: the database can't be reached, or the role of `dsn` may not create roles and schemas.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            _roles(connection, secret)
            return [*_numbered(connection), *_read_models(connection, read_models)]


def _roles(connection: psycopg.Connection, secret: Secret) -> None:
    known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    if OWNER not in known:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER)))
    database = connection.info.dbname
    for role in LOGIN_ROLES:
        name, password = sql.Identifier(role), sql.Literal(secret.password(f"postgres/{role}"))
        if role not in known:
            connection.execute(sql.SQL("CREATE ROLE {}").format(name))
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {}").format(name, password))
    # Only a superuser may say NOSUPERUSER, and a managed Postgres gives nobody one: said only where it is needed.
    for (role,) in connection.execute(_TOO_POWERFUL, (list(LOGIN_ROLES),)).fetchall():
        connection.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(role)))
    grants = (
        "GRANT CREATE, CONNECT ON DATABASE {database} TO {owner}",
        "GRANT {owner} TO CURRENT_USER",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )
    for grant in grants:
        connection.execute(sql.SQL(grant).format(database=sql.Identifier(database), owner=sql.Identifier(OWNER)))
    for extension in ("pg_trgm", "btree_gin", "unaccent"):
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def _numbered(connection: psycopg.Connection) -> list[str]:
    _as_owner(
        connection,
        """CREATE SCHEMA IF NOT EXISTS ops;
        CREATE TABLE IF NOT EXISTS ops.migration (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())""",
    )
    done = {name for (name,) in connection.execute("SELECT name FROM ops.migration").fetchall()}
    applied = []
    for file in sorted(_FILES.glob("[0-9]*.sql")):
        if file.stem not in done:
            _as_owner(connection, file.read_text())
            connection.execute("INSERT INTO ops.migration (name) VALUES (%s)", (file.stem,))
            applied.append(file.stem)
    return applied


def _read_models(connection: psycopg.Connection, read_models: Sequence[ReadModel]) -> list[str]:
    applied = []
    for model in read_models:
        label = f"read/{model.name}_v{model.version}"
        if connection.execute("SELECT 1 FROM ops.migration WHERE name = %s", (label,)).fetchone():
            continue
        _as_owner(connection, model.ddl)
        for table in model.tables:
            _fence(connection, table)
        connection.execute(
            "INSERT INTO ops.active_projection VALUES (%s, %s) ON CONFLICT (name) DO NOTHING",
            (model.name, model.version),
        )
        connection.execute("INSERT INTO ops.migration (name) VALUES (%s)", (label,))
        applied.append(label)
    return applied


def _fence(connection: psycopg.Connection, table: str) -> None:
    """Row level security and grants, the same for every table of a read model."""
    name = sql.Identifier("read", table)
    for statement in (
        "ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY tenant ON {} USING (tenant_id = store.current_tenant())",
        "GRANT SELECT ON {} TO {service}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {projector}",
    ):
        connection.execute(
            sql.SQL(statement).format(name, service=sql.Identifier(SERVICE), projector=sql.Identifier(PROJECTOR))
        )


def _as_owner(connection: psycopg.Connection, script: str) -> None:
    """Run a script as the role that owns the schema, so that no role of the services owns anything."""
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
    connection.execute(script)
    connection.execute("RESET ROLE")
