"""A projector over real read models, a tenant for it, and a database whose read models are rebuilt as a whole."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from infra.embedded.client import Embedded
from infra.event_store.migrate import ReadModel, migrate
from infra.postgres import APPEND, PROJECTOR, SERVICE, open_pool, role_dsn
from projections.registry import POSTGRES
from tests.conftest import SECRET, Database
from tests.projections.running import Projector
from tests.projections.workshop import Workshop


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture(scope="module")
async def own_database(servers: Embedded, database: Database) -> AsyncIterator[Database]:
    """A database of the module's own: rebuilds are of all tenants, also of those that other tests leave half done."""
    del database  # made first, so that the roles are there
    server = servers.wait("postgres", 60)
    name = f"rebuilds_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    admin = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    models = [ReadModel(name=p.name, version=p.version, ddl=p.ddl, tables=p.tables) for p in POSTGRES]
    await asyncio.to_thread(migrate, admin, SECRET, models)
    dsns = {role: role_dsn(admin, role, SECRET) for role in (SERVICE, APPEND, PROJECTOR)}
    pools = {role: await open_pool(dsn, name="tests", size=6) for role, dsn in dsns.items()}
    yield Database(admin, dsns, pools)
    for pool in pools.values():
        await pool.close()


@pytest.fixture
async def workshop(own_database: Database) -> AsyncIterator[Workshop]:
    async with Workshop.on(own_database) as made:
        yield made
