"""A place to relay to."""

import psycopg
import pytest

from tests.conftest import Database
from tests.infra.relays import World


@pytest.fixture
async def world(database: Database) -> World:
    # What other tests have left in the log is none of these tests' business.
    async with await psycopg.AsyncConnection.connect(database.admin_dsn, autocommit=True) as connection:
        await connection.execute(
            """INSERT INTO ops.relay_checkpoint SELECT tenant_id, position FROM store.tenant_head
               ON CONFLICT (tenant_id) DO UPDATE SET position = excluded.position"""
        )
    return World(database)
