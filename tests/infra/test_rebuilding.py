"""B6: tables aside are found before those that are read, or nothing is done."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from domain.errors import DomainError
from infra.postgres import PROJECTOR, open_pool
from infra.rebuilding import PostgresAside
from projections.contacts import contact
from tests.conftest import Database
from tests.projections.reading import contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

_KNOWN = """
SELECT a.attname FROM pg_statistic s JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
 WHERE s.starelid = 'read.contact_v1'::regclass
"""


@pytest.fixture
async def workshop(database: Database) -> AsyncIterator[Workshop]:
    """Read models over a database of their own."""
    async with Workshop.on(database) as made:
        yield made


async def test_what_would_write_to_the_rows_that_are_read_refuses_to_work(workshop: Workshop) -> None:
    """As behind a pooler that drops start-up options: the connections have lost their way to the schema aside."""
    tenant, _ = await workshop.given(contacts=1)
    before = contents(workshop.database, tenant)
    pool = await open_pool(workshop.database.dsns[PROJECTOR], name="astray", size=2)
    aside = PostgresAside(pool)
    try:
        for doing in (aside.claimed(), aside.of(tenant), aside.swapping(contact.PROJECTION, patience=1)):
            with pytest.raises(DomainError) as refused:
                async with doing:
                    pytest.fail("it was let in")
            assert refused.value.code == "rebuild.not_aside"
    finally:
        await pool.close()
    assert contents(workshop.database, tenant) == before


async def test_queries_of_the_new_rows_are_planned_by_what_is_in_them(workshop: Workshop) -> None:
    await workshop.given(contacts=3)
    await workshop.rebuild()
    with psycopg.connect(workshop.database.admin_dsn) as connection:
        found = {column for (column,) in connection.execute(_KNOWN)}
    assert found >= {"tenant_id", "id", "sort_name"}
    assert found.isdisjoint({"name", "emails", "custom"})  # nothing is looked for by them
