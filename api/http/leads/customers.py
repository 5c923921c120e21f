"""Customers over HTTP: what leads were converted to."""

from functools import partial
from typing import Any
from uuid import UUID

from litestar import Router, get
from msgspec import Struct, structs

from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.contacts.reads import ReadQuery
from api.http.exchange import HttpRequest, etag, path_id, principal_of, query_of, services_of
from api.http.leads import examples
from api.http.leads.reach import SEEING
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import caught_up, settled
from api.http.shapes import Cursor, Limit, Page
from commands.identity.access import Principal
from commands.sight import SEEING as SEEING_CONTACTS
from commands.visible import CONTACTS, LEADS, view_of
from domain.errors import GoneError, NotFoundError
from projections.companies import company
from projections.contacts import contact
from projections.contacts import family as contact_family
from projections.contacts import past as contact_past
from projections.leads import customer, customer_queries, lead
from projections.leads.customer_queries import CustomerView, Stored
from projections.position import Level, Moment

READ_MODELS = tuple(each.PROJECTION.checkpoint for each in (company, contact, contact_family, lead, customer))
PAST = tuple(each.PROJECTION.checkpoint for each in (contact_past, contact_family, lead, customer))
"""What customers as of a moment are read from."""
_SEEN = (
    "A customer is seen by who may read one of its leads, and shows those leads. `name` is that of the company, else of"
    " the contact, else of the first lead; null for who must not see any of these."
)


class CustomersQuery(Struct, forbid_unknown_fields=True):
    """Page of a list of customers."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/customers",
    **operation(
        summary="List customers",
        description=_SEEN,
        tag="leads",
        permission=SEEING,
        query=CustomersQuery,
        answers={200: Page[CustomerView]},
        errors=("cursor.invalid",),
        result={"data": [examples.CUSTOMER], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_customers(request: HttpRequest) -> Answer:
    """A page of customers, oldest first."""
    query: CustomersQuery = query_of(request, CustomersQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["customers", query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await _settled(request, moment)
    page = partial(customer_queries.page, tenant_id=caller.tenant_id, after=after, limit=query.limit, as_of=moment)
    page = partial(page, owners=caller.owners(SEEING))
    rows, bound = await services.reads.ask(caller.tenant_id, page, at_least=level)
    next_cursor = cursor_after(request, scope, bound, moment)
    return Answer(Page(data=[customer_told(caller, row) for row in rows], next_cursor=next_cursor))


@get(
    "/customers/{customer_id:str}",
    **operation(
        summary="Read a customer",
        description=f"{_SEEN} One whose conversions were all undone is gone (410).",
        tag="leads",
        permission=SEEING,
        query=ReadQuery,
        answers={200: CustomerView},
        errors=("customer.not_found", "customer.deleted"),
        result=examples.CUSTOMER,
        read_after=True,
        scoped=True,
    ),
)
async def read_customer(request: HttpRequest) -> Answer:
    """One customer."""
    customer_id = path_id(request, "customer_id", "customer")
    query: ReadQuery = query_of(request, ReadQuery)
    caller = principal_of(request)
    moment = await moment_of(request, query.as_of)
    found = await _stored(request, customer_id, await _settled(request, moment), moment)
    if found is None and not moment and (level := await caught_up(request, READ_MODELS)):
        found = await _stored(request, customer_id, level)
    # Whose leads were taken off one that has none is not known: it is gone for who may read all leads.
    if found is None or not (found.lead_ids or caller.may(SEEING)):
        raise NotFoundError("customer")
    if found.deleted_at is not None:
        raise GoneError("customer")
    return Answer(customer_told(caller, found), headers={"ETag": etag(found.version)})


async def _settled(request: HttpRequest, moment: Moment | None) -> Level | None:
    return await (settled(request, PAST, at_least=moment.position) if moment else settled(request, READ_MODELS))


async def _stored(
    request: HttpRequest, customer_id: UUID, level: Level | None, moment: Moment | None = None
) -> Stored | None:
    caller = principal_of(request)
    query = partial(customer_queries.by_id, tenant_id=caller.tenant_id, customer_id=customer_id, as_of=moment)
    query = partial(query, owners=caller.owners(SEEING))
    return await services_of(request).reads.ask(caller.tenant_id, query, at_least=level)


def customer_told(caller: Principal, row: Stored) -> CustomerView:
    """A customer under the name that the caller may see, without what is hidden of its leads."""
    leads, contacts = view_of(caller, LEADS), view_of(caller, CONTACTS)
    by_contact = row.contact_name if caller.reaches(SEEING_CONTACTS, row.contact_owner_id) else None
    names = (
        None if contacts.hides("company") or leads.hides("company") else row.company_name,
        None if contacts.hides("name") or leads.hides("contact") else by_contact,
        None if leads.hides("title") else row.title,
    )
    view = row.view(next((name for name in names if name), None))
    if leads.is_free:
        return view
    hidden: dict[str, Any] = {name: None for name in ("contact_id", "company_id") if leads.hides(name)}
    return structs.replace(view, **hidden)


ROUTER = Router(path="/v1", route_handlers=[list_customers, read_customer])
