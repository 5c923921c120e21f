"""What an installation is, and that a process notices when it is that no longer."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from infra.event_store import installation as module
from infra.event_store.installation import installation, until_replaced
from infra.postgres import PROJECTOR, RELAY, SERVICE
from tests.conftest import Database
from tests.infra.relays import gone
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

_SET = "UPDATE ops.installation SET incarnation = %s, former = %s"


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[psycopg.AsyncConnection]:
    """A superuser's connection; the incarnation is afterwards what it was."""
    was = await installation(database.pools[SERVICE])
    async with await psycopg.AsyncConnection.connect(database.admin_dsn, autocommit=True) as connection:
        yield connection
        await connection.execute(_SET, (was.incarnation, list(was.former)))


@pytest.mark.parametrize("role", [SERVICE, RELAY, PROJECTOR])
async def test_every_role_learns_the_incarnation_and_those_that_are_over(
    database: Database, admin: psycopg.AsyncConnection, role: str
) -> None:
    now, over = uuid4(), [uuid4(), uuid4()]
    await admin.execute(_SET, (now, over))
    found = await installation(database.pools[role])
    assert (found.incarnation, found.former, found.partitions) == (now, tuple(over), 4)


async def test_another_incarnation_is_noticed_also_after_the_database_was_away(
    database: Database, admin: psycopg.AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 5: a process that knows the time before the restore must not go on."""
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    original, pool = module.installation, database.pools[RELAY]
    waiting = asyncio.create_task(until_replaced(pool, await installation(pool)))
    await asyncio.wait({waiting}, timeout=0.1)
    assert not waiting.done()
    monkeypatch.setattr(module, "installation", gone)
    await asyncio.wait({waiting}, timeout=0.1)
    assert not waiting.done()
    await admin.execute(_SET, (now := uuid4(), []))
    monkeypatch.setattr(module, "installation", original)
    async with asyncio.timeout(PATIENCE):
        assert await waiting == now
