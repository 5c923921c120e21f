"""R4.2, R5.2, invariant 3: leads on timelines follow whom they are of, and are what a fold of the log says."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.lead import LeadAssigned, LeadChanged, LeadConversionUndone, LeadConverted, LeadQualified, LeadRegistered
from projections.position import Moment
from projections.timeline.queries import Filters, page
from projections.timeline.timeline import PROJECTION
from tests.conftest import Database
from tests.given import some_id
from tests.projections.pipeline.pipelines import BEGIN, Leads
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

ADA, GRACE, ENGINES = some_id(11), some_id(12), some_id(13)
LEAD, BUYER = some_id(14), some_id(15)
DAY = timedelta(days=1)


async def timeline(database: Database, leads: Leads, record: UUID, position: int | None = None) -> list[str]:
    """What a record's timeline has, oldest first."""
    moment = None if position is None else Moment(BEGIN, position)
    async with database.service.of(leads.tenant) as connection:
        rows, _ = await page(connection, [record], Filters(), descending=False, limit=50, as_of=moment)
    return [row.outcome or row.kind.removeprefix("lead_") for row in rows]


async def test_a_lead_is_on_the_timelines_of_whom_it_is_of_and_what_happened_stays(workshop: Workshop) -> None:
    database = workshop.database
    leads = Leads(database)
    await leads.happened(LEAD, BEGIN, LeadRegistered(title="Engine", contact_id=ADA))
    await leads.happened(LEAD, BEGIN + DAY, LeadQualified())
    await leads.happened(LEAD, BEGIN + 2 * DAY, LeadChanged(contact_id=GRACE), LeadAssigned(owner_id=some_id(1)))
    await catch_up(database, leads.tenant, [PROJECTION])
    assert await timeline(database, leads, ADA) == ["qualified"]
    assert await timeline(database, leads, ADA, 2) == ["created", "qualified"]
    assert await timeline(database, leads, GRACE) == ["created"]

    await leads.happened(LEAD, BEGIN + 3 * DAY, LeadConverted(customer_id=BUYER, company_id=ENGINES))
    await catch_up(database, leads.tenant, [PROJECTION])
    assert await timeline(database, leads, ENGINES) == ["created", "converted"]
    await leads.happened(LEAD, BEGIN + 4 * DAY, LeadConversionUndone(customer_id=BUYER))
    await leads.happened(LEAD, BEGIN + 5 * DAY, LeadChanged(title="Mill"))
    await workshop.level(leads.tenant)

    assert await timeline(database, leads, ENGINES) == ["converted", "conversion undone"]
    assert await timeline(database, leads, GRACE) == ["created", "converted", "conversion undone"]
    whole = ["created", "qualified", "assigned", "converted", "conversion undone"]
    assert await timeline(database, leads, LEAD) == whole
    (verified,) = await workshop.verify(leads.tenant, [PROJECTION])
    assert verified.differences == []
    before = contents(database, leads.tenant, [PROJECTION])
    await workshop.rebuild(PROJECTION)
    assert contents(database, leads.tenant, [PROJECTION]) == before
