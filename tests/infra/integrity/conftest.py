"""A database for itself: what is damaged here is nobody else's business, and its incarnation may end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infra.event_store.migrate import ReadModel, migrate
from infra.integrity.exports import FolderExports
from infra.postgres import APPEND, AUDITOR, LOGIN_ROLES, PROJECTOR, SERVICE, open_pool, role_dsn
from projections.registry import POSTGRES
from tests.conftest import SECRET, Database
from tests.infra.integrity.audited import Audited

Admin = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="package")
async def log(database: Database) -> AsyncIterator[Database]:
    """As the other tests' database, beside it."""
    name = f"integrity_{uuid4().hex}"
    with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        admin = database.admin_dsn.rpartition("/")[0] + f"/{name}"
        models = [ReadModel(p.name, p.version, p.ddl, p.tables) for p in POSTGRES]
        await asyncio.to_thread(migrate, admin, SECRET, models)
        dsns = {role: role_dsn(admin, role, SECRET) for role in LOGIN_ROLES}
        used = (APPEND, AUDITOR, PROJECTOR, SERVICE)
        pools = {role: await open_pool(dsns[role], name="integrity", size=4) for role in used}
        yield Database(admin, dsns, pools)
        for pool in pools.values():
            await pool.close()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def admin(log: Database) -> Iterator[Admin]:
    """A superuser, who can do anything."""
    with psycopg.connect(log.admin_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def audited(log: Database, tmp_path: Path) -> Audited:
    """A tenant with ten events in four streams, and a folder for what is signed of them."""
    made = Audited(log, FolderExports(tmp_path / "exports"))
    await made.fill()
    return made
