"""What projections need from the outside."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded


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


class Behind(Struct, frozen=True):
    """A tenant whose log goes on to `head` while a projection has not got there."""

    tenant_id: UUID
    head: int


class Log(Protocol):
    """The truth, for what was not delivered."""

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """A tenant's events in order, without gaps."""
        ...

    async def behind(self, projections: Sequence[str]) -> Sequence[Behind]:
        """Tenants for which one of the projections has not applied the whole log."""
        ...

    async def tenants(self) -> Sequence[Behind]:
        """Every tenant with the head of its log."""
        ...


class Deliveries(Protocol):
    """Events as the broker brings them: soon, but perhaps twice, out of order, or never."""

    async def fetch(self, *, most: int, wait: float) -> Sequence[Recorded[Event]]:
        """What has come within `wait` seconds, acknowledged as seen; empty while the broker is down."""
        ...


class Announcements(Protocol):
    """Tells those who wait that a read model has moved on. May fail without harm: they also look for themselves."""

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        """The projections with these checkpoints include the tenant's events up to a position."""
        ...
