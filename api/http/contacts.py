"""Contacts over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, delete, get, patch, post
from msgspec import Meta, Struct, structs

from api.http import examples, reading
from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    PATCH,
    HttpRequest,
    NoQuery,
    WriteQuery,
    caught_up,
    check_if_match,
    check_media,
    etag,
    if_match,
    path_id,
    principal_of,
    query_of,
    raw_body,
    services_of,
    settled,
    write_headers,
    writing,
)
from api.http.operation import operation
from api.http.shapes import DryRun, Page, dry_run_answer
from commands import contact as commands
from commands.handle import Outcome, Read, UseCase
from commands.registry import CHANGE_CONTACT, DELETE_CONTACT, REGISTER_CONTACT
from domain import company, contact
from domain.company import CompanyRegistered
from domain.contact import Contact
from domain.errors import DomainError, GoneError, NotFoundError
from projections import company as company_rows
from projections import contact as contact_rows
from projections import contact_indexer, contact_queries, contact_words, history, user_queries
from projections import user as user_rows
from projections.contact_queries import CompanyRef, ContactView, Filters, Sort, Stored

TAG = "contacts"
_READ_ERRORS = ("query.invalid", "read_after.ahead", "read_after.invalid", "read_after.timeout")

_READ_MODELS = tuple(p.PROJECTION.checkpoint for p in (company_rows, contact_rows))
_SEARCHED_BY = {
    "postgres": (*_READ_MODELS, contact_words.PROJECTION.checkpoint),
    "opensearch": (*_READ_MODELS, contact_indexer.CHECKPOINT),
}

Limit = Annotated[int, Meta(ge=1, le=200, description="Items of a page, 1 to 200.")]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before.")]


class ListQuery(Struct, forbid_unknown_fields=True):
    """Filters, order and page of a list of contacts."""

    owner_id: UUID | None = None
    tag: str | None = None
    company_id: UUID | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None
    sort: Sort = Sort.CREATED_AT
    limit: Limit = 50
    cursor: Cursor | None = None


class SearchQuery(Struct, forbid_unknown_fields=True):
    """What to look for."""

    q: Annotated[
        str, Meta(min_length=1, max_length=200, description="Part of a name, e-mail or company; may be misspelt.")
    ]
    limit: Limit = 50
    cursor: Cursor | None = None


class HistoryQuery(Struct, forbid_unknown_fields=True):
    """Page of a history."""

    limit: Limit = 50
    cursor: Cursor | None = None


class FoundContact(ContactView, frozen=True, kw_only=True):
    """A contact that a search found: how well it fits, and which fields did."""

    score: float
    matched: tuple[str, ...]


@post(
    "/contacts",
    **operation(
        summary="Add a contact",
        description="At least one of name, email and phone is needed. `company` is found by name, or made.",
        tag=TAG,
        permission="contacts.write",
        body=commands.RegisterContact,
        query=WriteQuery,
        answers={201: ContactView, 200: DryRun},
        errors=(
            "validation.failed",
            "contact.external_ids_taken",
            "body.malformed",
            "body.media_type",
            "body.too_large",
        ),
        example=examples.NEW_CONTACT,
        result=examples.CONTACT,
        results={200: examples.DRY_REGISTRATION},
        writes=True,
        idempotent=True,
    ),
)
async def register_contact(request: HttpRequest) -> Answer:
    """Add a contact."""
    return await _write(request, REGISTER_CONTACT, commands.RegisterContact, JSON)


@get(
    "/contacts",
    **operation(
        summary="List contacts",
        tag=TAG,
        permission="contacts.read",
        query=ListQuery,
        answers={200: Page[ContactView]},
        errors=(*_READ_ERRORS, "cursor.invalid"),
        result={"data": [examples.CONTACT], "next_cursor": None},
        read_after=True,
    ),
)
async def list_contacts(request: HttpRequest) -> Answer:
    """A page of contacts."""
    query: ListQuery = query_of(request, ListQuery)
    principal, services = principal_of(request), services_of(request)
    filters = Filters(**{name: getattr(query, name) for name in Filters.__struct_fields__})
    scope = ["contacts", filters, query.sort]
    after = services.cursors.read(query.cursor, principal.tenant_id, scope) if query.cursor is not None else None
    await settled(request, _READ_MODELS)
    async with services.reads.of(principal.tenant_id) as connection:
        rows, bound = await contact_queries.page(
            connection, principal.tenant_id, filters, query.sort, after=after, limit=query.limit
        )
    next_cursor = services.cursors.make(principal.tenant_id, scope, bound) if bound else None
    return Answer(Page(data=[row.view() for row in rows], next_cursor=next_cursor))


@get(
    "/contacts/search",
    **operation(
        summary="Find contacts by part of a name, e-mail or company, misspelt or not",
        description="The header Search-Backend tells which search answered.",
        tag=TAG,
        permission="contacts.read",
        query=SearchQuery,
        answers={200: Page[FoundContact]},
        errors=(*_READ_ERRORS, "cursor.invalid", "search.unavailable"),
        example={"q": "lovelase"},
        result={"data": [examples.CONTACT | {"score": 0.93, "matched": ["name"]}], "next_cursor": None},
        read_after=True,
    ),
)
async def search_contacts(request: HttpRequest) -> Answer:
    """Contacts that fit a text, best first."""
    query: SearchQuery = query_of(request, SearchQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    scope = ["contacts/search", query.q]
    offset = services.cursors.read(query.cursor, tenant_id, scope) if query.cursor is not None else 0
    backend = services.search.backend
    await settled(request, _SEARCHED_BY[backend])
    found = await services.search.search(tenant_id, query.q, offset=offset, limit=query.limit + 1)
    if found.backend != backend:  # it changed meanwhile, and what was waited for says nothing of the other
        await settled(request, _SEARCHED_BY[found.backend])
        found = await services.search.search(tenant_id, query.q, offset=offset, limit=query.limit + 1)
    hits = found.hits[: query.limit]
    async with services.reads.of(tenant_id) as connection:
        rows = {row.id: row for row in await contact_queries.by_ids(connection, tenant_id, [hit.id for hit in hits])}
    data = [
        FoundContact(**structs.asdict(rows[hit.id].view()), score=hit.score, matched=hit.matched)
        for hit in hits
        if hit.id in rows and rows[hit.id].deleted_at is None
    ]
    more = len(found.hits) > query.limit
    next_cursor = services.cursors.make(tenant_id, scope, offset + query.limit) if more else None
    return Answer(Page(data=data, next_cursor=next_cursor), headers={"Search-Backend": found.backend})


@get(
    "/contacts/{contact_id:str}",
    **operation(
        summary="Read a contact",
        tag=TAG,
        permission="contacts.read",
        query=NoQuery,
        answers={200: ContactView},
        errors=(*_READ_ERRORS, "contact.not_found", "contact.deleted"),
        result=examples.CONTACT,
        read_after=True,
    ),
)
async def read_contact(request: HttpRequest) -> Answer:
    """One contact."""
    contact_id = path_id(request, "contact_id", "contact")
    query_of(request, NoQuery)
    await settled(request, _READ_MODELS)
    found = await _stored(request, contact_id)
    if found is None and await caught_up(request, _READ_MODELS):
        found = await _stored(request, contact_id)
    if found is None:
        raise NotFoundError("contact")
    if found.deleted_at is not None:
        raise GoneError("contact")
    return Answer(found.view(), headers={"ETag": etag(found.version)})


@patch(
    "/contacts/{contact_id:str}",
    **operation(
        summary="Change a contact",
        description="A merge patch (RFC 7396). With If-Match it is refused when someone else was faster.",
        tag=TAG,
        permission="contacts.write",
        body=commands.ChangeContact,
        media=PATCH,
        query=WriteQuery,
        answers={200: (ContactView, DryRun)},
        errors=(
            *("validation.failed", "contact.not_found", "contact.deleted", "contact.external_ids_taken"),
            *("precondition.version", "if_match.invalid", "body.malformed", "body.media_type", "body.too_large"),
        ),
        example={"title": "Countess", "tags": ["vip"]},
        result=examples.CONTACT | {"version": 2, "title": "Countess", "tags": ["vip"]},
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def change_contact(request: HttpRequest) -> Answer:
    """Change some fields."""
    return await _write(request, CHANGE_CONTACT, commands.ChangeContact, PATCH)


@delete(
    "/contacts/{contact_id:str}",
    # Litestar wants no body with 204, but a dry run has one; the answer sets its own status.
    status_code=200,
    **operation(
        summary="Delete a contact",
        tag=TAG,
        permission="contacts.delete",
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=(
            *("contact.not_found", "contact.deleted"),
            *("precondition.version", "if_match.invalid", "body.too_large"),
        ),
        results={200: examples.DRY_DELETION},
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def delete_contact(request: HttpRequest) -> Answer:
    """Delete it; its history stays."""
    return await _write(request, DELETE_CONTACT, commands.DeleteContact, ())


@get(
    "/contacts/{contact_id:str}/history",
    **operation(
        summary="Who changed what of a contact, and when",
        description="Newest first. A deleted contact keeps its history.",
        tag=TAG,
        permission="contacts.read",
        query=HistoryQuery,
        answers={200: Page[history.Entry]},
        errors=(*_READ_ERRORS, "contact.not_found", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
    ),
)
async def contact_history(request: HttpRequest) -> Answer:
    """A contact's history, from its events."""
    contact_id = path_id(request, "contact_id", "contact")
    query: HistoryQuery = query_of(request, HistoryQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    scope = ["history", contact_id]
    before = services.cursors.read(query.cursor, tenant_id, scope) if query.cursor is not None else None
    # Events are read from the log itself; only the names of those who acted come from a read model.
    await settled(request, (user_rows.PROJECTION.checkpoint,))
    recorded = await services.store.load(tenant_id, contact_id)
    if not recorded or not recorded[0].event.TOPIC.startswith("contact."):
        raise NotFoundError("contact")
    actors = {item.metadata.actor.id for item in recorded if item.metadata.actor.id}
    async with services.reads.of(tenant_id) as connection:
        names = await user_queries.names(connection, tenant_id, sorted(actors))
    entries = history.entries("contact", recorded, contact.evolve, names)[::-1]
    if before is not None:
        entries = [entry for entry in entries if entry.position < before]
    more = len(entries) > query.limit
    next_cursor = services.cursors.make(tenant_id, scope, entries[query.limit - 1].position) if more else None
    return Answer(Page(data=entries[: query.limit], next_cursor=next_cursor))


async def _write(request: HttpRequest, case: UseCase[Any, Contact], body: type[Any], media: tuple[str, ...]) -> Answer:
    """The course of every write to a contact: look up, read the body, decide, append, answer."""
    contact_id = None if case.creates else path_id(request, "contact_id", "contact")
    query: WriteQuery = query_of(request, WriteQuery)
    raw, refusal = b"", None
    try:
        raw = await raw_body(request)
    except DomainError as too_large:  # told only when there is something to do it to
        refusal = too_large
    services = services_of(request)
    read = _reader(request, raw, refusal, body, media)
    async with writing(request, raw, dry_run=query.dry_run) as context:
        outcome = await services.handler.handle(context, case, read, stream_id=contact_id, if_match=if_match(request))
        made = await _view(request, outcome)
    if query.dry_run:
        return dry_run_answer(outcome, made)
    headers = write_headers(outcome, location=f"/v1/contacts/{outcome.stream_id}")
    if case.status == 204:  # noqa: PLR2004
        return Answer(None, status=204, headers=headers)
    headers["ETag"] = etag(made.version)
    return Answer(made, status=outcome.status, headers=headers)


def _reader(
    request: HttpRequest, raw: bytes, refusal: DomainError | None, body: type[Any], media: tuple[str, ...]
) -> Read[Any]:
    def read() -> Any:
        check_if_match(request)
        if refusal:
            raise refusal
        if not media:
            return body(), ()
        check_media(request, media)
        readable = reading.body(raw, body)
        return readable.value, readable.errors

    return read


async def _view(request: HttpRequest, outcome: Outcome[Contact]) -> ContactView:
    state = outcome.state
    if state.company_id is None:
        return contact_queries.view(state, None)
    for event in outcome.events:
        if isinstance(event, CompanyRegistered):
            return contact_queries.view(state, CompanyRef(state.company_id, event.name))
    services = services_of(request)
    found = await services.handler.state(principal_of(request).tenant_id, "company", company.evolve, state.company_id)
    return contact_queries.view(state, CompanyRef(found.id, found.name))


async def _stored(request: HttpRequest, contact_id: UUID) -> Stored | None:
    tenant_id = principal_of(request).tenant_id
    async with services_of(request).reads.of(tenant_id) as connection:
        rows = await contact_queries.by_ids(connection, tenant_id, [contact_id])
    return rows[0] if rows else None


ROUTER = Router(
    path="/v1",
    route_handlers=[
        register_contact,
        list_contacts,
        search_contacts,
        read_contact,
        change_contact,
        delete_contact,
        contact_history,
    ],
)
