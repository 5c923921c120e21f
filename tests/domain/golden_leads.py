"""What the lines of the golden file about leads and customers are read as today."""

from datetime import UTC, datetime
from uuid import UUID

from domain.customer import CustomerLeadAdded, CustomerLeadRemoved, CustomerRegistered
from domain.event import Event
from domain.lead import (
    LeadAssigned,
    LeadChanged,
    LeadConversionUndone,
    LeadConverted,
    LeadDeleted,
    LeadFlagCleared,
    LeadFlaggedInactive,
    LeadLost,
    LeadNurtured,
    LeadQualified,
    LeadRegistered,
    LeadReopened,
)
from domain.money import Money

COMPANY = UUID("01890000-0000-7000-8000-0000000000c1")
OWNER = UUID("01890000-0000-7000-8000-0000000000e1")
CONTACT = UUID("01890000-0000-7000-8000-0000000000f1")
CUSTOMER = UUID("01890000-0000-7000-8000-0000000000b1")
AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
LEAD = UUID("01890000-0000-7000-8000-0000000000d1")

LEADS: dict[str, Event] = {
    "a lead with nothing but a title": LeadRegistered(title="Engine"),
    "a lead with everything": LeadRegistered(
        title="Engine",
        contact_id=CONTACT,
        company_id=COMPANY,
        owner_id=OWNER,
        source="web",
        value=Money("12.50", "EUR"),
        tags=("astronomy",),
        external_ids={"erp": "7"},
    ),
    "every field of a lead changed": LeadChanged(
        title="Mill", contact_id=None, company_id=COMPANY, source="fair", value=None, tags=(), external_ids={}
    ),
    "a lead assigned": LeadAssigned(owner_id=OWNER),
    "a lead qualified": LeadQualified(reason="has a budget"),
    "a lead nurtured": LeadNurtured(),
    "a lead lost": LeadLost(reason="price"),
    "a lead converted": LeadConverted(customer_id=CUSTOMER, company_id=COMPANY, reason="signed"),
    "a lead reopened": LeadReopened(reason="asked again"),
    "a conversion undone": LeadConversionUndone(customer_id=CUSTOMER, reason="another one"),
    "a lead deleted": LeadDeleted(),
    "a customer": CustomerRegistered(lead_id=LEAD, company_id=COMPANY, contact_id=CONTACT),
    "a customer with another lead": CustomerLeadAdded(lead_id=LEAD),
    "a customer without a lead": CustomerLeadRemoved(lead_id=LEAD),
}

LEADS_CUSTOM: dict[str, Event] = {
    "a lead with custom values": LeadRegistered(title="Engine", custom={"budget": 1200, "region": "North"}),
    "custom values of a lead changed": LeadChanged(custom={"budget": 900}),
}

FLAGS: dict[str, Event] = {
    "a lead flagged": LeadFlaggedInactive(since=AT, owner_id=OWNER),
    "a flag cleared": LeadFlagCleared(active_at=AT),
}
