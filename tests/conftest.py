"""Real servers and a migrated database, once for a whole run."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from msgspec import Struct

from infra.embedded.client import Embedded, start
from infra.event_store.migrate import ReadModel, migrate
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from infra.postgres import APPEND, LOGIN_ROLES, PROJECTOR, SERVICE, Pool, TenantConnections, open_pool, role_dsn
from infra.secret import Secret
from projections.registry import POSTGRES
from tests.waiting import PATIENCE

# How long an example takes says more about the machine than about the rule.
settings.register_profile("rapport", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("rapport")

# Containers like to forbid it, and each of the hundreds of processes that tests start would compile everything again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Of what Java compiles most carefully, little pays within a test: a start takes half the processor time without.
os.environ.setdefault("OPENSEARCH_JAVA_OPTS", "-XX:TieredStopAtLevel=1")

TEXT = "the tests' secret, the same every time"
SECRET = Secret(TEXT.encode())


class Database(Struct, frozen=True):
    """A migrated database: its DSNs and pools by role."""

    admin_dsn: str
    dsns: dict[str, str]
    pools: dict[str, Pool]

    @property
    def service(self) -> TenantConnections:
        """Connections as the API reads with."""
        return TenantConnections(self.pools[SERVICE])

    @property
    def projector(self) -> TenantConnections:
        """Connections as projectors write with."""
        return TenantConnections(self.pools[PROJECTOR])

    @property
    def appends(self) -> Pool:
        """The pool that may append."""
        return self.pools[APPEND]

    @property
    def keyring(self) -> Keyring:
        """The keys of personal data as a process has them that has just started."""
        return Keyring(self.projector, local_master(SECRET))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Postgres, NATS and Valkey."""
    with start(tmp_path_factory.mktemp("servers"), ["postgres", "nats", "valkey"]) as embedded:
        yield embedded


@pytest.fixture(scope="session")
async def database(servers: Embedded) -> AsyncIterator[Database]:
    """The schema as the projections have it, and a pool for every role."""
    admin = servers.wait("postgres", 60)
    models = [ReadModel(name=p.name, version=p.version, ddl=p.ddl, tables=p.tables) for p in POSTGRES]
    await asyncio.to_thread(migrate, admin, SECRET, models)
    dsns = {role: role_dsn(admin, role, SECRET) for role in LOGIN_ROLES}
    # A projector has more lanes than connections, and one that waits for these too long looks again when it polls: some
    # tests have it never poll.
    sizes = {PROJECTOR: 12}
    pools = {role: await open_pool(dsn, name="tests", size=sizes.get(role, 8)) for role, dsn in dsns.items()}
    yield Database(admin, dsns, pools)
    for pool in pools.values():
        await pool.close()


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an OpenSearch, which is started for the first test that wants one: it is dear to start."""
    with start(tmp_path_factory.mktemp("opensearch"), ["opensearch"], wait_for=["opensearch"]) as embedded:
        yield embedded.wait("opensearch", PATIENCE)
