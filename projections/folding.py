"""What projections that fold streams share."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import msgspec
from msgspec import structs

from domain import event
from domain.event import Recorded

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


def evolved(evolve: Callable[..., T], state: T | None, item: Recorded[Any]) -> T:
    """A stream's state after an event. Its version is the stream's, also when an event before it was skipped."""
    after: Any = event.evolved(evolve, state, item.event, item.stream_id, item.recorded_at, item.occurred_at)
    if after.version != item.version:
        after = structs.replace(after, version=item.version)
    return cast("T", after)


def from_lists(columns: str) -> str:
    """A query that makes rows of one JSON array of arrays (%s), which Postgres reads in half the time of objects.

    `columns` are names and types, as in a table. What goes into jsonb may not be null; arrays are text, as Postgres
    writes them.
    """
    told = [column.split() for column in columns.split(",")]
    values = (f"({'v->' if kind == 'jsonb' else 'v->>'}{n})::{kind} AS {name}" for n, (name, kind) in enumerate(told))
    return f"SELECT {', '.join(values)} FROM jsonb_array_elements(%s::jsonb) v"


def array_text(values: Iterable[object]) -> str:
    """Numbers, or words without any punctuation, as a Postgres array."""
    return f"{{{','.join(map(str, values))}}}"


def text_array(values: Iterable[str]) -> str:
    """Any words, as a Postgres array."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join([f'"{value}"' for value in quoted]) + "}"


def json_text(value: Any) -> str:
    """A value as JSON, for a jsonb column."""
    return _encoder.encode(value).decode()
