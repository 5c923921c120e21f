"""R4.1: what took an item's key while it was being decided is what the item is about, and no reason to refuse it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from commands.batch.items import Asked, ByKey, Matching
from commands.decision import Lookup
from commands.interactions.input import LogInteraction
from commands.interactions.interaction import EXTERNAL_ID
from commands.registry import FIND_INTERACTION, LOG_INTERACTION
from domain.interaction import Interaction, Type, evolve
from tests.commands.batch.batched import Batched, told


def call(known_as: str) -> ByKey:
    new = Asked(case=LOG_INTERACTION, command=LogInteraction(type=Type.CALL, external_id=known_as))

    def asks(states: Sequence[Interaction]) -> Asked:
        return Asked(case=FIND_INTERACTION, command=None, stream_id=states[0].id) if states else new

    return ByKey(keys=((EXTERNAL_ID, known_as),), asks=asks)


def seen(state: Interaction) -> Iterable[Lookup]:
    return [(EXTERNAL_ID, state.external_id)] if state.external_id else []


async def test_of_two_batches_with_the_same_interactions_one_logs_them_whenever_the_other_comes() -> None:
    world = Batched()
    looked: list[int] = []

    async def find(tenant: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
        looked.append(len(keys))
        held = await world.store.holders(tenant, keys)
        if len(looked) == 1:  # right after that, the other one comes
            assert await logged() == [201, 201]
        return {key: [stream_id] for key, stream_id in held.items()}

    async def logged(**options: Any) -> list[int | str]:
        return told(await world.all(call("one"), call("two"), **options))

    matching = Matching(kind="interaction", evolve=evolve, find=find, seen=seen)
    assert told(await world.all(call("one"), call("new"), call("two"), matching=matching)) == [200, 201, 200]
    assert looked == [3, 2, 3]
    # One that is held by something that looking does not find is still another's.
    nobody = Matching(kind="interaction", evolve=evolve, find=_none, seen=seen)
    assert await logged(matching=nobody) == ["interaction.external_id_taken"] * 2


async def _none(_: UUID, __: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
    return {}
