"""R4: what the interactions of a batch are about is read for all of them together, and seen as each by itself would."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from commands.batch.batches import Batches
from commands.batch.items import Asked
from commands.interactions.input import LogInteraction
from commands.registry import DELETE_CONTACT, LOG_INTERACTION
from domain.event import Event, Recorded
from domain.interaction import Type
from infra import clock
from infra.event_store.finder import find, find_all
from infra.event_store.memory import MemoryEventStore
from tests.commands.world import World, by
from tests.given import CALLER, delete, register, some_id


class Watched(MemoryEventStore):
    """Remembers which streams were read together."""

    def __init__(self) -> None:
        super().__init__(clock.now)
        self.asked: list[set[UUID]] = []

    async def load_several(self, tenant_id: UUID, after: Mapping[UUID, int]) -> Sequence[Recorded[Event]]:
        self.asked.append(set(after))
        return await super().load_several(tenant_id, after)


class Logged(World):
    """A world that remembers what batches read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = Watched()
        self.handler = type(self.handler)(self.watched, clock.now, clock.new_id, find(self.watched))
        self.batches = Batches(self.watched, clock.now, clock.new_id, find_all(self.watched))


@pytest.fixture
def world() -> Logged:
    return Logged()


def call_with(contact_id: UUID) -> Asked:
    """A call, to be logged."""
    return Asked(case=LOG_INTERACTION, command=LogInteraction(type=Type.CALL, contact_id=contact_id))


async def test_contacts_are_read_once_for_all_interactions_with_them(world: Logged) -> None:
    ada = (await world.register(register(name="Ada", company="Engines"))).state
    bob = (await world.register(register(name="Bob"))).state

    outcome = await world.batches.handle(by(CALLER), [call_with(each) for each in (ada.id, bob.id, ada.id)])

    assert [result.state.company_id for result in outcome.results] == [ada.company_id, None, ada.company_id]
    assert ada.company_id is not None
    assert world.watched.asked == [{ada.id, bob.id}]


async def test_nobody_and_who_was_deleted_are_no_contacts_in_a_batch(world: Logged) -> None:
    ada = (await world.register(register(name="Ada"))).state
    await world.handler.handle(by(CALLER), DELETE_CONTACT, lambda: (delete(), ()), stream_id=ada.id)

    outcome = await world.batches.handle(by(CALLER), [call_with(each) for each in (ada.id, some_id(9))])

    refusals = [result.error for result in outcome.results]
    assert [[error.code for error in each.errors] for each in refusals if each] == [["contact.not_found"]] * 2
    assert world.watched.asked == [{ada.id, some_id(9)}]
