"""Servers and a migrated database for the suites."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from infra.embedded.client import Embedded, start
from infra.event_store.migrate import ReadModel, migrate
from infra.postgres import PROJECTOR, SERVICE, TenantConnections, open_pool, role_dsn
from infra.secret import Secret
from projections.registry import POSTGRES

SECRET = Secret(b"the tests' secret, the same every time")


class Database(Struct, frozen=True):
    """A migrated database, under the two roles that read models are used with."""

    service: TenantConnections
    projector: TenantConnections


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Postgres at once, OpenSearch when `wait` says so."""
    folder: Path = tmp_path_factory.mktemp("servers")
    with start(folder, ["postgres", "opensearch"]) as embedded:
        yield embedded


@pytest.fixture(scope="session")
async def database(servers: Embedded) -> AsyncIterator[Database]:
    """The schema as the projections have it."""
    admin = servers.wait("postgres", 60)
    models = [ReadModel(name=p.name, version=p.version, ddl=p.ddl, tables=p.tables) for p in POSTGRES]
    await asyncio.to_thread(migrate, admin, SECRET, models)
    service = await open_pool(role_dsn(admin, SERVICE, SECRET), name="tests", size=4)
    projector = await open_pool(role_dsn(admin, PROJECTOR, SECRET), name="tests", size=4)
    yield Database(TenantConnections(service), TenantConnections(projector))
    await service.close()
    await projector.close()


@pytest.fixture(scope="session")
def opensearch(servers: Embedded) -> str:
    """The URL, once it serves."""
    return servers.wait("opensearch", 120)
