"""The course of every batch: read the items, decide each, append all, answer with a result for each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct, structs, to_builtins

from api.http import problems, reading, tried
from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    HttpRequest,
    WriteQuery,
    alone,
    check_media,
    context_of,
    principal_of,
    query_of,
    raw_body,
    services_of,
)
from api.http.reading import Readable
from api.http.shapes import DryEvent, DryRun
from api.http.telling import events_told, telling_item
from commands.batch.items import Item, Matching
from commands.batch.results import BatchOutcome, BatchRefusedError, Result, placed
from commands.normalise import MOST_PROBLEMS
from commands.visible import View
from domain.errors import DomainError, FieldError, InvalidError

MOST = 500
"""Items of a batch."""

AllOrNothing = Annotated[bool, Meta(description="Do all items, or none when one of them can't be done.")]

BATCH_ERRORS = ("batch.refused",)
"""Problem codes of every batch; those of single items stand in its results."""


class ItemResult(Struct, frozen=True, omit_defaults=True):
    """What came of an item: its status, the record's id, or why it was refused (a problem object)."""

    index: int
    status: int
    id: str | None = None
    error: dict[str, Any] | None = None


class BatchResults(Struct, frozen=True):
    """What came of each item, in their order."""

    results: list[ItemResult]


class Envelope(Struct, forbid_unknown_fields=True, kw_only=True):
    """A batch whose items have not been read yet."""

    items: list[Any]
    all_or_nothing: bool = False
    match: str | None = None


class Batch(Struct, frozen=True):
    """A batch as it was sent."""

    items: list[Any]
    all_or_nothing: bool
    match: str | None


Understand = Callable[[Batch], Awaitable[tuple[Callable[[], Awaitable[Sequence[Item]]], Matching | None]]]
"""From a batch to what gives its items, anew for every try, and how records are found by their keys."""


async def carry_out_batch(request: HttpRequest, kind: type[Any], understand: Understand) -> Answer:
    """The answer to a batch; `kind` is its body.

    Raises:
        DomainError: nothing of it was done.
    """
    query: WriteQuery = query_of(request, WriteQuery)
    raw = await raw_body(request)
    check_media(request, JSON)
    batch = _batch(raw, kind)
    context = context_of(request, raw, dry_run=query.dry_run)
    async with alone(request, context):
        items, matching = await understand(batch)
        try:
            outcome = await services_of(request).batches.handle(
                context, items, matching=matching, all_or_nothing=batch.all_or_nothing
            )
        except BatchRefusedError as refusal:
            refused = [each for each in _results(refusal.results) if each.error]
            refusal.members["results"] = to_builtins(refused)
            raise
    return batch_answer(request, outcome, dry_run=query.dry_run)


def batch_answer(request: HttpRequest, outcome: BatchOutcome, *, dry_run: bool) -> Answer:
    """The answer with what came of each item."""
    _note(request, outcome)
    results = _results(outcome.results)
    if dry_run:
        return _dry_run(request, outcome, results)
    headers = {"Event-Position": str(outcome.position)}
    if outcome.replayed:
        headers["Idempotent-Replay"] = "true"
    return Answer(BatchResults(results), headers=headers)


def read_item(data: Any, kind: type[Any], view: View) -> Readable[Any]:
    """An item as a command, of which the caller's view lets be written what it lets."""
    return reading.member(data, kind) if view.is_free else telling_item(data, kind, view)


def _batch(raw: bytes, kind: type[Any]) -> Batch:
    """The batch in a body; its items are not looked at yet.

    Raises:
        InvalidError: bad members.
    """
    readable = reading.body(raw, Envelope)
    errors = list(readable.errors)
    items: Any = readable.value.items
    match: Any = readable.value.match
    if isinstance(items, list) and len(items) > MOST:
        errors.append(FieldError("/items", "list.too_long", f"has {len(items)} items; at most {MOST} are allowed"))
    if isinstance(match, str):
        # The body's own type says what can be matched by.
        errors += reading.member({"items": [], "match": match}, kind).errors
    if errors:
        raise InvalidError(errors[:MOST_PROBLEMS])
    return Batch(items, bool(readable.value.all_or_nothing), match)


def _results(results: Sequence[Result]) -> list[ItemResult]:
    return [
        ItemResult(index, result.status, str(result.stream_id))
        if result.error is None
        else _refused(index, result.error)
        for index, result in enumerate(results)
    ]


def _refused(index: int, error: DomainError) -> ItemResult:
    problem = problems.problem(_placed(index, error))
    return ItemResult(index, problem["status"], error=problem)


def _placed(index: int, error: DomainError) -> DomainError:
    errors = tuple(placed(index, error)) if error.errors else ()
    return DomainError(error.code, error.detail, hint=error.hint, errors=errors, members=error.members)


def _note(request: HttpRequest, outcome: BatchOutcome) -> None:
    """Note the ids that items named and that are of nothing."""
    found = [each for n, result in enumerate(outcome.results) if result.error for each in placed(n, result.error)]
    if found and not outcome.replayed:
        tried.note_refusal(request, InvalidError(found))


def _dry_run(request: HttpRequest, outcome: BatchOutcome, results: list[ItemResult]) -> Answer:
    told = events_told(principal_of(request))
    events = [event for result in outcome.results for event in result.events]
    shown = [DryEvent(event.TOPIC, told(event.TOPIC, to_builtins(event))) for event in events]
    # Nothing was made: what would be has no id yet.
    state = to_builtins(
        BatchResults([structs.replace(each, id=None) if each.status == _MADE else each for each in results])
    )
    return Answer(DryRun(dry_run=True, events=shown, state=state))


_MADE = 201
