"""Contacts over HTTP: lists, one, and its history."""

from datetime import datetime
from functools import partial
from uuid import UUID

from litestar import get
from msgspec import Struct

from api.http import examples
from api.http.actors import actor_names
from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.exchange import (
    HttpRequest,
    etag,
    path_id,
    principal_of,
    query_of,
    services_of,
)
from api.http.operation import operation
from api.http.read_after import caught_up, settled
from api.http.shapes import READ_ERRORS, Cursor, Limit, Page
from domain import company, contact
from domain.contact import Contact
from domain.errors import GoneError, NotFoundError
from projections import company as company_rows
from projections import contact as contact_rows
from projections import contact_past, contact_queries, history
from projections import user as user_rows
from projections.contact_queries import CompanyRef, ContactView, Filters, Sort, Stored
from projections.position import Level, Moment

READ_MODELS = tuple(p.PROJECTION.checkpoint for p in (company_rows, contact_rows))
_PAST = (contact_past.PROJECTION.checkpoint,)


class ListQuery(Struct, forbid_unknown_fields=True):
    """Filters, order and page of a list of contacts."""

    owner_id: UUID | None = None
    tag: str | None = None
    company_id: UUID | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None
    as_of: AsOf | None = None
    sort: Sort = Sort.CREATED_AT
    limit: Limit = 50
    cursor: Cursor | None = None


class ReadQuery(Struct, forbid_unknown_fields=True):
    """Of when a record is read."""

    as_of: AsOf | None = None


class HistoryQuery(Struct, forbid_unknown_fields=True):
    """Page of a history."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/contacts",
    **operation(
        summary="List contacts",
        tag="contacts",
        permission="contacts.read",
        query=ListQuery,
        answers={200: Page[ContactView]},
        errors=(*READ_ERRORS, "cursor.invalid"),
        result={"data": [examples.CONTACT], "next_cursor": None},
        read_after=True,
    ),
)
async def list_contacts(request: HttpRequest) -> Answer:
    """A page of contacts."""
    query: ListQuery = query_of(request, ListQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    filters = Filters(**{name: getattr(query, name) for name in Filters.__struct_fields__})
    scope = ["contacts", filters, query.sort, query.as_of]
    after = position = None
    if query.cursor is not None:
        after, position = services.cursors.read(query.cursor, tenant_id, scope)
    moment = await moment_of(request, query.as_of, position)
    level = await (settled(request, _PAST, at_least=moment.position) if moment else settled(request, READ_MODELS))
    page = partial(contact_queries.page, tenant_id=tenant_id, filters=filters, sort=query.sort, after=after)
    rows, bound = await services.reads.ask(tenant_id, partial(page, limit=query.limit, as_of=moment), at_least=level)
    place = (bound, moment.position if moment else None)
    next_cursor = services.cursors.make(tenant_id, scope, place) if bound else None
    return Answer(Page(data=[row.view() for row in rows], next_cursor=next_cursor))


@get(
    "/contacts/{contact_id:str}",
    **operation(
        summary="Read a contact",
        tag="contacts",
        permission="contacts.read",
        query=ReadQuery,
        answers={200: ContactView},
        errors=(*READ_ERRORS, "contact.not_found", "contact.deleted"),
        result=examples.CONTACT,
        read_after=True,
    ),
)
async def read_contact(request: HttpRequest) -> Answer:
    """One contact."""
    contact_id = path_id(request, "contact_id", "contact")
    query: ReadQuery = query_of(request, ReadQuery)
    moment = await moment_of(request, query.as_of)
    if moment:
        return await _as_it_was(request, contact_id, moment)
    found = await _stored(request, contact_id, await settled(request, READ_MODELS))
    if found is None and (level := await caught_up(request, READ_MODELS)):
        found = await _stored(request, contact_id, level)
    if found is None:
        raise NotFoundError("contact")
    if found.deleted_at is not None:
        raise GoneError("contact")
    return Answer(found.view(), headers={"ETag": etag(found.version)})


@get(
    "/contacts/{contact_id:str}/history",
    **operation(
        summary="Who changed what of a contact, and when",
        description="Newest first. A deleted contact keeps its history. Those who acted go by today's names.",
        tag="contacts",
        permission="contacts.read",
        query=HistoryQuery,
        answers={200: Page[history.Entry]},
        errors=(*READ_ERRORS, "contact.not_found", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
    ),
)
async def contact_history(request: HttpRequest) -> Answer:
    """A contact's history, from its events."""
    contact_id = path_id(request, "contact_id", "contact")
    query: HistoryQuery = query_of(request, HistoryQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    scope = ["history", contact_id, query.as_of]
    before = services.cursors.read(query.cursor, tenant_id, scope) if query.cursor is not None else None
    # Events are read from the log itself; only the names of those who acted come from a read model.
    level = await settled(request, (user_rows.PROJECTION.checkpoint,))
    moment = await moment_of(request, query.as_of)
    recorded = await services.store.load(tenant_id, contact_id, up_to=moment.position if moment else None)
    if not recorded or not recorded[0].event.TOPIC.startswith("contact."):
        raise NotFoundError("contact")
    names = await actor_names(request, recorded, level)
    entries = history.entries("contact", recorded, contact.evolve, names)[::-1]
    if before is not None:
        entries = [entry for entry in entries if entry.position < before]
    more = len(entries) > query.limit
    next_cursor = services.cursors.make(tenant_id, scope, entries[query.limit - 1].position) if more else None
    return Answer(Page(data=entries[: query.limit], next_cursor=next_cursor))


async def _as_it_was(request: HttpRequest, contact_id: UUID, moment: Moment) -> Answer:
    """A contact folded from its events up to a moment, with its company's name of then."""
    await settled(request, ())
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    load = partial(services.handler.state, tenant_id, up_to=moment.position)
    found: Contact = await load("contact", contact.evolve, contact_id)
    if found.deleted_at is not None:
        raise GoneError("contact")
    employer = await load("company", company.evolve, found.company_id) if found.company_id else None
    shown = contact_queries.view(found, CompanyRef(employer.id, employer.name) if employer else None)
    return Answer(shown, headers={"ETag": etag(found.version)})


async def _stored(request: HttpRequest, contact_id: UUID, level: Level | None) -> Stored | None:
    tenant_id = principal_of(request).tenant_id
    query = partial(contact_queries.by_ids, tenant_id=tenant_id, ids=[contact_id])
    rows = await services_of(request).reads.ask(tenant_id, query, at_least=level)
    return rows[0] if rows else None
