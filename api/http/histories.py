"""Histories over HTTP: who changed what of a record, and when, read from its events."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from msgspec import Struct

from api.http.actors import actor_names
from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import entries_told
from domain.errors import NotFoundError
from projections import history
from projections.identity import user as user_rows


class HistoryQuery(Struct, forbid_unknown_fields=True):
    """Page of a history."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


Sight = Callable[[HttpRequest, UUID], Awaitable[None]]
"""Raises NotFoundError when a record is not there for the caller now."""


async def history_page(
    request: HttpRequest, kind: str, evolve: Callable[..., Any], stream_id: UUID, sight: Sight | None = None
) -> Answer:
    """A page of a record's history, newest first.

    Raises:
        NotFoundError: there is no such record of this kind, or not for this caller.
    """
    query: HistoryQuery = query_of(request, HistoryQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["history", kind, stream_id, query.as_of]
    before = services.cursors.read(query.cursor, caller.tenant_id, scope) if query.cursor is not None else None
    # Events are read from the log itself; only the names of those who acted come from a read model.
    level = await settled(request, (user_rows.PROJECTION.checkpoint,))
    moment = await moment_of(request, query.as_of)
    if sight:
        await sight(request, stream_id)
    recorded = await services.store.load(caller.tenant_id, stream_id, up_to=moment.position if moment else None)
    if not recorded or not recorded[0].event.TOPIC.startswith(f"{kind}."):
        raise NotFoundError(kind)
    names = await actor_names(request, recorded, level)
    entries = history.entries(kind, recorded, evolve, names)[::-1]
    if before is not None:
        entries = [entry for entry in entries if entry.position < before]
    more = len(entries) > query.limit
    next_cursor = services.cursors.make(caller.tenant_id, scope, entries[query.limit - 1].position) if more else None
    return Answer(Page(data=entries_told(caller, entries[: query.limit]), next_cursor=next_cursor))
