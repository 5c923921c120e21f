"""R5.1, B1, invariant 3: lists of leads, now and as of any moment, are what a fold of the log says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.lead import Lead
from domain.lead_status import OPEN, Status
from projections.leads.lead import PROJECTION
from projections.leads.queries import Filters, LeadView, Sort, page, view
from projections.position import Moment
from tests.conftest import Database
from tests.projections.pipeline.pipelines import OWNERS, SOURCES, Leads, Step, folded, steps
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

SOON = datetime(2030, 1, 1, tzinfo=UTC)


async def listed(
    database: Database, leads: Leads, filters: Filters, sort: Sort, position: int | None = None, limit: int = 3
) -> list[LeadView]:
    """Every page of a list."""
    moment = None if position is None else Moment(SOON, position)
    found: list[LeadView] = []
    after = None
    while True:
        async with database.service.of(leads.tenant) as connection:
            rows, after = await page(connection, leads.tenant, filters, sort, after=after, limit=limit, as_of=moment)
        found += [row.view() for row in rows]
        if after is None:
            return found


def expected(leads: Sequence[Lead], filters: Filters, sort: Sort) -> list[LeadView]:
    fitting = [
        view(lead)
        for lead in leads
        if filters.status in {None, lead.status}
        and filters.owner_id in {None, lead.owner_id}
        and filters.source in {None, lead.source}
    ]
    column = sort.removeprefix("-")
    return sorted(fitting, key=lambda lead: (getattr(lead, column), lead.id), reverse=sort.startswith("-"))


@given(st.lists(steps, min_size=1, max_size=14), st.data())
@settings(max_examples=20)
async def test_lists_are_what_the_log_says_now_and_at_every_position(
    database: Database, sequence: Sequence[Step], data: st.DataObject
) -> None:
    leads, early = Leads(database), data.draw(st.integers(0, len(sequence)))
    for number, step in enumerate(sequence):
        if number == early:
            await catch_up(database, leads.tenant, [PROJECTION])
        await leads.take(step)
    await catch_up(database, leads.tenant, [PROJECTION])
    log = await leads.log()
    filters = st.builds(
        Filters,
        status=st.sampled_from([None, *Status]),
        owner_id=st.sampled_from([None, *OWNERS]),
        source=st.sampled_from([None, *SOURCES]),
    )
    for _ in range(4):
        wanted, sort = data.draw(filters), data.draw(st.sampled_from(Sort))
        assert await listed(database, leads, wanted, sort) == expected(folded(log), wanted, sort)
        position = data.draw(st.integers(0, len(log)))
        then = expected(folded(log, position), wanted, sort)
        assert await listed(database, leads, wanted, sort, position) == then


async def test_sisters_are_flagged_as_long_as_both_are_open(database: Database) -> None:
    leads = Leads(database)
    for _ in range(2):
        await leads.take(("add", {"owner_id": OWNERS[0], "contact_id": UUID(int=7)}, SOON - SOON))
    before = len(await leads.log())
    await leads.take(("move", (1, 2), SOON - SOON))
    await catch_up(database, leads.tenant, [PROJECTION])
    assert next(reversed(leads.leads.values())).status not in OPEN

    now = await listed(database, leads, Filters(), Sort.CREATED_AT)
    then = await listed(database, leads, Filters(), Sort.CREATED_AT, before)
    assert [lead.flags for lead in now] == [(), ()]
    assert [lead.flags for lead in then] == [("duplicate",)] * 2


async def test_rows_are_those_of_a_rebuild(workshop: Workshop) -> None:
    leads = Leads(workshop.database)
    for number in range(6):
        fields: dict[str, Any] = {"owner_id": OWNERS[number % 3], "source": SOURCES[number % 3]}
        await leads.take(("add", fields, SOON - SOON))
        await leads.take(("move", (number, number), SOON - SOON))
    await workshop.level(leads.tenant)
    (verified,) = await workshop.verify(leads.tenant, [PROJECTION])
    assert verified.differences == []
    before = contents(workshop.database, leads.tenant, [PROJECTION])
    rebuilt = await workshop.rebuild(PROJECTION)
    assert [each for each in rebuilt.compared if not each.is_equal] == []
    assert contents(workshop.database, leads.tenant, [PROJECTION]) == before
