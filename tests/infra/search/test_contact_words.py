"""What the Postgres search keeps, and who gets at it."""

from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from bench.people import people
from bench.search_fill import contact_id, fill
from infra.search.postgres import PostgresContactSearch
from projections.contacts import rows as contact_rows
from projections.contacts import words as contact_words
from projections.contacts.search import Sought
from tests.conformance.contact_worlds import PostgresWorld, person
from tests.conftest import Database

pytestmark = pytest.mark.servers

WORDS: LiteralString = """SELECT word, uses FROM read.contact_vocabulary_v1
    JOIN read.contact_word_uses_v1 USING (tenant_id, id) ORDER BY word"""


@pytest.fixture
def world(database: Database) -> PostgresWorld:
    return PostgresWorld(PostgresContactSearch(database.service), database.projector)


async def rows(database: Database, tenant: UUID, query: LiteralString) -> list[tuple[Any, ...]]:
    return await database.service.rows(tenant, query, ())


async def test_a_word_goes_with_the_last_contact_that_has_it(world: PostgresWorld, database: Database) -> None:
    tenant = uuid4()
    one, two = await world.given(tenant, person("Ada Lovelace"), person("Ada Byron", phone="+442079460000"))
    assert await rows(database, tenant, WORDS) == [("ada", 2), ("byron", 1), ("lovelace", 1)]
    await world.renamed(tenant, one, "Augusta Byron")
    assert await rows(database, tenant, WORDS) == [("ada", 1), ("augusta", 1), ("byron", 2)]
    await world.deleted(tenant, one)
    await world.deleted(tenant, two)
    assert await rows(database, tenant, WORDS) == []
    for table in ("contact_words_v1", "contact_vocabulary_v1", "contact_word_uses_v1"):
        async with database.projector.of(tenant) as connection:
            cursor = await connection.execute(f"SELECT count(*) FROM read.{table}")
            assert await cursor.fetchone() == (0,)


async def test_applying_the_same_again_changes_nothing(world: PostgresWorld, database: Database) -> None:
    tenant = uuid4()
    (one,) = await world.given(tenant, person("Ada Lovelace"))
    async with database.projector.of(tenant) as connection:
        contacts = await contact_rows.by_id(connection, tenant, [one])
        await contact_words.save(connection, tenant, contacts)
    assert await rows(database, tenant, WORDS) == [("ada", 1), ("lovelace", 1)]


@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("rapport_service", "read.contacts_having_v1('true', 10)"),
        ("rapport_projector", "read.contact_words_like_v1('{a}', '{}', 10)"),
        ("rapport_projector", "read.search_contacts_v1('{1}', '{1}', '{1}', '{1}', false, 0, 10, 10, 1)"),
        ("rapport_relay", "read.search_contacts_v1('{1}', '{1}', '{1}', '{1}', false, 0, 10, 10, 1)"),
    ],
)
def test_a_role_calls_no_more_than_it_needs(database: Database, role: str, call: LiteralString) -> None:
    with psycopg.connect(database.dsns[role]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM " + call)


async def test_without_a_tenant_nothing_is_found(world: PostgresWorld, database: Database) -> None:
    await world.given(uuid4(), person("Ada Lovelace"))
    async with database.pools["rapport_service"].connection() as connection:
        cursor = await connection.execute("SELECT * FROM read.contact_words_like_v1('{a}', '{}', 10)")
        assert await cursor.fetchall() == []


async def test_another_tenants_numbers_find_nothing(world: PostgresWorld, database: Database) -> None:
    ours, theirs = uuid4(), uuid4()
    await world.given(theirs, person("Ada Lovelace"))
    number = contact_words.word_id(theirs, "ada") | 1
    found = await database.service.rows(
        ours,
        "SELECT * FROM read.search_contacts_v1(%s::bigint[], '{1}', '{1}', '{1}', false, 0, 10, 10, 1)",
        ([number],),
    )
    assert found == []


async def test_what_the_benchmark_fills_in_is_found_like_what_is_projected(database: Database) -> None:
    tenant, everybody = uuid4(), list(people(7, 30))
    fill(database.admin_dsn, tenant, everybody)
    found = await PostgresContactSearch(database.service).search(tenant, Sought(everybody[12].display, 0, 5))
    assert contact_id(tenant, 12) in {hit.id for hit in found}
