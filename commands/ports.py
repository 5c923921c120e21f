"""What commands need from the outside: small protocols, implemented by adapters in infra."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count, repeat
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


class SubjectErasedError(Exception):
    """The person that an event says something about has been erased: nothing personal is stored of them any more."""

    def __init__(self, subject: UUID | None = None) -> None:
        super().__init__("erased")
        self.subject = subject


class StoreUnavailableError(Exception):
    """The event store can't be reached now; nothing is known to have been written. `retry_after` is in seconds."""

    def __init__(self, reason: str = "", *, retry_after: int = 1) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class StoreOverloadedError(StoreUnavailableError):
    """More waits to be written than the event store takes in good time; nothing of this was written."""


class UnreadableEventError(Exception):
    """The log has an event that this code can't read; `reason` is the type of what was raised, never the content."""

    def __init__(self, tenant_id: UUID, position: int, reason: str) -> None:
        super().__init__(f"position {position} of {tenant_id} can't be read: {reason}")
        self.tenant_id = tenant_id
        self.position = position
        self.reason = reason


class StreamEvents(Struct, frozen=True):
    """Events for one stream, to be its versions `after` + 1 and on.

    `times` are when each of them happened, where that is not when the command was given (Append.occurred_at).
    """

    stream_id: UUID
    after: int
    events: tuple[Event, ...]
    times: tuple[datetime, ...] = ()

    def dated(self, now: datetime) -> Iterator[tuple[int, Event, datetime]]:
        """Version, event and time of each."""
        return zip(count(self.after + 1), self.events, self.times or repeat(now), strict=False)


class Claim(Struct, frozen=True):
    """A value that one stream alone may hold. `tenant_id` is the platform tenant for what is unique everywhere."""

    tenant_id: UUID
    kind: str
    value: str
    stream_id: UUID

    def goes_over_from(self, release: "Claim") -> bool:
        """Whether this is what another stream gives up in the same append."""
        return (self.tenant_id, self.kind, self.value) == (release.tenant_id, release.kind, release.value)


class KeyUse(Struct, frozen=True):
    """The use of an idempotency key: what it names (scope and key, digested), for which body, with what result.

    `results`: of several commands at once, what came of each, for the one who asks again.
    """

    digest: bytes
    body_digest: bytes
    result_id: UUID
    status: int
    results: bytes | None = None


class Expected(Struct, frozen=True):
    """A stream that was decided by without being written: it must still be at this version, 0 where it is not there."""

    stream_id: UUID
    version: int


class Append(Struct, frozen=True, kw_only=True):
    """What one command writes, all of it or nothing. What one stream releases and another claims goes over to it."""

    tenant_id: UUID
    command_id: UUID
    metadata: Metadata
    streams: tuple[StreamEvents, ...]
    occurred_at: datetime
    claims: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
    expects: tuple[Expected, ...] = ()
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
    results: bytes | None = None


class Owner(Struct, frozen=True):
    """Who holds a claim."""

    tenant_id: UUID
    stream_id: UUID


class EventStore(Protocol):
    """The log. Every method is scoped to one tenant; those that give events raise UnreadableEventError."""

    async def append(self, append: Append) -> Appended:
        """Write the events durably, in order, under the tenant's next positions.

        Raises:
            VersionConflictError: a stream, written or not, is not at the version that was expected.
            ClaimTakenError: a claim belongs to another stream.
            KeyReusedError: the idempotency key stands for another body.
            SubjectErasedError: it says something about a person who has been erased.
            StoreOverloadedError: too much is waiting to be written.
            StoreUnavailableError: the store can't be reached.
        """
        ...

    async def load(
        self, tenant_id: UUID, stream_id: UUID, *, after_version: int = 0, up_to: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """Events of a stream in order (up to a position of the tenant, inclusive); empty when there is none."""
        ...

    async def load_several(self, tenant_id: UUID, after: Mapping[UUID, int]) -> Sequence[Recorded[Event]]:
        """Events of streams, after a version of each: stream by stream, each in order."""
        ...

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """Events of the tenant in order of position, without gaps."""
        ...

    async def head(self, tenant_id: UUID) -> int:
        """Position of the tenant's last event; 0 when there is none."""
        ...

    async def position_at(self, tenant_id: UUID, moment: datetime) -> int:
        """Position of the last event that was recorded by a moment; 0 when none was."""
        ...

    async def holder(self, claim_tenant: UUID, kind: str, value: str) -> Owner | None:
        """Who holds a unique value."""
        ...

    async def holders(self, tenant_id: UUID, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], UUID]:
        """The streams that hold unique values of a tenant's own, by kind and value; what nobody holds is left out."""
        ...

    async def kept_command(self, tenant_id: UUID, digest: bytes) -> KeptCommand | None:
        """What an idempotency key was used for, while it is kept."""
        ...


class Snapshot(Struct, frozen=True):
    """A folded state as it is kept between processes: up to which event, and encoded by who folds."""

    version: int
    position: int
    state: bytes


class Snapshots(Protocol):
    """Folded states of long streams, kept in the store. `fold` names what folded them; another one is not found.

    Keeping is best effort: whoever asks is right without it, only later.
    """

    async def load(
        self, tenant_id: UUID, stream_id: UUID, fold: str, *, up_to: int | None = None
    ) -> tuple[Snapshot | None, Sequence[Recorded[Event]]]:
        """The snapshot of a stream, unless it is past `up_to`, and the events after it; together, in one round trip.

        Raises:
            StoreUnavailableError: the store can't be reached.
        """
        ...

    def keep(self, tenant_id: UUID, stream_id: UUID, fold: str, snapshot: Snapshot) -> None:
        """Keep a snapshot some time soon, unless a later one is kept by then."""
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
