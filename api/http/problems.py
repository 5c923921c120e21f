"""From error codes to answers: RFC 9457 problem details, one table of statuses."""

from typing import Any
from uuid import UUID

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from api.http import tried
from commands.ports import StoreOverloadedError, StoreUnavailableError, UnreadableEventError
from domain.errors import DomainError, FieldError
from projections.contacts.search import SearchUnavailableError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "1"

STATUSES: dict[str, int] = {
    "api_key.deleted": 410,
    "api_key.not_found": 404,
    "auth.busy": 503,
    "auth.invalid_credentials": 401,
    "auth.key_ended": 401,
    "auth.refresh_invalid": 401,
    "auth.refresh_reused": 401,
    "auth.session_ended": 401,
    "auth.throttled": 429,
    "auth.token_expired": 401,
    "auth.token_invalid": 401,
    "auth.token_missing": 401,
    "auth.totp_enabled": 409,
    "auth.totp_missing": 409,
    "auth.totp_required": 401,
    "auth.user_required": 403,
    "batch.depends": 409,
    "batch.refused": 422,
    "body.malformed": 400,
    "body.media_type": 415,
    "body.timeout": 408,
    "body.too_large": 413,
    "calendar.empty": 422,
    "calendar.method": 422,
    "calendar.too_many": 422,
    "calendar.too_often": 422,
    "calendar.unreadable": 422,
    "command.contention": 503,
    "company.ambiguous": 409,
    "company.custom_taken": 409,
    "company.deleted": 410,
    "company.external_ids_taken": 409,
    "company.name_taken": 409,
    "company.not_found": 404,
    "contact.ambiguous": 409,
    "contact.custom_taken": 409,
    "contact.deleted": 410,
    "contact.external_ids_taken": 409,
    "contact.merged": 410,
    "contact.not_found": 404,
    "contact.not_merged": 409,
    "cursor.invalid": 400,
    "custom_field.changing": 409,
    "custom_field.checking": 503,
    "custom_field.deleted": 410,
    "custom_field.not_found": 404,
    "custom_field.not_unique": 409,
    "custom_field.values_unfit": 409,
    "customer.deleted": 410,
    "customer.not_found": 404,
    "duplicates.not_found": 404,
    "event.unreadable": 500,
    "idempotency.in_progress": 409,
    "idempotency.key_invalid": 400,
    "idempotency.key_reused": 422,
    "if_match.invalid": 400,
    "import.binary": 422,
    "import.empty": 422,
    "import.encoding": 422,
    "import.field_too_long": 422,
    "import.file_gone": 410,
    "import.no_header": 422,
    "import.not_csv": 422,
    "import.not_found": 404,
    "import.not_ready": 409,
    "import.state": 409,
    "import.too_many_columns": 422,
    "import.unclosed_quote": 422,
    "interaction.external_id_taken": 409,
    "interaction.not_found": 404,
    "lead.ambiguous": 409,
    "lead.custom_taken": 409,
    "lead.deleted": 410,
    "lead.external_ids_taken": 409,
    "lead.move_not_allowed": 409,
    "lead.not_found": 404,
    "mail.unavailable": 503,
    "method.not_allowed": 405,
    "note.deleted": 410,
    "note.not_found": 404,
    "notification.not_found": 404,
    "permission.missing": 403,
    "precondition.version": 412,
    "query.invalid": 400,
    "rate_limit.exceeded": 429,
    "read_after.ahead": 400,
    "read_after.invalid": 400,
    "read_after.timeout": 503,
    "relationship.deleted": 410,
    "relationship.not_found": 404,
    "relationship.self": 422,
    "request.invalid": 400,
    "role.built_in": 409,
    "role.in_use": 409,
    "role.key_taken": 409,
    "role.not_found": 404,
    "route.not_found": 404,
    "search.unavailable": 503,
    "server.error": 500,
    "session.deleted": 410,
    "session.not_found": 404,
    "store.overloaded": 503,
    "store.unavailable": 503,
    "team.not_found": 404,
    "tenant.suspended": 403,
    "user.email_taken": 409,
    "user.last_admin": 409,
    "user.not_found": 404,
    "validation.failed": 422,
}
"""Every code that an answer can carry as its own, and its status. docs/errors.md explains each."""

_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    410: "Gone",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Server error",
    503: "Not available now",
}

_log = structlog.get_logger()


class Item(Struct, omit_defaults=True):
    """One bad field, parameter or header."""

    code: str
    message: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


class Problem(Struct, omit_defaults=True):
    """RFC 9457 problem details, with a stable code, a hint, and every bad field."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    correlation_id: str
    hint: str | None = None
    errors: list[Item] | None = None
    permission: str | None = None
    version: int | None = None
    merged_into: UUID | None = None
    allowed: list[str] | None = None
    retry_after: int | None = None


def answer(error: DomainError, correlation_id: str) -> Response[dict[str, Any]]:
    """The answer to a refusal."""
    told = problem(error, correlation_id)
    status: int = told["status"]
    headers = {}
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = 'Bearer realm="rapport"'
    if status == 408:  # noqa: PLR2004
        headers["Connection"] = "close"  # what is left of the body is not waited for
    if status == 503 or error.code == "idempotency.in_progress":  # noqa: PLR2004
        headers["Retry-After"] = RETRY_SECONDS
    if wait := error.members.get("retry_after"):
        headers["Retry-After"] = str(wait)
    return Response(told, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def problem(error: DomainError, correlation_id: str | None = None) -> dict[str, Any]:
    """A refusal as a problem object; that of an item of a batch has no correlation id of its own."""
    status = STATUSES.get(error.code, 422)
    told: dict[str, Any] = {
        "type": f"urn:rapport:problem:{error.code}",
        "title": _TITLES[status],
        "status": status,
        "detail": error.detail,
        "code": error.code,
    }
    if correlation_id is not None:
        told["correlation_id"] = correlation_id
    if error.hint:
        told["hint"] = error.hint
    if error.errors:
        told["errors"] = [_item(error.code, item) for item in error.errors]
    return told | error.members


def _item(code: str, item: FieldError) -> dict[str, str]:
    place = "parameter" if code in {"query.invalid", "cursor.invalid"} else "header" if code in _HEADERS else "pointer"
    return {place: item.pointer, "code": item.code, "message": item.message}


_HEADERS = {"idempotency.key_invalid", "if_match.invalid", "read_after.invalid", "read_after.ahead"}


def correlation_id(request: Request[Any, Any, Any]) -> str:
    """The id that the answer, the logs and the events of this request share."""
    return str(request.scope["state"].get("correlation_id", ""))


def refused(request: Request[Any, Any, Any], error: DomainError) -> Response[dict[str, Any]]:
    """A refusal by commands or by a route."""
    tried.note_refusal(request, error)
    return answer(error, correlation_id(request))


def unavailable(request: Request[Any, Any, Any], error: StoreUnavailableError) -> Response[dict[str, Any]]:
    """Postgres is away, or more waits for it than it takes in good time."""
    code, detail = "store.unavailable", "the event store can't be reached"
    if isinstance(error, StoreOverloadedError):
        code, detail = "store.overloaded", "too much is waiting to be saved; nothing of this request was"
    made = answer(DomainError(code, detail, hint="Try again in a moment."), correlation_id(request))
    made.headers["Retry-After"] = str(error.retry_after)
    return made


def unreadable(request: Request[Any, Any, Any], found: UnreadableEventError) -> Response[dict[str, Any]]:
    """The log has an event of the record that can't be read: nothing can be told of it, or decided by it."""
    _log.error(
        "event.unreadable",
        tenant_id=str(found.tenant_id),
        position=found.position,
        reason=found.reason,
        route=request.scope.get("path_template", ""),
    )
    return answer(
        DomainError(
            "event.unreadable",
            f"the event at position {found.position} can't be read; nothing was changed",
            hint="It stays so until it is mended: report the position and the correlation_id.",
        ),
        correlation_id(request),
    )


def search_unavailable(request: Request[Any, Any, Any], _: SearchUnavailableError) -> Response[dict[str, Any]]:
    """No search backend answers."""
    return answer(
        DomainError("search.unavailable", "search can't answer now", hint="Try again in a moment; lists still work."),
        correlation_id(request),
    )


def by_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """What Litestar itself refuses: unknown paths, wrong methods, bodies over the limit."""
    code, hint = {
        404: ("route.not_found", "See /docs for the paths there are."),
        405: ("method.not_allowed", "See /docs for what this path takes."),
        413: ("body.too_large", "Send less at once."),
    }.get(error.status_code, ("server.error", "") if error.status_code >= 500 else ("request.invalid", ""))  # noqa: PLR2004
    detail = {404: "there is nothing at this path", 405: "this path does not take this method"}
    made = answer(
        DomainError(code, detail.get(error.status_code, error.detail or "the request can't be read"), hint=hint),
        correlation_id(request),
    )
    made.headers.update({name.title(): value for name, value in (error.headers or {}).items()})
    if allow := made.headers.get("Allow"):
        methods = {*allow.split(", "), *(("HEAD",) if "GET" in allow else ())} - {"OPTIONS"}
        made.headers["Allow"] = ", ".join(sorted(methods))
    return made


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """A fault of ours: logged with where it was raised, told without."""
    _log.error("request.failed", exc_info=error, route=request.scope.get("path_template", ""))
    return answer(
        DomainError(
            "server.error",
            "something went wrong on our side",
            hint="Try again; if it stays, report the correlation_id.",
        ),
        correlation_id(request),
    )
