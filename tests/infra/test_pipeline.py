"""What infra/pipeline.py needs of psycopg's inside."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, LiteralString

import psycopg
import pytest

from infra.pipeline import pipelined
from infra.postgres import SERVICE
from tests.conftest import Database

pytestmark = pytest.mark.servers


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database.dsns[SERVICE], autocommit=True) as made:
        await made.execute("SELECT 'before'")
        yield made


async def last_query(database: Database, connection: psycopg.AsyncConnection[Any]) -> str:
    """What Postgres has last been asked over a connection."""
    await asyncio.sleep(0.05)
    async with await psycopg.AsyncConnection.connect(database.admin_dsn) as admin:
        cursor = await admin.execute(
            "SELECT query FROM pg_stat_activity WHERE pid = %s", (connection.info.backend_pid,)
        )
        row = await cursor.fetchone()
        assert row
        return str(row[0])


async def test_nothing_leaves_until_a_result_is_asked_for(
    database: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    async with pipelined(connection):
        await connection.execute("SELECT 'one'")
        cursor = await connection.execute("SELECT 'two'")
        assert await last_query(database, connection) == "SELECT 'before'"
        assert await cursor.fetchone() == ("two",)
        assert await last_query(database, connection) == "SELECT 'two'"
        await connection.execute("SELECT 'three'")
        assert await last_query(database, connection) == "SELECT 'two'"
    assert await last_query(database, connection) == "SELECT 'three'"


async def test_all_of_it_is_one_transaction(connection: psycopg.AsyncConnection[Any]) -> None:
    numbers = set()
    for _ in range(2):
        async with pipelined(connection):
            for _ in range(2):
                cursor = await connection.execute("SELECT now()")
                numbers.add(await cursor.fetchone())
    assert len(numbers) == 2


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT 1"])
async def test_after_an_error_the_connection_is_closed(
    connection: psycopg.AsyncConnection[Any], statement: LiteralString
) -> None:
    async def fail() -> None:
        async with pipelined(connection):
            cursor = await connection.execute(statement)
            await cursor.fetchone()
            raise ValueError

    with pytest.raises((ValueError, psycopg.errors.DivisionByZero)):
        await fail()
    assert connection.closed
