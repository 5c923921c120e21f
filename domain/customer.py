"""A customer: what leads are converted to. One per company, else one per contact, else one per lead."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct, structs

from domain.event import Event


class CustomerRegistered(Event, topic="customer.registered.v1"):
    """The first lead of a company, a contact, or of neither, was converted."""

    lead_id: UUID
    company_id: UUID | None = None
    contact_id: UUID | None = None


class CustomerLeadAdded(Event, topic="customer.lead_added.v1"):
    """Another lead was converted to it."""

    lead_id: UUID


class CustomerLeadRemoved(Event, topic="customer.lead_removed.v1"):
    """A conversion was undone, or the lead deleted. A customer without leads is none, until it gets one again."""

    lead_id: UUID


class Customer(Struct, frozen=True, kw_only=True):
    """State of a customer; `version` counts the stream's events, `since` is when the first of its leads came.

    `deleted_at`: since when it has no leads.
    """

    id: UUID
    version: int
    company_id: UUID | None = None
    contact_id: UUID | None = None
    lead_ids: tuple[UUID, ...] = ()
    since: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (CustomerRegistered, CustomerLeadAdded, CustomerLeadRemoved)


def customer_id(tenant_id: UUID, *, company_id: UUID | None, contact_id: UUID | None, lead_id: UUID) -> UUID:
    """The id of the customer that a lead becomes: the same for everybody who converts one at the same moment."""
    found = next((k, v) for k, v in (("company", company_id), ("contact", contact_id), ("lead", lead_id)) if v)
    return uuid5(tenant_id, f"customer/{found[0]}/{found[1]}")


def evolve(
    customer: Customer | None, event: Event, *, stream_id: UUID, at: datetime, occurred_at: datetime | None = None
) -> Customer:
    """Apply one event, recorded at `at`, which happened at `occurred_at` (by default then, too).

    Raises:
        TypeError: the event is none of a customer's, or comes where it can't.
    """
    then = occurred_at or at
    match customer, event:
        case None, CustomerRegistered(lead_id=lead_id, company_id=company_id, contact_id=contact_id):
            return Customer(
                id=stream_id, version=1, company_id=company_id, contact_id=contact_id, lead_ids=(lead_id,), since=then,
                created_at=at, updated_at=at,
            )  # fmt: skip
        case Customer(), CustomerLeadAdded(lead_id=lead_id):
            since = customer.since if customer.lead_ids else then
            lead_ids = (*customer.lead_ids, lead_id)
            return _next(customer, at, lead_ids=lead_ids, since=since, deleted_at=None)
        case Customer(), CustomerLeadRemoved(lead_id=lead_id):
            lead_ids = tuple(each for each in customer.lead_ids if each != lead_id)
            return _next(customer, at, lead_ids=lead_ids, deleted_at=None if lead_ids else at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this customer")


def _next(customer: Customer, at: datetime, **members: object) -> Customer:
    return structs.replace(customer, version=customer.version + 1, updated_at=at, **members)
