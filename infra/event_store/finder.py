"""Answers the look-ups of commands: which record holds a value, or is there under an id."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from commands.ports import EventStore

_BY_ID = frozenset({"user", "company"})


def find(store: EventStore) -> Callable[[UUID, str, str], Awaitable[UUID | None]]:
    """A function for commands.handle.Handler: (tenant, kind, value) to an id.

    Kinds of records are looked up by id (the stream must be of that kind), everything else as a claim.
    """

    async def found(tenant_id: UUID, kind: str, value: str) -> UUID | None:
        if kind in _BY_ID:
            stream_id = UUID(value)
            recorded = await store.load(tenant_id, stream_id)
            there = bool(recorded) and recorded[0].event.TOPIC.startswith(f"{kind}.")
            return stream_id if there else None
        owner = await store.holder(tenant_id, kind, value)
        return owner.stream_id if owner else None

    return found
