"""R5.5, B1, invariant 3: customers, as they are and as they were, are what a fold of the log says."""

import pytest

from commands.ports import StreamEvents
from domain.customer import CustomerLeadAdded, CustomerLeadRemoved, CustomerRegistered
from domain.event import Event
from projections.leads.customer import PROJECTION
from tests.given import some_id
from tests.infra.event_store.appends import append
from tests.projections.pipeline.pipelines import Leads
from tests.projections.reading import catch_up, contents
from tests.projections.workshop import Workshop

pytestmark = pytest.mark.servers

BUYER, ONE, OTHER = some_id(41), some_id(42), some_id(43)


async def test_rows_of_all_versions_are_those_of_a_fold_and_of_a_rebuild(workshop: Workshop) -> None:
    leads = Leads(workshop.database)
    events: list[Event] = [
        CustomerRegistered(lead_id=ONE, contact_id=some_id(44)),
        CustomerLeadAdded(lead_id=OTHER),
        CustomerLeadRemoved(lead_id=ONE),
        CustomerLeadRemoved(lead_id=OTHER),
        CustomerLeadAdded(lead_id=ONE),
    ]
    for number, event in enumerate(events):
        await leads.store.append(append(leads.tenant, StreamEvents(BUYER, number, (event,))))
        if number == 1:
            await catch_up(workshop.database, leads.tenant, [PROJECTION])
    await workshop.level(leads.tenant)
    (verified,) = await workshop.verify(leads.tenant, [PROJECTION])
    assert verified.differences == []
    before = contents(workshop.database, leads.tenant, [PROJECTION])
    past = sorted(before["customer_past_v1"], key=lambda row: row["begins"])
    assert [(row["begins"], row["ends"], len(row["lead_ids"])) for row in past] == [
        (1, 2, 1), (2, 3, 2), (3, 4, 1), (4, 5, 0), (5, None, 1),
    ]  # fmt: skip
    await workshop.rebuild(PROJECTION)
    assert contents(workshop.database, leads.tenant, [PROJECTION]) == before
