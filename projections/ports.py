"""What projections need from the outside."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded


class Unreadable(Event):
    """Stands for an event that this code can't read: its place in the log counts, its content is not known.

    `TOPIC` is the stored one; `error` the type of what was raised, never the content.
    """

    TOPIC: str  # type: ignore[misc]  # of the one event, where other events have that of their class
    error: str


class CheckpointMovedError(Exception):
    """Another projector applied the same events first."""


class Rows(Protocol):
    """The part of a database cursor that read models use."""

    async def fetchall(self) -> list[Any]:
        """All rows."""
        ...

    async def fetchone(self) -> Any:
        """The next row, or None."""
        ...


class Connection(Protocol):
    """A transaction of one tenant: row level security shows and takes that tenant's rows only."""

    async def execute(self, query: Any, params: Any = None, *, binary: bool = False) -> Rows:
        """Run one statement."""
        ...


class Sessions(Protocol):
    """Where connections come from: never without a tenant."""

    def of(self, tenant_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """A transaction, committed at the end of the block, rolled back by an exception."""
        ...

    def advancing(
        self,
        tenant_id: UUID,
        checkpoints: Sequence[str],
        before: int,
        after: int,
        *,
        followed: Sequence[str] = (),
        along: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[Connection]:
        """The same, moving checkpoints from one position to another where nothing is parked.

        Those that come `along` are moved, too, unless they are elsewhere, something is parked or they are being moved.
        Statements are sent together: what one of them raises shows at the next result asked for, or at the end.

        Raises:
            CheckpointMovedError: they are not at that position, something is parked, or a `followed` checkpoint has
                not got to `after`.
        """
        ...

    def passing(self, error: BaseException) -> bool:
        """Whether an error is of the moment or of the whole store, not of what was to be written."""
        ...


class Behind(Struct, frozen=True):
    """A tenant whose log goes on to `head`, while a projection has only got to `position`."""

    tenant_id: UUID
    head: int
    position: int | None = None


class Parked(Struct, frozen=True):
    """A stream that a projection can't go on with: at which event, why, since when, and how often it was tried."""

    tenant_id: UUID
    projection: str
    stream_id: UUID
    position: int
    reason: str
    since: datetime
    attempts: int


class Log(Protocol):
    """The truth, for what was not delivered. An event that can't be read comes as `Unreadable`."""

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """A tenant's events in order, without gaps."""
        ...

    async def stream(self, tenant_id: UUID, stream_id: UUID, *, after: int, until: int) -> Sequence[Recorded[Event]]:
        """A stream's events with positions after one and until another, in order."""
        ...

    async def streams(
        self, tenant_id: UUID, kinds: Collection[str], *, after: tuple[UUID, int], until: int, limit: int
    ) -> Sequence[Recorded[Event]]:
        """A tenant's events of some kinds (`contact`), until a position: by stream, after a (stream, version)."""
        ...

    async def behind(self, projections: Sequence[str]) -> Sequence[Behind]:
        """Tenants for which one of the projections has not applied the whole log."""
        ...

    async def tenants(self) -> Sequence[Behind]:
        """Every tenant with the head of its log."""
        ...

    async def parked(self, projections: Sequence[str]) -> Sequence[Parked]:
        """Streams of all tenants that wait, the longest first."""
        ...


class Deliveries(Protocol):
    """Events as the broker brings them: soon, but perhaps twice, out of order, or never."""

    async def fetch(self, *, most: int, wait: float) -> Sequence[Recorded[Event]]:
        """What has come within `wait` seconds, acknowledged as seen; empty while the broker is down."""
        ...

    def pause(self, tenant_id: UUID) -> None:
        """What comes of a tenant is read from the log anyway: it need not be opened."""
        ...

    def resume(self, tenant_id: UUID) -> None:
        """From now on what comes of it is wanted again."""
        ...


class Announcements(Protocol):
    """Tells those who wait that a read model has moved on. May fail without harm: they also look for themselves."""

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        """The projections with these checkpoints include the tenant's events up to a position."""
        ...
