"""Events: what happened, in the past tense, under a topic that never changes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform
from uuid import UUID

import msgspec
from msgspec import Struct, StructMeta

TOPICS: dict[str, type["Event"]] = {}
"""Every event type by its topic. Filled by the class statements of the aggregates."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _EventMeta(StructMeta):
    """Takes `topic=` in the class statement, so that an event is declared in one line."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, topic: str = "", **options: Any
    ) -> Any:
        made: Any = super().__new__(cls, name, bases, namespace, **options)
        if topic:
            if topic in TOPICS:
                raise TypeError(f"topic {topic!r} is taken by {TOPICS[topic].__qualname__}")
            made.TOPIC = topic
            TOPICS[topic] = made
        return made


class Event(Struct, metaclass=_EventMeta, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all events.

    A topic names kind and version ("lead.lost.v1"): it is what the log stores, so renaming or
    moving a class never breaks history.
    """

    TOPIC: ClassVar[str]


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who did it: a user, an API key, or the system itself (`id` is None then)."""

    kind: str
    id: UUID | None = None


SYSTEM = Actor(kind="system")


class Metadata(Struct, frozen=True, omit_defaults=True):
    """What is known about the act beside the fact itself.

    `causation_id` is the id of the command or event ("<tenant>:<position>") that led to this one.
    """

    actor: Actor
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


E_co = TypeVar("E_co", bound=Event, covariant=True)


class Recorded(Struct, Generic[E_co], frozen=True, kw_only=True):
    """An event with its place in the log.

    `position` counts the tenant's events from 1 without gaps; `version` counts the stream's from 1.
    `occurred_at` is when it happened in the world, `recorded_at` when the log took it (never decreasing per tenant).
    """

    tenant_id: UUID
    position: int
    stream_id: UUID
    version: int
    event: E_co
    metadata: Metadata
    command_id: UUID
    occurred_at: datetime
    recorded_at: datetime


class UnknownTopicError(LookupError):
    """The log holds an event whose topic this code does not know (code older than data)."""


def decode(topic: str, data: bytes) -> Event:
    """Build the event of a stored topic from its JSON.

    Raises:
        UnknownTopicError: no event type has that topic.
        msgspec.ValidationError: the data is not of that type.
    """
    try:
        kind = TOPICS[topic]
    except KeyError:
        raise UnknownTopicError(topic) from None
    return msgspec.json.decode(data, type=kind)


def topics(kinds: Iterable[type[Event]]) -> frozenset[str]:
    """Topics of event types, for projections that name what they listen to."""
    return frozenset(kind.TOPIC for kind in kinds)
