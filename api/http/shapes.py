"""Shapes that many answers share."""

from typing import Any, Generic, TypeVar

from msgspec import Struct, to_builtins

from api.http.answer import Answer
from commands.handle import Outcome

T = TypeVar("T")


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


def dry_run_answer(outcome: Outcome[Any], state: Any) -> Answer:
    """The answer to a dry run."""
    events = [DryEvent(event.TOPIC, to_builtins(event)) for event in outcome.events]
    return Answer(DryRun(dry_run=True, events=events, state=to_builtins(state)), status=200)
