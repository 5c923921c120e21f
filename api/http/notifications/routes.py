"""What the signed-in user is told of, over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Router, get, post
from msgspec import Struct, structs

from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    WriteQuery,
    path_id,
    principal_of,
    query_of,
    services_of,
    write_headers,
)
from api.http.notifications import examples
from api.http.notifications.preferences import preferences_of, read_preferences, set_preferences
from api.http.operation import SIGNED_IN, operation
from api.http.read_after import caught_up, settled
from api.http.reading import Readable
from api.http.shapes import Cursor, DryRun, Limit, dry_run_answer
from api.http.writing import NoBody, carry_out
from commands.notifications.notifications import ReadAll, ReadOne
from commands.registry_notifications import READ_INBOX, READ_NOTIFICATION
from domain.errors import FieldError, NotFoundError
from domain.notification import Kind, Read, inbox_id
from projections.notifications import notification
from projections.notifications import queries as notification_queries
from projections.notifications.queries import Notification

TAG = "notifications"
READ_MODELS = (notification.PROJECTION.checkpoint,)


class NotificationView(Struct, frozen=True, kw_only=True):
    """What a user was told of: when, by whose act (null where nobody's), and which records it is about."""

    id: UUID
    kind: Kind
    at: datetime
    actor_id: UUID | None
    lead_id: UUID | None
    contact_id: UUID | None
    note_id: UUID | None
    read_at: datetime | None


class Notifications(Struct, frozen=True):
    """A page, and how many are unread, counted up to 1000."""

    data: list[NotificationView]
    next_cursor: str | None
    unread: int


class InboxView(Struct, frozen=True):
    """How far a user has read: all notifications of events up to a position."""

    up_to: int
    read_at: datetime


class NotificationsQuery(Struct, forbid_unknown_fields=True):
    """Which notifications, and the page of the list."""

    unread: bool = False
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/notifications",
    **operation(
        summary="List what one is told of",
        description="The caller's own, the newest first; of the kinds that are shown in the app by their preferences.",
        tag=TAG,
        permission=SIGNED_IN,
        query=NotificationsQuery,
        answers={200: Notifications},
        errors=("cursor.invalid",),
        result=examples.NOTIFICATIONS,
        read_after=True,
    ),
)
async def list_notifications(request: HttpRequest) -> Answer:
    """A page of the caller's notifications."""
    query: NotificationsQuery = query_of(request, NotificationsQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["notifications", str(caller.user_id), query.unread]
    before = services.cursors.read(query.cursor, caller.tenant_id, scope) if query.cursor is not None else None
    level = await settled(request, READ_MODELS)
    wanted = await preferences_of(request)
    kinds = [kind for kind in Kind if wanted.of(kind).app]
    page = partial(notification_queries.page, tenant_id=caller.tenant_id, user_id=caller.user_id, kinds=kinds)
    page = partial(page, unread=query.unread, before=before, limit=query.limit)
    rows, bound, count = await services.reads.ask(caller.tenant_id, page, at_least=level)
    next_cursor = services.cursors.make(caller.tenant_id, scope, bound) if bound else None
    return Answer(Notifications([_view(row) for row in rows], next_cursor, count))


@post(
    "/notifications/{notification_id:str}/read",
    status_code=200,
    **operation(
        summary="Say that one has read a notification",
        description="Once more changes nothing.",
        tag=TAG,
        permission=SIGNED_IN,
        body=NoBody,
        query=WriteQuery,
        answers={200: (NotificationView, DryRun)},
        errors=("notification.not_found",),
        example={},
        result=examples.READ,
        writes=True,
        idempotent=True,
    ),
)
async def read_notification(request: HttpRequest) -> Answer:
    """One unread notification less."""
    wanted, user_id = path_id(request, "notification_id", "notification"), principal_of(request).user_id
    found: list[Notification] = []

    async def admit(_: Read | None) -> None:
        found.append(await _own(request, wanted))

    async def understand(readable: Readable[Any]) -> tuple[ReadOne, Sequence[FieldError]]:
        return ReadOne(user_id), readable.errors

    case = structs.replace(READ_NOTIFICATION, admit=admit)
    dry, outcome = await carry_out(request, case, NoBody, JSON, understand, stream_id=wanted)
    row = found[-1] if found else await _own(request, wanted)
    view = structs.replace(_view(row), read_at=row.read_at or outcome.state.read_at)
    return dry_run_answer(outcome, view) if dry else Answer(view, headers=write_headers(outcome))


@post(
    "/notifications/read-all",
    status_code=200,
    **operation(
        summary="Say that one has read all notifications",
        tag=TAG,
        permission=SIGNED_IN,
        body=NoBody,
        query=WriteQuery,
        answers={200: (InboxView, DryRun)},
        example={},
        result={"up_to": 120, "read_at": "2026-02-05T09:00:00Z"},
        writes=True,
        idempotent=True,
    ),
)
async def read_all(request: HttpRequest) -> Answer:
    """None of what has happened by now is unread any more."""
    caller, services = principal_of(request), services_of(request)

    async def understand(readable: Readable[Any]) -> tuple[ReadAll, Sequence[FieldError]]:
        return ReadAll(caller.user_id, await services.store.head(caller.tenant_id)), readable.errors

    inbox = inbox_id(caller.user_id)
    dry, outcome = await carry_out(request, READ_INBOX, NoBody, JSON, understand, stream_id=inbox)
    view = InboxView(outcome.state.up_to or 0, outcome.state.read_at)
    return dry_run_answer(outcome, view) if dry else Answer(view, headers=write_headers(outcome))


async def _own(request: HttpRequest, wanted: UUID) -> Notification:
    """A notification of the caller's, there now or a moment ago. Raises NotFoundError."""
    caller, services = principal_of(request), services_of(request)
    query = partial(notification_queries.by_id, tenant_id=caller.tenant_id, user_id=caller.user_id, wanted=wanted)
    found = await services.reads.ask(caller.tenant_id, query)
    if found is None and (level := await caught_up(request, READ_MODELS)):
        found = await services.reads.ask(caller.tenant_id, query, at_least=level)
    if found is None:
        raise NotFoundError("notification")
    return found


def _view(row: Notification) -> NotificationView:
    refs = {name: row.refs.get(name) for name in ("lead_id", "contact_id", "note_id")}
    return NotificationView(id=row.id, kind=row.kind, at=row.at, actor_id=row.actor_id, read_at=row.read_at, **refs)


ROUTER = Router(
    path="/v1",
    route_handlers=[list_notifications, read_notification, read_all, read_preferences, set_preferences],
)
