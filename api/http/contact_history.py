"""A contact's history over HTTP."""

from litestar import get
from msgspec import Struct

from api.http import examples
from api.http.actors import actor_names
from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.contact_reach import require_sight
from api.http.exchange import HttpRequest, path_id, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import READ_ERRORS, Cursor, Limit, Page
from api.http.telling import entries_told
from domain import contact
from domain.errors import NotFoundError
from projections import history
from projections import user as user_rows


class HistoryQuery(Struct, forbid_unknown_fields=True):
    """Page of a history."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/contacts/{contact_id:str}/history",
    **operation(
        summary="Who changed what of a contact, and when",
        description=(
            "Newest first. A deleted contact keeps its history. Those who acted go by today's names. Changes of fields"
            " that the caller's roles hide are left out."
        ),
        tag="contacts",
        permission="contacts.read",
        query=HistoryQuery,
        answers={200: Page[history.Entry]},
        errors=(*READ_ERRORS, "contact.not_found", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
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
    await require_sight(request, contact_id)
    recorded = await services.store.load(tenant_id, contact_id, up_to=moment.position if moment else None)
    if not recorded or not recorded[0].event.TOPIC.startswith("contact."):
        raise NotFoundError("contact")
    names = await actor_names(request, recorded, level)
    entries = history.entries("contact", recorded, contact.evolve, names)[::-1]
    if before is not None:
        entries = [entry for entry in entries if entry.position < before]
    more = len(entries) > query.limit
    next_cursor = services.cursors.make(tenant_id, scope, entries[query.limit - 1].position) if more else None
    return Answer(Page(data=entries_told(principal_of(request), entries[: query.limit]), next_cursor=next_cursor))
