"""A contact with all that belongs to it, in one answer, over HTTP."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from litestar import get
from msgspec import UNSET, Struct, UnsetType

from api.http.answer import Answer
from api.http.as_of import defined_then, moment_of
from api.http.companies.sight import COMPANY, company_told
from api.http.contacts import examples_profile as examples
from api.http.contacts.reads import ReadQuery, as_it_was
from api.http.contacts.relationships import RelationshipView, related
from api.http.contacts.there import READ_MODELS, contact_now
from api.http.exchange import HttpRequest, path_id, principal_of, query_of, services_of
from api.http.interactions.timelines import READ_MODELS as TIMELINE
from api.http.interactions.timelines import TimelineEntry, entry, seen_by
from api.http.leads.customers import READ_MODELS as CUSTOMERS
from api.http.leads.customers import customer_told
from api.http.leads.reach import SEEING as SEEING_LEADS
from api.http.operation import operation
from api.http.read_after import settled
from api.http.telling import HIDING, telling
from commands.sight import SEEING
from commands.visible import CONTACTS, LEADS, view_of
from domain import company
from domain.custom_field import RecordKind
from domain.lead_status import OPEN
from projections.companies import queries as company_queries
from projections.companies.queries import CompanyView
from projections.contacts import past as contact_past
from projections.contacts import relationship, relationship_queries
from projections.contacts.family import by_family
from projections.contacts.queries import CompanyRef, ContactView
from projections.identity import user_queries
from projections.leads import customer_queries
from projections.leads import queries as lead_queries
from projections.leads.customer_queries import CustomerView
from projections.leads.queries import LeadView
from projections.leads.queries import Sort as LeadSort
from projections.ports import Connection
from projections.position import Level, Moment
from projections.timeline import queries as timeline_queries
from projections.timeline.queries import Filters

NEWEST = 20
"""Entries of the timeline that a profile shows."""
_MOST = 200
LEAD = RecordKind.LEAD
_NOW = tuple({*READ_MODELS, *TIMELINE, *CUSTOMERS, relationship.PROJECTION.checkpoint})
_THEN = (*_NOW, contact_past.PROJECTION.checkpoint)


class Profile(Struct, frozen=True, kw_only=True):
    """A contact with its companies, its relationships, its open leads and the newest of its timeline.

    `customer` is what one of its leads was converted to. Of consents nothing is kept yet.
    """

    contact: ContactView
    companies: list[CompanyView] | UnsetType
    relationships: list[RelationshipView]
    timeline: list[TimelineEntry]
    leads: list[LeadView]
    customer: CustomerView | None
    consents: list[dict[str, Any]]


@get(
    "/contacts/{contact_id:str}/profile",
    **operation(
        summary="Read a contact with all that belongs to it",
        description=(
            f"Its companies, up to {_MOST} of its relationships, its open leads, the customer that one of its leads"
            f" became, and the {NEWEST} newest entries of its timeline; the routes of each lead to the rest. {HIDING}"
        ),
        tag="contacts",
        permission=SEEING,
        query=ReadQuery,
        answers={200: Profile},
        errors=("contact.not_found", "contact.deleted", "contact.merged"),
        result=examples.PROFILE,
        read_after=True,
        scoped=True,
    ),
)
async def read_profile(request: HttpRequest) -> Answer:
    """What there is to know of a contact, now or as of a moment."""
    contact_id = path_id(request, "contact_id", "contact")
    query: ReadQuery = query_of(request, ReadQuery)
    moment = await moment_of(request, query.as_of)
    level = await (settled(request, _THEN, at_least=moment.position) if moment else settled(request, _NOW))
    if moment:
        found = await as_it_was(request, contact_id, moment)
    else:
        found = (await contact_now(request, contact_id, level)).view()
    told = telling(principal_of(request), CONTACTS, defined=await defined_then(request, moment, [found]))
    companies, relationships, timeline, (leads, became) = await asyncio.gather(
        _companies(request, found.company, moment, level),
        _relationships(request, contact_id, moment, level),
        _timeline(request, contact_id, moment, level),
        _leads(request, contact_id, moment, level),
    )
    return Answer(
        Profile(
            contact=told(found),
            companies=companies,
            relationships=relationships,
            timeline=timeline,
            leads=leads,
            customer=became,
            consents=[],
        )
    )


async def _companies(
    request: HttpRequest, employer: CompanyRef | None, moment: Moment | None, level: Level | None
) -> list[CompanyView] | UnsetType:
    caller, services = principal_of(request), services_of(request)
    if view_of(caller, CONTACTS).hides("company"):
        return UNSET
    if employer is None:
        return []
    if moment:
        load = partial(services.handler.state, caller.tenant_id, up_to=moment.position)
        found = [company_queries.view(await load("company", company.evolve, employer.id))]
    else:
        query = partial(company_queries.by_ids, tenant_id=caller.tenant_id, ids=[employer.id])
        found = [row.view() for row in await services.reads.ask(caller.tenant_id, query, at_least=level)]
    told = company_told(caller, await defined_then(request, moment, found, COMPANY))
    return [told(each) for each in found]


async def _relationships(
    request: HttpRequest, contact_id: UUID, moment: Moment | None, level: Level | None
) -> list[RelationshipView]:
    caller = principal_of(request)
    page = partial(relationship_queries.page, after=None, limit=_MOST, as_of=moment)
    owners, tenant_id = caller.owners(SEEING), caller.tenant_id
    ask = by_family(
        lambda connection, ids: page(connection, tenant_id, ids, owners=owners), tenant_id, contact_id, moment
    )
    rows, _ = await services_of(request).reads.ask(tenant_id, ask, at_least=level)
    view = view_of(caller, CONTACTS)
    return [related(row, contact_id, view) for row in rows]


async def _leads(
    request: HttpRequest, contact_id: UUID, moment: Moment | None, level: Level | None
) -> tuple[list[LeadView], CustomerView | None]:
    """Its open leads, and the customer that the first converted one became."""
    caller, reads = principal_of(request), services_of(request).reads
    tenant_id, owners = caller.tenant_id, caller.owners(SEEING_LEADS)
    if view_of(caller, LEADS).hides("contact"):
        return [], None
    page = partial(lead_queries.page, sort=LeadSort.CREATED_AT, after=None, limit=_MOST, as_of=moment, owners=owners)

    async def ask(connection: Connection, ids: list[UUID]) -> list[lead_queries.Stored]:
        rows, _ = await page(connection, tenant_id, lead_queries.Filters(contact_id=contact_id), contacts=ids)
        return rows

    rows = await reads.ask(tenant_id, by_family(ask, tenant_id, contact_id, moment), at_least=level)
    told = telling(caller, LEADS, kind=LEAD, defined=await defined_then(request, moment, rows, LEAD))
    leads = [told(row.view()) for row in rows if row.status in OPEN]
    became = next((row.customer_id for row in rows if row.customer_id), None)
    if became is None:
        return leads, None
    query = partial(customer_queries.by_id, tenant_id=tenant_id, customer_id=became, as_of=moment, owners=owners)
    found = await reads.ask(tenant_id, query, at_least=level)
    return leads, customer_told(caller, found) if found and found.deleted_at is None else None


async def _timeline(
    request: HttpRequest, contact_id: UUID, moment: Moment | None, level: Level | None
) -> list[TimelineEntry]:
    caller, reads = principal_of(request), services_of(request).reads
    page = partial(timeline_queries.page, filters=Filters(), limit=NEWEST, as_of=moment)
    page = partial(page, **seen_by(caller, "contact"))
    rows, _ = await reads.ask(caller.tenant_id, by_family(page, caller.tenant_id, contact_id, moment), at_least=level)
    authors = sorted({row.author_id for row in rows if row.author_id})
    names = partial(user_queries.names, tenant_id=caller.tenant_id, ids=authors)
    found = await reads.ask(caller.tenant_id, names, at_least=level) if authors else {}
    return [entry(row, found, caller) for row in rows]
