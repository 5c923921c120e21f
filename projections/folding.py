"""What projections that fold streams share."""

from collections.abc import Callable
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


def json_text(value: Any) -> str:
    """A value as JSON, for a jsonb column."""
    return _encoder.encode(value).decode()
