"""A database of its own: what the library's suites write there is nothing that our projectors know."""

import os
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from infra.embedded.client import Embedded
from infra.event_store.library.datastore import RapportDatastore
from infra.event_store.library.factory import DSN, TENANT
from infra.event_store.migrate import migrate
from infra.postgres import RECORDER, role_dsn
from tests.conftest import SECRET


@pytest.fixture(scope="session")
def recorder_admin(servers: Embedded) -> Iterator[str]:
    """An administrator's DSN of that database, migrated."""
    admin, name = servers.wait("postgres", 60), f"library_{uuid4().hex}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = f"{admin.rpartition('/')[0]}/{name}"
    migrate(dsn, SECRET, [])
    yield dsn
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def recorder_dsn(recorder_admin: str) -> str:
    """The DSN that a program with the library has."""
    return role_dsn(recorder_admin, RECORDER, SECRET)


@pytest.fixture
def tenant_id() -> UUID:
    return uuid4()


@pytest.fixture
def datastore(recorder_dsn: str, tenant_id: UUID) -> Iterator[RapportDatastore]:
    with RapportDatastore(recorder_dsn, tenant_id) as opened:
        yield opened


@pytest.fixture
def environment(recorder_dsn: str, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What makes the library's applications run on our schema; set for this process."""
    wanted = {
        "PERSISTENCE_MODULE": "infra.event_store.library.factory",
        DSN: recorder_dsn,
        TENANT: str(tenant_id),
    }
    for name, value in wanted.items():
        monkeypatch.setitem(os.environ, name, value)
    return wanted
