"""Events: what happened, in the past tense, under a topic that never changes."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from inspect import signature
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform
from uuid import UUID

import msgspec
from msgspec import Struct, StructMeta

from domain.personal import Personal, blanks
from domain.upcast import OLD, to_newest

FOREIGN = "eventsourcing/"
"""Starts the topics of programs that keep events of their own in this log (docs/eventsourcing.md)."""

SUBJECT = "subject_id"
"""The member of events that says whose personal data they hold, where that is not the stream."""

TOPICS: dict[str, type["Event"]] = {}
"""Every event type by its topic. Filled by the class statements of the aggregates."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _EventMeta(StructMeta):
    """Takes `topic=` and `data_class=` in the class statement, so that an event is declared in one line."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        topic: str = "",
        data_class: str = "",
        **options: Any,
    ) -> Any:
        made: Any = super().__new__(cls, name, bases, namespace, **options)
        if topic:
            if topic in TOPICS:
                raise TypeError(f"topic {topic!r} is taken by {TOPICS[topic].__qualname__}")
            made.TOPIC = topic
            made.PERSONAL = blanks(made)
            made.DATA_CLASS = data_class
            if bool(made.PERSONAL) != bool(data_class):
                raise TypeError(f"{name}: a data class, and members marked Personal, are declared together")
            TOPICS[topic] = made
        return made


class Event(Struct, metaclass=_EventMeta, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all events.

    A topic names kind and version ("lead.lost.v1"): it is what the log stores, so renaming or
    moving a class never breaks history. What is marked Personal belongs to the subject, which is the stream, and to
    a data class, by which such data is kept or destroyed. An event about somebody who has a stream of their own names
    that as `subject_id`.
    """

    TOPIC: ClassVar[str]
    DATA_CLASS: ClassVar[str]
    PERSONAL: ClassVar[Mapping[str, Any]]
    """The personal members, each with what it shows once its key is destroyed."""


def subject_of(event: Event, stream_id: UUID) -> UUID:
    """Whose personal data an event of a stream holds: under whose key they are sealed, and whose erasure ends them."""
    return getattr(event, SUBJECT, None) or stream_id


class Foreign(Event):
    """An event of a program that keeps its own in this log: none of our rules and read models is about it."""

    TOPIC: ClassVar[str] = FOREIGN
    DATA_CLASS: ClassVar[str] = ""
    PERSONAL: ClassVar[Mapping[str, Any]] = {}


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who did it: a user, an API key, or the system itself (`id` is None then)."""

    kind: str
    id: UUID | None = None


SYSTEM = Actor(kind="system")


class Metadata(Struct, frozen=True, omit_defaults=True):
    """What is known about the act beside the fact itself.

    `causation_id` is the id of the command or event ("<tenant>:<position>") that led to this one. `address` is where
    the request came from: personal data of the actor (of the tenant, where the system itself acts).
    """

    actor: Actor
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None
    address: Personal[str | None] = None


E_co = TypeVar("E_co", bound=Event, covariant=True)
S = TypeVar("S")


class Recorded(Struct, Generic[E_co], frozen=True, kw_only=True):
    """An event with its place in the log.

    `position` counts the tenant's events from 1 without gaps; `version` counts the stream's from 1.
    `occurred_at` is when it happened in the world, `recorded_at` when the log took it (never decreasing per tenant).
    `erased`: a key of it was destroyed, and its personal members are blank.
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
    erased: bool = False


def evolved(
    evolve: Callable[..., S], state: S | None, event: Event, stream_id: UUID, at: datetime, occurred_at: datetime
) -> S:
    """A state after an event; `evolve` is told when that occurred, beside when it was recorded, if it asks for it."""
    if _is_told_when(evolve):
        return evolve(state, event, stream_id=stream_id, at=at, occurred_at=occurred_at)
    return evolve(state, event, stream_id=stream_id, at=at)


@lru_cache
def _is_told_when(evolve: Callable[..., Any]) -> bool:
    return "occurred_at" in signature(evolve).parameters


class UnknownTopicError(LookupError):
    """The log holds an event whose topic this code does not know (code older than data)."""


def decode(topic: str, data: bytes) -> Event:
    """Build the event of a stored topic from its JSON; an old version becomes what its upcasters make of it.

    Raises:
        UnknownTopicError: no event type has that topic.
        msgspec.ValidationError: the data is not of that type.
    """
    if kind := TOPICS.get(topic):
        return msgspec.json.decode(data, type=kind)
    if topic.startswith(FOREIGN):
        return Foreign()
    if topic not in OLD:
        raise UnknownTopicError(topic)
    newest, values = to_newest(topic, msgspec.json.decode(data, type=dict[str, Any]))
    return msgspec.convert(values, TOPICS[newest])


def topics(kinds: Iterable[type[Event]]) -> frozenset[str]:
    """Topics of event types, for projections that name what they listen to."""
    return frozenset(kind.TOPIC for kind in kinds)
