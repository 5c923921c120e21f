"""What a batch is made of: a command on a record, or on whichever record is found by a key."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands.batch.marks import Mark
from commands.batch.world import Seen
from commands.decision import Lookup
from commands.handle import UseCase
from commands.look import Looked
from domain.errors import FieldError


class Asked(Struct, frozen=True, kw_only=True):
    """What an item asks: a command on a record that is there, or on a new one where the use case creates.

    `errors` are members that could not be read: see commands.handle.Read.
    """

    case: UseCase[Any, Any]
    command: Any
    errors: Sequence[FieldError] = ()
    stream_id: UUID | None = None


class ByKey(Struct, frozen=True, kw_only=True):
    """An item about whichever record has one of its `keys`; earlier items of the batch may have made or changed it.

    `asks` is told the states of those records and gives what is asked, or raises DomainError. `lookups` and `looks_at`
    are those of all commands that it may give.
    """

    keys: tuple[Lookup, ...]
    asks: Callable[[Sequence[Any]], Asked]
    lookups: Sequence[Lookup] = ()
    looks_at: Sequence[Looked] = ()


Item = Asked | ByKey


class Matching(Struct, frozen=True, kw_only=True):
    """How records are found by keys: `find` names those that may have one, `seen` gives a state's; see marks."""

    kind: str
    evolve: Callable[..., Any]
    find: Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, Sequence[UUID]]]]
    seen: Seen
    mark: Mark | None = None
