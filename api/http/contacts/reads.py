"""Contacts over HTTP: lists, and one."""

from datetime import datetime
from functools import partial
from uuid import UUID

from litestar import get
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.as_of import AsOf, defined_then, moment_of
from api.http.contacts.there import READ_MODELS, contact_now, contact_then
from api.http.exchange import HttpRequest, etag, path_id, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import HIDING, require_shown, telling
from api.http.tried import note_filters
from commands.sight import SEEING
from commands.visible import CONTACTS, View, view_of
from domain import company
from projections.contacts import past as contact_past
from projections.contacts import queries as contact_queries
from projections.contacts.queries import ContactView, Filters, Sort
from projections.position import Moment

_PAST = (contact_past.PROJECTION.checkpoint, *READ_MODELS)
_FILTERED_BY = {"tag": "tags"}


class FilterQuery(Struct, forbid_unknown_fields=True):
    """Which contacts, and of when."""

    owner_id: UUID | None = None
    tag: str | None = None
    company_id: UUID | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None
    as_of: AsOf | None = None

    @property
    def filters(self) -> Filters:
        """The filters among them."""
        return Filters(**{name: getattr(self, name) for name in Filters.__struct_fields__})


class ListQuery(FilterQuery, forbid_unknown_fields=True):
    """Filters, order and page of a list of contacts."""

    sort: Sort = Sort.CREATED_AT
    limit: Limit = 50
    cursor: Cursor | None = None


class ReadQuery(Struct, forbid_unknown_fields=True):
    """Of when a record is read."""

    as_of: AsOf | None = None


@get(
    "/contacts",
    **operation(
        summary="List contacts",
        description=f"{HIDING} Filtering or sorting by a hidden field is refused.",
        tag="contacts",
        permission="contacts.read",
        query=ListQuery,
        answers={200: Page[ContactView]},
        errors=("cursor.invalid",),
        result={"data": [examples.CONTACT], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_contacts(request: HttpRequest) -> Answer:
    """A page of contacts."""
    query: ListQuery = query_of(request, ListQuery)
    caller, services = principal_of(request), services_of(request)
    tenant_id, view = caller.tenant_id, view_of(caller, CONTACTS)
    check_seen(view, query, query.sort)
    filters = query.filters
    scope = ["contacts", filters, query.sort, query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await (settled(request, _PAST, at_least=moment.position) if moment else settled(request, READ_MODELS))
    page = partial(contact_queries.page, tenant_id=tenant_id, filters=filters, sort=query.sort, after=after)
    page = partial(page, limit=query.limit, as_of=moment, owners=caller.owners(SEEING))
    page = partial(page, by_name_alone=view.hides("emails") or view.hides("phones"))
    rows, bound = await services.reads.ask(tenant_id, page, at_least=level)
    next_cursor = cursor_after(request, scope, bound, moment)
    if not rows:
        note_filters(request, query)
    told = telling(caller, CONTACTS, defined=await defined_then(request, moment, rows))
    return Answer(Page(data=[told(row.view()) for row in rows], next_cursor=next_cursor))


@get(
    "/contacts/{contact_id:str}",
    **operation(
        summary="Read a contact",
        description=HIDING,
        tag="contacts",
        permission="contacts.read",
        query=ReadQuery,
        answers={200: ContactView},
        errors=("contact.not_found", "contact.deleted", "contact.merged"),
        result=examples.CONTACT,
        read_after=True,
        scoped=True,
    ),
)
async def read_contact(request: HttpRequest) -> Answer:
    """One contact."""
    contact_id = path_id(request, "contact_id", "contact")
    query: ReadQuery = query_of(request, ReadQuery)
    moment = await moment_of(request, query.as_of)
    if moment:
        await settled(request, ())
        found = await as_it_was(request, contact_id, moment)
    else:
        found = (await contact_now(request, contact_id, await settled(request, READ_MODELS))).view()
    told = telling(principal_of(request), CONTACTS, defined=await defined_then(request, moment, [found]))
    return Answer(told(found), headers={"ETag": etag(found.version)})


def check_seen(view: View, query: FilterQuery, sort: Sort | None = None) -> None:
    """Refuse to filter and sort by what the caller must not see."""
    if view.is_free:
        return
    used = {"owner_id": query.owner_id, "tag": query.tag, "company_id": query.company_id}
    asked = {name: _FILTERED_BY.get(name, name) for name, value in used.items() if value is not None}
    if sort is Sort.NAME:
        asked["sort"] = "name"
    require_shown(view, asked)


async def as_it_was(request: HttpRequest, contact_id: UUID, moment: Moment) -> ContactView:
    """A contact folded from its events up to a moment, with its company's name of then. Raises as `contact_then`."""
    found = await contact_then(request, contact_id, moment)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    load = partial(services.handler.state, tenant_id, up_to=moment.position)
    employer = await load("company", company.evolve, found.company_id) if found.company_id else None
    return contact_queries.view(found, contact_queries.employer(employer))
