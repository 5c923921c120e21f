"""Answers the look-ups of commands: which record holds a value, or is there under an id."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import groupby
from uuid import UUID

from commands.decision import Lookup
from commands.ports import EventStore
from domain.event import Event, Recorded

_BY_ID = frozenset({"user", "company", "contact", "lead"})


def find(store: EventStore) -> Callable[[UUID, str, str], Awaitable[UUID | None]]:
    """A function for commands.handle.Handler: (tenant, kind, value) to an id.

    Kinds of records are looked up by id (the stream must be of that kind, and not deleted), everything else as a claim.
    """

    async def found(tenant_id: UUID, kind: str, value: str) -> UUID | None:
        if kind in _BY_ID:
            stream_id = UUID(value)
            return stream_id if _is_there(kind, await store.load(tenant_id, stream_id)) else None
        owner = await store.holder(tenant_id, kind, value)
        return owner.stream_id if owner else None

    return found


def find_all(store: EventStore) -> Callable[[UUID, Collection[Lookup]], Awaitable[dict[Lookup, UUID]]]:
    """The same for many look-ups of a tenant at once, for Batches; what nobody holds is left out."""

    async def found(tenant_id: UUID, wanted: Collection[Lookup]) -> dict[Lookup, UUID]:
        answers = dict(await store.holders(tenant_id, [asked for asked in wanted if asked[0] not in _BY_ID]))
        kinds = {UUID(value): kind for kind, value in wanted if kind in _BY_ID}
        recorded = await store.load_several(tenant_id, dict.fromkeys(kinds, 0)) if kinds else ()
        for stream_id, events in groupby(recorded, key=lambda item: item.stream_id):
            if _is_there(kind := kinds[stream_id], list(events)):
                answers[kind, str(stream_id)] = stream_id
        return answers

    return found


def _is_there(kind: str, recorded: Sequence[Recorded[Event]]) -> bool:
    if not recorded or not recorded[0].event.TOPIC.startswith(f"{kind}."):
        return False
    return not recorded[-1].event.TOPIC.startswith(f"{kind}.deleted.")
