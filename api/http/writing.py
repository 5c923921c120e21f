"""The course of a write: look up, read the body, decide, append. Contacts have their own, which does more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from api.http import reading
from api.http.address import address_of
from api.http.answer import Answer
from api.http.exchange import (
    HttpRequest,
    WriteQuery,
    alone,
    body_or_refusal,
    check_if_match,
    check_media,
    context_of,
    etag,
    if_match,
    query_of,
    services_of,
    write_headers,
)
from api.http.reading import Readable
from api.http.shapes import dry_run_answer
from api.http.telling import telling_apart
from commands.handle import Outcome, UseCase
from commands.visible import View
from domain.errors import FieldError

FREE = View({})

Understand = Callable[[Readable[Any]], Awaitable[tuple[Any, Sequence[FieldError]]]]
"""From a body to the command, with what is wrong with it. Asked anew when somebody else was faster."""


class NoBody(Struct, forbid_unknown_fields=True):
    """An act that takes no members; no body at all says the same."""


def written_answer(
    outcome: Outcome[Any],
    made: Any,
    *,
    dry: bool,
    location: str | None = None,
    told: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, data: data,
) -> Answer:
    """The answer to a write: the record as it is now, nothing where it is gone, or what a dry run would have done.

    `told` makes of an event's topic and data what the caller is told of it; see `shapes.dry_run_answer`.
    """
    if dry:
        return dry_run_answer(outcome, made, told)
    headers = write_headers(outcome, location=location)
    if outcome.status == 204:  # noqa: PLR2004
        return Answer(None, status=204, headers=headers)
    return Answer(made, status=outcome.status, headers=headers | {"ETag": etag(outcome.state.version)})


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
