"""What deciding needs and gives: values in, events out."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from commands.ports import Claim, Expected, NewId, StreamEvents
from domain.custom_field import CustomField
from domain.errors import FieldError
from domain.event import Event, Metadata

S = TypeVar("S")

Lookup = tuple[str, str]
"""What a decision wants to know of other records: a kind (of record or of claim) and a value."""


AllCustomFields = Mapping[str, Mapping[str, CustomField]]
"""A tenant's custom fields by kind of record and key, deleted ones too."""


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
    custom: AllCustomFields | None = None
    """The tenant's custom fields, where the way in knows them already."""


class Given(Struct, Generic[S], frozen=True, kw_only=True):
    """What a decision may use: the state, the time, new ids, and answers to look-ups.

    `state` is None for what does not exist yet. `found` maps what was looked up to what holds it; `known` is what the
    use case has gathered; `errors` are bad members that a decision should name together with what it finds itself.
    """

    tenant_id: UUID
    stream_id: UUID
    state: S | None
    now: datetime
    new_id: NewId
    caller: UUID | None
    found: dict[tuple[str, str], UUID]
    known: Any = None
    errors: tuple[FieldError, ...] = ()
    custom: Mapping[str, CustomField] = MappingProxyType({})
    """The custom fields that such a record has now."""
    customs: AllCustomFields = MappingProxyType({})
    """Those of all kinds: of records that may come with it."""
    currency: str | None = None
    """What amounts are in that come without one; where it is None, they have to name theirs."""


class Decision(Struct, frozen=True, kw_only=True):
    """The outcome of deciding: events per stream, and the unique values taken and freed with them.

    `events` are of the stream that the command is about, `before` and `related` of others. `before` makes what that
    stream refers to, and is written first: a read model may see so much of the log and no more.
    `times` are when `events` happened, where that is not now.
    """

    events: tuple[Event, ...] = ()
    times: tuple[datetime, ...] = ()
    before: tuple[StreamEvents, ...] = ()
    related: tuple[StreamEvents, ...] = ()
    claims: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
    expects: tuple[Expected, ...] = ()
    """What it was decided by, of other streams: not stored if that has changed meanwhile, but decided again."""


FindCustom = Callable[[UUID], Awaitable[AllCustomFields]]


async def no_custom_fields(_: UUID) -> AllCustomFields:
    """For where there are none."""
    return {}


async def custom_fields(context: Context, find: FindCustom) -> AllCustomFields:
    """The tenant's custom fields: as the way in knows them, else as they are found."""
    return await find(context.tenant_id) if context.custom is None else context.custom
