"""B6: tables aside are found before those that are read, or nothing is done."""

from collections.abc import AsyncIterator

import pytest

from domain.errors import DomainError
from infra.postgres import PROJECTOR, open_pool
from infra.rebuilding import PostgresAside
from projections.contacts import contact
from tests.conftest import Database
from tests.projections.reading import contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers


@pytest.fixture
async def workshop(database: Database) -> AsyncIterator[Workshop]:
    """Tools for read models that nothing is done to here."""
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
