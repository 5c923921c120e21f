"""What deciding needs and gives: values in, events out."""

from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from commands.ports import Claim, NewId, StreamEvents
from domain.errors import FieldError
from domain.event import Event, Metadata

S = TypeVar("S")

Lookup = tuple[str, str]
"""What a decision wants to know of other records: a kind (of record or of claim) and a value."""


class KeyOf(Struct, frozen=True):
    """An idempotency key as the way in saw it: digests of scope and key, and of the body."""

    digest: bytes
    body_digest: bytes


class Context(Struct, frozen=True, kw_only=True):
    """Who asks, for which tenant, and how the act is traced."""

    tenant_id: UUID
    metadata: Metadata
    key: KeyOf | None = None
    dry_run: bool = False
    user_id: UUID | None = None
    """For whom the actor acts, where that is not the actor."""


class Given(Struct, Generic[S], frozen=True, kw_only=True):
    """What a decision may use: the state, the time, new ids, and answers to look-ups.

    `state` is None for what does not exist yet. `found` maps what was looked up to what holds it;
    `errors` are bad members that a decision should name together with what it finds itself.
    """

    tenant_id: UUID
    stream_id: UUID
    state: S | None
    now: datetime
    new_id: NewId
    caller: UUID | None
    found: dict[tuple[str, str], UUID]
    errors: tuple[FieldError, ...] = ()


class Decision(Struct, frozen=True, kw_only=True):
    """The outcome of deciding: events per stream, and the unique values taken and freed with them.

    `events` are of the stream that the command is about, `before` and `related` of others. `before` makes what that
    stream refers to, and is written first: a read model may see so much of the log and no more.
    """

    events: tuple[Event, ...] = ()
    before: tuple[StreamEvents, ...] = ()
    related: tuple[StreamEvents, ...] = ()
    claims: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
