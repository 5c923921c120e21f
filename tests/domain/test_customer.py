"""R5.5: a customer is what leads were converted to, and none without them."""

from datetime import timedelta

import pytest

from domain.customer import Customer, CustomerLeadAdded, CustomerLeadRemoved, CustomerRegistered, customer_id, evolve
from domain.event import Event
from tests.given import START, TENANT, some_id

ONE, OTHER = some_id(1), some_id(2)


def customer(*events: Event) -> Customer:
    state = None
    for hours, event in enumerate(events):
        state = evolve(state, event, stream_id=some_id(9), at=START + timedelta(hours=hours))
    assert state is not None
    return state


def test_it_is_since_its_first_lead() -> None:
    made = customer(CustomerRegistered(lead_id=ONE), CustomerLeadAdded(lead_id=OTHER), CustomerLeadRemoved(lead_id=ONE))
    assert (made.lead_ids, made.since, made.deleted_at) == ((OTHER,), START, None)


def test_without_leads_it_is_gone_until_it_has_one_again() -> None:
    gone = (CustomerRegistered(lead_id=ONE), CustomerLeadRemoved(lead_id=ONE))
    assert customer(*gone).deleted_at == START + timedelta(hours=1)
    again = customer(*gone, CustomerLeadAdded(lead_id=OTHER))
    assert (again.deleted_at, again.since) == (None, START + timedelta(hours=2))


def test_its_id_is_that_of_the_company_else_the_contact_else_the_lead() -> None:
    of_company = customer_id(TENANT, company_id=ONE, contact_id=OTHER, lead_id=some_id(3))
    assert of_company == customer_id(TENANT, company_id=ONE, contact_id=None, lead_id=some_id(4))
    of_contact = customer_id(TENANT, company_id=None, contact_id=ONE, lead_id=some_id(3))
    of_lead = customer_id(TENANT, company_id=None, contact_id=None, lead_id=ONE)
    assert len({of_company, of_contact, of_lead, customer_id(OTHER, company_id=ONE, contact_id=None, lead_id=ONE)}) == 4


def test_nothing_happens_to_it_before_it_is_there() -> None:
    with pytest.raises(TypeError):
        customer(CustomerLeadAdded(lead_id=ONE))
