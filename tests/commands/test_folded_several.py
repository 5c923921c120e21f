"""N-P1: the states of several streams are folded as each by itself would be, in one read."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from msgspec import structs

from commands.folded import FoldedStates
from domain import company, contact
from domain.event import Event, Recorded
from infra import clock
from infra.event_store.memory import MemoryEventStore
from tests.given import TENANT, some_id
from tests.infra.event_store.appends import append, stream

ADA, GRACE, NOBODY = some_id(1), some_id(2), some_id(3)


class Watched(MemoryEventStore):
    """Remembers what was asked, read by read."""

    def __init__(self) -> None:
        super().__init__(clock.now)
        self.asked: list[dict[UUID, int]] = []
        self.erased = False

    async def load_several(self, tenant_id: UUID, after: Mapping[UUID, int]) -> Sequence[Recorded[Event]]:
        self.asked.append(dict(after))
        found = await super().load_several(tenant_id, after)
        return [structs.replace(item, erased=self.erased) for item in found]


@pytest.fixture
async def store() -> Watched:
    made = Watched()
    await made.append(append(TENANT, stream(ADA, count=3), stream(GRACE)))
    return made


async def test_several_states_are_those_of_each_stream_by_itself(store: Watched) -> None:
    states = FoldedStates(store)

    found = await states.load_several(TENANT, "contact", contact.evolve, [ADA, GRACE, NOBODY])

    assert list(found) == [ADA, GRACE]
    for stream_id, state in found.items():
        assert state == await FoldedStates(store).load(TENANT, "contact", contact.evolve, stream_id)
    assert await states.load_several(TENANT, "company", company.evolve, [ADA]) == {}


async def test_the_second_time_only_what_is_new_is_read_of_several(store: Watched) -> None:
    states = FoldedStates(store)
    await states.load_several(TENANT, "contact", contact.evolve, [ADA, GRACE])
    await store.append(append(TENANT, stream(GRACE, after=1)))

    found = await states.load_several(TENANT, "contact", contact.evolve, [ADA, GRACE])

    assert store.asked == [{ADA: 0, GRACE: 0}, {ADA: 3, GRACE: 1}]
    assert (found[ADA].version, found[GRACE].version) == (3, 2)


async def test_of_several_the_erased_are_read_anew(store: Watched) -> None:
    """B3."""
    states = FoldedStates(store)
    await states.load_several(TENANT, "contact", contact.evolve, [ADA, GRACE])
    await store.append(append(TENANT, stream(GRACE, after=1)))
    store.erased = True

    found = await states.load_several(TENANT, "contact", contact.evolve, [ADA, GRACE])

    assert store.asked[1:] == [{ADA: 3, GRACE: 1}, {GRACE: 0}]
    assert found[GRACE].version == 2
