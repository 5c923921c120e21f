"""What rebuilding needs from the outside: tables beside those that are read, and a moment for them to change places."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from projections.ports import Connection, Sessions
from projections.projection import Projection


class RebuildRunsError(Exception):
    """Another rebuild is going on in this installation."""


class SwapBusyError(Exception):
    """The tables could not be locked soon enough, or there was too much to catch up with: to be tried again."""


class Gap(Struct, frozen=True):
    """A tenant whose rows aside include the log up to `next`, while those that are read include it up to `live`."""

    tenant_id: UUID
    next: int
    live: int


class Sum(Struct, frozen=True):
    """A tenant's rows in one table: how many, and a checksum over all of them."""

    table: str
    rows: int
    checksum: int


class Tables(Sessions, Protocol):
    """Sessions in which a projection's own tables are others than those that are read."""

    async def copy(self, connection: Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, columns in the table's order."""
        ...


class Aside(Tables, Protocol):
    """Tables beside those that are read, under the same names; they stay when the process dies."""

    def claimed(self) -> AbstractAsyncContextManager[None]:
        """Hold the installation's one right to rebuild.

        Raises:
            RebuildRunsError: another has it.
        """
        ...

    async def begin(self, projection: Projection) -> bool:
        """Make a projection's tables; True when they are there from a rebuild that was interrupted."""
        ...

    async def forget(self, projection: Projection) -> None:
        """Drop what an interrupted rebuild has left."""
        ...

    async def index(self, projection: Projection) -> None:
        """Give the tables their indexes; before that they can only be copied into."""
        ...

    async def analyze(self, projection: Projection) -> None:
        """See to it that queries of the tables are planned by what is in them; they can be used meanwhile."""
        ...

    async def sums(self, connection: Connection, table: str, tenant_id: UUID) -> tuple[Sum, Sum]:
        """A tenant's rows that are read, and those aside."""
        ...

    async def gaps(self, projection: Projection) -> Sequence[Gap]:
        """Tenants whose rows aside lack something."""
        ...

    def swapping(self, projection: Projection, *, patience: float) -> AbstractAsyncContextManager["Swap"]:
        """A transaction in which no projector moves on. At its end the tables have changed places.

        Raises:
            SwapBusyError: what is read could not be locked within `patience` seconds.
        """
        ...


class Swap(Protocol):
    """The transaction of a swap."""

    async def gaps(self) -> Sequence[Gap]:
        """What has still to be caught up with."""
        ...

    async def of(self, tenant_id: UUID) -> Connection:
        """The transaction, for the rows aside of one tenant from here on."""
        ...


class Scratch(Tables, Protocol):
    """Tables of a session of its own, which go with it."""

    async def prepare(self, projection: Projection) -> None:
        """Make a projection's tables, empty."""
        ...

    def snapshot(self, tenant_id: UUID) -> AbstractAsyncContextManager[Connection]:
        """A transaction that sees what is read as of one moment. What it writes is gone at its end."""
        ...

    async def differences(self, connection: Connection, table: str, tenant_id: UUID) -> tuple[int, Sequence[str]]:
        """How many rows differ between what is read and what is here, and the keys of some of them."""
        ...

    async def replace(self, connection: Connection, table: str, tenant_id: UUID) -> None:
        """Put a tenant's rows from here in the place of those that are read."""
        ...
