"""N-P1: lists that go to Postgres arrive there as they are, however they are written."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from infra.postgres import SERVICE, Pool, open_pool
from tests.conftest import Database

pytestmark = pytest.mark.servers


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    made = await open_pool(database.dsns[SERVICE], name="arrays", size=2)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid", [uuid4(), UUID(int=0), UUID(int=2**128 - 1)]),
        ("uuid", [uuid4(), None]),
        ("bigint", [0, -1, 2**63 - 1, -(2**63)]),
        ("bigint", [7, None]),
        ("bigint", []),
        ("bytea", [b"", b"\x00\xff", b'"\\,']),
        ("bytea", [b"a", None]),
        ("boolean", [True, False]),
        ("text", ["", "NULL", "null", " a b ", "{}", "a,b", "ü", "\n"]),
        ("text", ['a"b', "plain"]),
        ("text", ['","', "x"]),
        ("text", ["back\\slash"]),
        ("text", ["a", None]),
        ("text", []),
    ],
)
async def test_what_is_in_a_list_is_what_postgres_finds_in_it(pool: Pool, kind: str, values: list[object]) -> None:
    query = f"SELECT %s::{kind}[]"
    ((row,),) = await pool.lines.rows([(query, (values,))])
    assert row[0] == values
    async with pool.connection() as connection:
        found = await (await connection.execute(query, (values,))).fetchone()
    assert found
    assert found[0] == values
