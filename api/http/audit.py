"""The audit trail and security events over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from msgspec import Meta, Struct

from api.http import examples
from api.http.actors import actor_names
from api.http.answer import Answer
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import entries_told
from api.http.tried import note_filters
from domain.errors import DomainError, FieldError
from projections import audit
from projections.audit import Trail, Wanted
from projections.history import Entry
from projections.identity import security_events
from projections.identity import user as user_rows
from projections.identity.security_events import SecurityEvent, SecurityEventKind

TAG = "audit"
_NAMES = (user_rows.PROJECTION.checkpoint,)
_PAGES = (
    "Newest first, from the log itself. An answer looks at so many events at most: a page may hold fewer entries than"
    " `limit`, or none, and yet have a `next_cursor`; only without one is it the last."
)


class AuditQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Filters and page of the audit trail."""

    actor_id: UUID | None = None
    target_id: UUID | None = None
    action: Annotated[str, Meta(description="As entries have it, like contact.changed.")] | None = None
    since: Annotated[datetime, Meta(tz=True, description="Not before this time.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this time.")] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class SecurityQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Filters and page of security events."""

    kind: SecurityEventKind | None = None
    since: Annotated[datetime, Meta(tz=True, description="Not before this time.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this time.")] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/audit",
    **operation(
        summary="Who did what to what, from what to what, when and from where",
        description=_PAGES,
        tag=TAG,
        permission="audit.read",
        query=AuditQuery,
        answers={200: Page[Entry]},
        errors=("cursor.invalid",),
        result={"data": [examples.AUDIT_ENTRY], "next_cursor": None},
        read_after=True,
    ),
)
async def read_audit(request: HttpRequest) -> Answer:
    """A page of the audit trail. A user's profile is a target like any other."""
    query: AuditQuery = query_of(request, AuditQuery)
    wanted = Wanted(
        actor_id=query.actor_id,
        target_id=query.target_id,
        topics=None if query.action is None else _topics_of(query.action),
        since=query.since,
        until=query.until,
    )
    level = await settled(request, _NAMES)
    trail, next_cursor = await _page(request, ["audit", wanted], wanted, query)
    if not trail.recorded:
        note_filters(request, query)
    names = await actor_names(request, trail.recorded, level)
    up_to = trail.recorded[0].position if trail.recorded else 0
    streams = await services_of(request).audit.streams(
        principal_of(request).tenant_id, audit.streams_of(trail.recorded), up_to
    )
    entries = entries_told(principal_of(request), audit.entries(trail.recorded, streams, names))
    return Answer(Page(data=entries, next_cursor=next_cursor))


@get(
    "/security-events",
    **operation(
        summary="What a security officer should look at",
        description=_PAGES,
        tag=TAG,
        permission="audit.read",
        query=SecurityQuery,
        answers={200: Page[SecurityEvent]},
        errors=("cursor.invalid",),
        result={"data": [examples.SECURITY_EVENT], "next_cursor": None},
        read_after=True,
    ),
)
async def read_security_events(request: HttpRequest) -> Answer:
    """A page of security events."""
    query: SecurityQuery = query_of(request, SecurityQuery)
    wanted = Wanted(topics=security_events.topics_of(query.kind), since=query.since, until=query.until)
    level = await settled(request, _NAMES)
    trail, next_cursor = await _page(request, ["security_events", wanted], wanted, query)
    names = await actor_names(request, trail.recorded, level, security_events.users_of(trail.recorded))
    return Answer(Page(data=security_events.told(trail.recorded, names), next_cursor=next_cursor))


def _topics_of(action: str) -> tuple[str, ...]:
    """The topics of an action.

    Raises:
        DomainError: query.invalid: there is no such action.
    """
    if topics := audit.topics_of(action):
        return topics
    raise DomainError(
        "query.invalid",
        "a query parameter is not valid",
        hint="Correct the parameters listed in errors.",
        errors=[FieldError("action", "value.not_allowed", f"is not one of {', '.join(audit.actions())}")],
    )


async def _page(
    request: HttpRequest, scope: object, wanted: Wanted, query: AuditQuery | SecurityQuery
) -> tuple[Trail, str | None]:
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    before = services.cursors.read(query.cursor, tenant_id, scope) if query.cursor is not None else None
    trail = await services.audit.trail(tenant_id, wanted, before=before, limit=query.limit)
    next_cursor = None if trail.before is None else services.cursors.make(tenant_id, scope, trail.before)
    return trail, next_cursor


ROUTER = Router(path="/v1", route_handlers=[read_audit, read_security_events])
