"""What commands need from the outside: small protocols, implemented by adapters in infra."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Metadata, Recorded


class VersionConflictError(Exception):
    """A stream moved on between load and append: load again, decide again."""


class ClaimTakenError(Exception):
    """A unique value belongs to another stream."""

    def __init__(self, claim: "Claim") -> None:
        super().__init__(claim.kind)
        self.claim = claim


class KeyReusedError(Exception):
    """The idempotency key was used with another body."""


class StoreUnavailableError(Exception):
    """The event store can't be reached now; nothing is known to have been written."""


class StreamEvents(Struct, frozen=True):
    """Events for one stream, to be its versions `after` + 1 and on."""

    stream_id: UUID
    after: int
    events: tuple[Event, ...]


class Claim(Struct, frozen=True):
    """A value that one stream alone may hold. `tenant_id` is the platform tenant for what is unique everywhere."""

    tenant_id: UUID
    kind: str
    value: str
    stream_id: UUID


class KeyUse(Struct, frozen=True):
    """The use of an idempotency key: what it names (scope and key, digested), for which body, with what result."""

    digest: bytes
    body_digest: bytes
    result_id: UUID
    status: int


class Append(Struct, frozen=True, kw_only=True):
    """What one command writes, all of it or nothing."""

    tenant_id: UUID
    command_id: UUID
    metadata: Metadata
    streams: tuple[StreamEvents, ...]
    occurred_at: datetime
    claims: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
    key: KeyUse | None = None


class Appended(Struct, frozen=True, kw_only=True):
    """Where it went: the tenant's position after it. `replayed` when the idempotency key had been used already."""

    position: int
    recorded_at: datetime
    result_id: UUID | None = None
    status: int | None = None
    replayed: bool = False


class KeptCommand(Struct, frozen=True):
    """An idempotency key in the store."""

    body_digest: bytes
    result_id: UUID
    position: int
    status: int


class Owner(Struct, frozen=True):
    """Who holds a claim."""

    tenant_id: UUID
    stream_id: UUID


class EventStore(Protocol):
    """The log. Every method is scoped to one tenant."""

    async def append(self, append: Append) -> Appended:
        """Write the events durably, in order, under the tenant's next positions.

        Raises:
            VersionConflictError: a stream is not at the version that was expected.
            ClaimTakenError: a claim belongs to another stream.
            KeyReusedError: the idempotency key stands for another body.
            StoreUnavailableError: the store can't be reached.
        """
        ...

    async def load(self, tenant_id: UUID, stream_id: UUID, *, up_to: int | None = None) -> Sequence[Recorded[Event]]:
        """Events of a stream in order (up to a position of the tenant, inclusive); empty when there is none."""
        ...

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """Events of the tenant in order of position, without gaps."""
        ...

    async def head(self, tenant_id: UUID) -> int:
        """Position of the tenant's last event; 0 when there is none."""
        ...

    async def holder(self, claim_tenant: UUID, kind: str, value: str) -> Owner | None:
        """Who holds a unique value."""
        ...

    async def kept_command(self, tenant_id: UUID, digest: bytes) -> KeptCommand | None:
        """What an idempotency key was used for, while it is kept."""
        ...


class Clock(Protocol):
    """The time, aware and in UTC."""

    def __call__(self) -> datetime:
        """Now."""
        ...


class NewId(Protocol):
    """A new id: a UUID of version 7, so that ids made later sort later."""

    def __call__(self) -> UUID:
        """One that was never given before."""
        ...
