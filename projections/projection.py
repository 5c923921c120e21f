"""What a projection is: a name, a version, tables, and a function from events to rows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.event import TOPICS, Event, Recorded
from projections.ports import Connection, Unreadable

Apply = Callable[[Connection, Sequence[Recorded[Event]]], Awaitable[None]]
Fold = Callable[[Sequence[Recorded[Any]]], Mapping[str, Sequence[Sequence[Any]]]]
Settled = Callable[[Connection, UUID], Awaitable[bool]]
Refill = Callable[[Connection, UUID, UUID], Awaitable[UUID | None]]


class Projection(Struct, frozen=True, kw_only=True):
    """A read model in Postgres.

    `ddl` creates `tables` (in schema `read`, names carry the version). `apply` gets one tenant's next events whose
    topic is among `topics`, in order and without gaps, inside the transaction that also moves the checkpoint. It
    names its own tables without a schema: a rebuild has it fill tables of the same names elsewhere.
    """

    name: str
    version: int
    topics: frozenset[str]
    tables: tuple[str, ...]
    ddl: str
    apply: Apply
    follows: tuple[str, ...] = ()
    """Checkpoints of projections whose rows `apply` mirrors, whatever its events say. It never gets ahead of them, may
    be set back, and has a transaction of its own, so that they need not wait for it."""
    stream_column: str | None = "id"
    """Which column of each table holds the id of the stream that a row is of; None where rows are of several."""
    fold: Fold | None = None
    """One stream's events of `topics`, from the first, as rows by table, columns in the table's order. What has it
    is rebuilt stream by stream; else by `refill`, else by `apply` in the log's order."""
    refill: Refill | None = None
    """Fills the tables of a tenant (none of its rows is there) from what is followed, a page at a time: streams after
    an id. Gives the last one's id, or None when there were no more."""
    settled: Settled | None = None
    """Whether the rows of a tenant are complete, where `apply` leaves work for soon after. Only then are they compared
    with the log."""
    is_slow: bool = False
    """Of what follows others: whether it takes so long over many events that the others that do would wait for it."""
    suffix: str = ""
    """Tells a copy that is being built from the one that is read."""

    @property
    def checkpoint(self) -> str:
        """The name under which its progress is kept: versions progress apart."""
        return f"{self.name}_v{self.version}{self.suffix}"

    @property
    def kinds(self) -> frozenset[str]:
        """What its topics are about, like `contact`."""
        return frozenset(map(_kind, self.topics))

    def wants(self, item: Recorded[Event]) -> bool:
        """Whether an event is for it. One of a topic that this code does not know is for all that is about its kind."""
        topic = item.event.TOPIC
        if topic in self.topics:
            return True
        return isinstance(item.event, Unreadable) and topic not in TOPICS and _kind(topic) in self.kinds

    def listens(self, found: AbstractSet[str]) -> bool:
        """Whether it may want some of the events that have these topics."""
        return not self.topics.isdisjoint(found) or not found <= TOPICS.keys()


def _kind(topic: str) -> str:
    return topic.partition(".")[0]
