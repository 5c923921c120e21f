"""Shapes that many answers share."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta, Struct, to_builtins

from api.http.answer import Answer
from commands.handle import Outcome

T = TypeVar("T")

Limit = Annotated[int, Meta(ge=1, le=200, description="Items of a page, 1 to 200.")]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before.")]


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; `next_cursor` is null on the last one."""

    data: list[T]
    next_cursor: str | None


class DryEvent(Struct, frozen=True):
    """An event that would be stored."""

    type: str
    data: dict[str, Any]


class DryRun(Struct, frozen=True):
    """What a write would do: its events, and the record after them. Nothing was stored."""

    dry_run: bool
    events: list[DryEvent]
    state: dict[str, Any]


_UNTOLD = frozenset({"password_hash", "link", "digest", "secret", "recovery_codes"})
"""Members of events that are for signing in, and in no answer."""


def dry_run_answer(
    outcome: Outcome[Any], state: Any, told: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, data: data
) -> Answer:
    """The answer to a dry run; `told` makes of an event's topic and data what the caller is told of it."""
    made = ((event.TOPIC, told(event.TOPIC, to_builtins(event))) for event in outcome.events)
    events = [DryEvent(topic, {name: data[name] for name in data if name not in _UNTOLD}) for topic, data in made]
    return Answer(DryRun(dry_run=True, events=events, state=to_builtins(state)), status=200)
