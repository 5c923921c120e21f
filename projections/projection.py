"""What a projection is: a name, a version, tables, and a function from events to rows."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from domain.event import Event, Recorded
from projections.ports import Connection

Apply = Callable[[Connection, Sequence[Recorded[Event]]], Awaitable[None]]


class Projection(Struct, frozen=True, kw_only=True):
    """A read model in Postgres.

    `ddl` creates `tables` (in schema `read`, names carry the version). `apply` gets one tenant's next events whose
    topic is among `topics`, in order and without gaps, inside the transaction that also moves the checkpoint.
    """

    name: str
    version: int
    topics: frozenset[str]
    tables: tuple[str, ...]
    ddl: str
    apply: Apply

    @property
    def checkpoint(self) -> str:
        """The name under which its progress is kept: versions progress apart."""
        return f"{self.name}_v{self.version}"
