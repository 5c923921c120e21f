"""The course of a write: look up, read the body, decide, append. Contacts have their own, which does more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from api.http import reading
from api.http.address import address_of
from api.http.exchange import (
    HttpRequest,
    WriteQuery,
    alone,
    body_or_refusal,
    check_if_match,
    check_media,
    context_of,
    if_match,
    query_of,
    services_of,
)
from api.http.reading import Readable
from api.http.telling import telling_apart
from commands.handle import Outcome, UseCase
from commands.visible import View
from domain.errors import FieldError

FREE = View({})

Understand = Callable[[Readable[Any]], Awaitable[tuple[Any, Sequence[FieldError]]]]
"""From a body to the command, with what is wrong with it. Asked anew when somebody else was faster."""


class NoBody(Struct, forbid_unknown_fields=True):
    """An act that takes no members; no body at all says the same."""


async def as_it_is(readable: Readable[Any]) -> tuple[Any, Sequence[FieldError]]:
    """A body that is a command already."""
    return readable.value, readable.errors


async def carry_out(
    request: HttpRequest,
    case: UseCase[Any, Any],
    body: type[Any],
    media: tuple[str, ...],
    understand: Understand = as_it_is,
    *,
    stream_id: UUID | None = None,
    view: View = FREE,
) -> tuple[bool, Outcome[Any]]:
    """Whether it was a dry run, and what came of it; of a body, what the caller's `view` lets be written.

    Raises:
        DomainError: it can't be done; nothing was changed.
    """
    query: WriteQuery = query_of(request, WriteQuery)
    raw, refusal = await body_or_refusal(request)
    context = context_of(request, raw, dry_run=query.dry_run)
    context = structs.replace(context, metadata=structs.replace(context.metadata, address=address_of(request)))

    async def read() -> tuple[Any, Sequence[FieldError]]:
        check_if_match(request)
        if refusal:
            raise refusal
        if body is NoBody and not raw:
            return await understand(Readable(NoBody(), {}))
        check_media(request, media)
        return await understand(reading.body(raw, body) if view.is_free else telling_apart(raw, body, view))

    async with alone(request, context):
        handler = services_of(request).handler
        outcome = await handler.handle(context, case, read, stream_id=stream_id, if_match=if_match(request))
    return query.dry_run, outcome
