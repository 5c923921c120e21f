"""What a use case may find out of other records of its tenant, beside answers to look-ups by one value."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from domain.errors import NotFoundError

T = TypeVar("T")

Looked = tuple[str, Callable[..., Any], UUID]
"""A record whose state is looked at: its kind, how that evolves, and its id."""

States = Callable[[UUID, str, Callable[..., Any], UUID], Awaitable[Any]]
Find = Callable[[UUID, str, str], Awaitable[UUID | None]]


class Look(Struct, frozen=True):
    """Looks into the store; in a batch, into what the items before this one have left too."""

    tenant_id: UUID
    states: States
    """Loads a state: tenant, kind, evolve, id. Raises NotFoundError."""
    finder: Find
    """Answers a look-up: tenant, kind, value."""

    async def state(self, kind: str, evolve: Callable[..., T], stream_id: UUID) -> T | None:
        """The state of a record; None where there is none of that kind."""
        try:
            found: T = await self.states(self.tenant_id, kind, evolve, stream_id)
        except NotFoundError:
            return None
        return found

    async def find(self, kind: str, value: str) -> UUID | None:
        """Which record holds a value, or is there under an id."""
        return await self.finder(self.tenant_id, kind, value)
