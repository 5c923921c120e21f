"""Contacts over HTTP: found by a text."""

from functools import partial
from typing import Annotated, Any

from litestar import get
from msgspec import Meta, Struct, structs

from api.http import examples
from api.http.answer import Answer
from api.http.contacts.there import READ_MODELS
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import MOST_SECONDS, settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import HIDING, telling
from commands.identity.access import Principal
from commands.sight import SEEING
from commands.visible import CONTACTS, view_of
from domain.errors import DomainError
from projections.contacts import indexer as contact_indexer
from projections.contacts import queries as contact_queries
from projections.contacts import words as contact_words
from projections.contacts.queries import ContactView
from projections.contacts.search import Answer as Found
from projections.contacts.search import Backend, Sought, Within
from projections.contacts.text import FIELDS
from projections.position import Level

_SEARCHED_BY = {
    "postgres": (*READ_MODELS, contact_words.PROJECTION.checkpoint),
    "opensearch": (*READ_MODELS, contact_indexer.CHECKPOINT),
}
_SCORE_DIGITS = 4
"""What is told of scores: stores count with fewer digits than JSON has."""
_PATIENCE = {"postgres": MOST_SECONDS, "opensearch": MOST_SECONDS / 2}
"""Seconds that a request waits for a backend to include what it has to see."""


class SearchQuery(Struct, forbid_unknown_fields=True):
    """What to look for."""

    q: Annotated[
        str, Meta(min_length=1, max_length=200, description="Part of a name, e-mail or company; may be misspelt.")
    ]
    limit: Limit = 50
    cursor: Cursor | None = None


class FoundContact(ContactView, frozen=True, kw_only=True):
    """A contact that a search found: how well it fits, and which fields did."""

    score: float
    matched: tuple[str, ...]


@get(
    "/contacts/search",
    **operation(
        summary="Find contacts by part of a name, e-mail or company, misspelt or not",
        description=f"The header Search-Backend tells which search answered. {HIDING}",
        tag="contacts",
        permission="contacts.read",
        query=SearchQuery,
        answers={200: Page[FoundContact]},
        errors=("cursor.invalid", "search.unavailable"),
        example={"q": "lovelase"},
        result={"data": [examples.CONTACT | {"score": 0.93, "matched": ["name"]}], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def search_contacts(request: HttpRequest) -> Answer:
    """Contacts that fit a text, best first."""
    query: SearchQuery = query_of(request, SearchQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["contacts/search", query.q]
    offset = services.cursors.read(query.cursor, caller.tenant_id, scope) if query.cursor is not None else 0
    sought = Sought(query.q, offset, query.limit + 1, within(caller))
    page, backend = await found_page(request, sought, scope)
    return Answer(page, headers={"Search-Backend": backend})


async def found_page(request: HttpRequest, sought: Sought, scope: object) -> tuple[Page[Any], Backend]:
    """A page of what is sought, one hit of which tells whether there are more, and who found it.

    Cursors are bound to `scope`.
    """
    caller, services = principal_of(request), services_of(request)
    tenant_id, limit = caller.tenant_id, sought.limit - 1
    found, level = await _found(request, sought)
    hits = found.hits[:limit]
    by_ids = partial(contact_queries.by_ids, tenant_id=tenant_id, ids=[hit.id for hit in hits])
    rows = {row.id: row for row in await services.reads.ask(tenant_id, by_ids, at_least=level)}
    told = telling(caller, CONTACTS)
    data = [
        told(FoundContact(**structs.asdict(row.view()), score=round(hit.score, _SCORE_DIGITS), matched=hit.matched))
        for hit in hits
        if (row := rows.get(hit.id)) and row.deleted_at is None and caller.reaches(SEEING, row.owner_id)
    ]
    next_cursor = None
    if len(found.hits) > limit:
        place = hits[-1].place if sought.order else sought.offset + limit
        next_cursor = services.cursors.make(tenant_id, scope, place)
    return Page(data=data, next_cursor=next_cursor), found.backend


async def _found(request: HttpRequest, sought: Sought) -> tuple[Found, Level | None]:
    """What is found by a backend that includes what the request has to see."""
    services = services_of(request)
    backend = services.search.backend
    look = partial(services.search.search, principal_of(request).tenant_id, sought)
    try:
        level = await settled(request, _SEARCHED_BY[backend], seconds=_PATIENCE[backend])
    except DomainError as late:
        if backend == "postgres" or late.code != "read_after.timeout":
            raise
        # Its index takes nothing now, or not fast enough; what it is made from is there.
        level = await settled(request, _SEARCHED_BY["postgres"], seconds=MOST_SECONDS - _PATIENCE[backend])
        return await look(at_least=level, spare=True), level
    found = await look(at_least=level)
    if found.backend != backend:  # it changed meanwhile, and what was waited for says nothing of the other
        level = await settled(request, _SEARCHED_BY["postgres"])
        found = await look(at_least=level, spare=True)
    return found, level


def within(caller: Principal) -> Within:
    """What a search for this caller looks at."""
    view = view_of(caller, CONTACTS)
    return Within(caller.owners(SEEING), frozenset() if view.is_free else frozenset(filter(view.hides, FIELDS)))
