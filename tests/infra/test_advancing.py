"""A turn of one round trip: rows and checkpoints are written together, or nothing is."""

import asyncio
from contextlib import nullcontext
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.postgres import Connection
from projections.ports import CheckpointMovedError
from tests.conftest import Database
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers

NAMES = ["one_v1", "two_v1"]
ADD: LiteralString = """INSERT INTO read.company_v1 (tenant_id, id, version, position, name, custom, external_ids,
        created_at, updated_at, sort_name, keys)
    VALUES (%s, %s, 1, 1, 'Engines', '{}', '{}', now(), now(), 'engines', '{}')"""
START: LiteralString = "INSERT INTO read.checkpoint SELECT %s, name, 5 FROM unnest(%s::text[]) name"


@pytest.fixture
async def tenant(database: Database) -> UUID:
    """A tenant whose checkpoints are at 5."""
    made = uuid4()
    async with database.projector.of(made) as connection:
        await connection.execute(START, (made, NAMES))
    return made


def written(database: Database, tenant: UUID) -> tuple[int, set[int]]:
    with psycopg.connect(database.admin_dsn) as admin:
        rows = admin.execute("SELECT count(*) FROM read.company_v1 WHERE tenant_id = %s", (tenant,)).fetchone()
        found = admin.execute("SELECT position FROM read.checkpoint WHERE tenant_id = %s", (tenant,)).fetchall()
    return int(rows[0] if rows else 0), {position for (position,) in found}


async def add(connection: Connection, tenant: UUID) -> None:
    await connection.execute(ADD, (tenant, uuid4()))


async def one_turn(database: Database, tenant: UUID) -> None:
    async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
        await add(connection, tenant)


async def test_rows_and_checkpoints_are_written_together(database: Database, tenant: UUID) -> None:
    async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
        await add(connection, tenant)
        cursor = await connection.execute("SELECT count(*) FROM read.company_v1")
        assert await cursor.fetchone() == (1,)
        assert written(database, tenant) == (0, {5})
        await add(connection, tenant)
    assert written(database, tenant) == (2, {9})


@pytest.mark.parametrize("error", [ValueError("ours"), psycopg.DataError("of the client")])
@pytest.mark.parametrize("asks", [False, True])
async def test_an_error_of_ours_leaves_nothing(database: Database, tenant: UUID, error: Exception, asks: bool) -> None:
    async def turn() -> None:
        async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
            await add(connection, tenant)
            if asks:
                await (await connection.execute("SELECT 1")).fetchone()
            raise error

    with pytest.raises(type(error)):
        await turn()
    assert written(database, tenant) == (0, {5})


@pytest.mark.parametrize("asks", [False, True])
async def test_an_error_of_a_statement_leaves_nothing(database: Database, tenant: UUID, asks: bool) -> None:
    async def turn() -> None:
        async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
            await add(connection, tenant)
            cursor = await connection.execute("SELECT 1 / 0")
            if asks:
                await cursor.fetchone()
            await add(connection, tenant)

    for _ in range(3):  # also where the client has taken them for prepared
        with pytest.raises(psycopg.errors.DivisionByZero):
            await turn()
    assert written(database, tenant) == (0, {5})


@pytest.mark.parametrize("asks", [False, True])
async def test_one_that_is_cancelled_leaves_nothing(database: Database, tenant: UUID, asks: bool) -> None:
    waiting = asyncio.Event()

    async def turn() -> None:
        async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
            await add(connection, tenant)
            waiting.set()
            if asks:
                await (await connection.execute("SELECT pg_sleep(%s)", (PATIENCE,))).fetchone()
            await asyncio.sleep(PATIENCE)

    task = asyncio.create_task(turn())
    await waiting.wait()
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert written(database, tenant) == (0, {5})
    async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
        await add(connection, tenant)
    assert written(database, tenant) == (1, {9})


@pytest.mark.parametrize(("before", "names"), [(4, NAMES), (6, NAMES), (5, [*NAMES, "three_v1"])])
@pytest.mark.parametrize("asks", [False, True])
async def test_checkpoints_that_are_elsewhere_stop_it(
    database: Database, tenant: UUID, before: int, names: list[str], asks: bool
) -> None:
    async def turn() -> None:
        async with database.projector.advancing(tenant, names, before, 9) as connection:
            cursor = await connection.execute("SELECT 1")
            if asks:
                await cursor.fetchone()
            await add(connection, tenant)

    with pytest.raises(CheckpointMovedError):
        await turn()
    assert written(database, tenant) == (0, {5})


@pytest.mark.parametrize(("after", "stops"), [(5, False), (6, True)])
async def test_what_is_followed_has_to_be_there_first(
    database: Database, tenant: UUID, after: int, stops: bool
) -> None:
    """Its rows may have been seen, and taken back by a crash since."""
    async with database.projector.of(tenant) as connection:
        await connection.execute("INSERT INTO read.checkpoint VALUES (%s, 'mirror_v1', 4)", (tenant,))
    with pytest.raises(CheckpointMovedError) if stops else nullcontext():
        async with database.projector.advancing(tenant, ["mirror_v1"], 4, after, followed=NAMES) as connection:
            await add(connection, tenant)
    assert written(database, tenant) == ((0, {4, 5}) if stops else (1, {5}))


async def comes_along(database: Database, tenant: UUID) -> int:
    """Where a checkpoint is that was at 5 with others and came along with them to 9."""
    async with database.projector.advancing(tenant, ["one_v1"], 5, 9, along=["two_v1", "missing_v1"]) as connection:
        await add(connection, tenant)
    found = await database.projector.rows(
        tenant, "SELECT position FROM read.checkpoint WHERE projection = 'two_v1'", ()
    )
    return int(found[0][0])


async def test_what_comes_along_is_moved_too(database: Database, tenant: UUID) -> None:
    assert await comes_along(database, tenant) == 9


@pytest.mark.parametrize(("change", "position"), [("position = 4", 4), ("position = 7", 7), ("parked = 1", 5)])
async def test_what_is_elsewhere_or_has_something_parked_stays(
    database: Database, tenant: UUID, change: LiteralString, position: int
) -> None:
    async with database.projector.of(tenant) as connection:
        await connection.execute("UPDATE read.checkpoint SET " + change + " WHERE projection = 'two_v1'")
    assert await comes_along(database, tenant) == position


async def test_what_is_being_moved_is_not_waited_for(database: Database, tenant: UUID) -> None:
    async with database.projector.advancing(tenant, ["two_v1"], 5, 6) as connection:
        await (await connection.execute("SELECT 1")).fetchone()
        assert await comes_along(database, tenant) == 5
    assert written(database, tenant) == (1, {6, 9})


async def test_something_parked_stops_it(database: Database, tenant: UUID) -> None:
    async with database.projector.of(tenant) as connection:
        await connection.execute("UPDATE read.checkpoint SET parked = 1 WHERE projection = 'two_v1'")
    with pytest.raises(CheckpointMovedError):
        await one_turn(database, tenant)
    assert written(database, tenant) == (0, {5})


async def test_nothing_of_the_tenant_stays_with_the_connection(database: Database, tenant: UUID) -> None:
    """R6.2."""
    async with database.projector.advancing(tenant, NAMES, 5, 9) as connection:
        await add(connection, tenant)
    await database.projector.rows(tenant, "SELECT 1", ())
    for _ in range(8):
        async with database.pools["rapport_projector"].connection() as connection:
            cursor = await connection.execute("SELECT count(*) FROM read.company_v1")
            assert await cursor.fetchone() == (0,)


async def test_a_query_that_fails_spoils_nothing_for_the_next(database: Database, tenant: UUID) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await database.projector.rows(tenant, "SELECT 1 / 0", ())
        with pytest.raises(psycopg.errors.UndefinedTable):
            await database.projector.rows(tenant, "SELECT 1 FROM read.nothing", ())
        assert await database.projector.rows(tenant, "SELECT count(*) FROM read.checkpoint", ()) == [(2,)]
