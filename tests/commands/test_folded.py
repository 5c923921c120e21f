"""N-P1: a state is folded once, then carried on; it is always what a fold from the first event gives."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given as properties
from hypothesis import strategies as st
from msgspec import structs

from commands.folded import EVERY, FoldedStates, fold_of
from commands.ports import Snapshot
from domain import company, contact, tenant, user
from domain.contact import Contact
from domain.errors import NotFoundError
from domain.event import Event, Recorded
from infra import clock
from infra.event_store.memory import MemoryEventStore, MemorySnapshots
from tests.given import TENANT, changed, deleted, registered, some_id
from tests.infra.event_store.appends import append, stream

ADA, GRACE = some_id(1), some_id(2)


class Watched(MemoryEventStore):
    """Remembers which versions were read, load by load."""

    def __init__(self) -> None:
        super().__init__(clock.now)
        self.read_versions: list[list[int]] = []
        self.erased = False

    async def load(
        self, tenant_id: UUID, stream_id: UUID, *, after_version: int = 0, up_to: int | None = None
    ) -> Sequence[Recorded[Event]]:
        found = await super().load(tenant_id, stream_id, after_version=after_version, up_to=up_to)
        self.read_versions.append([item.version for item in found])
        return [structs.replace(item, erased=self.erased) for item in found]

    async def add(self, stream_id: UUID, after: int, count: int) -> None:
        await self.append(append(TENANT, stream(stream_id, after, count)))


class Time:
    """Stands still until told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class World:
    """A log, and the states of two processes on it."""

    def __init__(self, **options: Any) -> None:
        self.log = Watched()
        self.snapshots = MemorySnapshots(self.log)
        self.time = Time()
        self.here, self.there = (FoldedStates(self.log, self.snapshots, clock=self.time, **options) for _ in range(2))

    async def load(
        self, stream_id: UUID = ADA, up_to: int | None = None, *, there: bool = False, head: int = 0
    ) -> Contact:
        states = self.there if there else self.here
        return await states.load(TENANT, "contact", contact.evolve, stream_id, up_to=up_to, head=head)

    async def fresh(self, up_to: int | None = None) -> Contact:
        """The same, folded from the first event."""
        return await FoldedStates(self.log).load(TENANT, "contact", contact.evolve, ADA, up_to=up_to)

    def reads(self) -> list[list[int]]:
        seen, self.log.read_versions = self.log.read_versions, []
        return seen


@pytest.fixture
async def world() -> World:
    """Ada has four events, at the positions 1, 2, 3 and 5."""
    made = World()
    await made.log.add(ADA, 0, 3)
    await made.log.add(GRACE, 0, 1)
    await made.log.add(ADA, 3, 1)
    return made


async def test_the_second_time_only_what_is_new_is_read(world: World) -> None:
    assert (await world.load()).version == 4
    assert (await world.load()).version == 4
    await world.log.add(ADA, 4, 2)
    assert (await world.load()).version == 6
    assert world.reads() == [[1, 2, 3, 4], [], [5, 6]]
    assert await world.load() == await world.fresh()


async def test_what_another_process_wrote_is_seen_at_once(world: World) -> None:
    await world.load()
    await world.load(there=True)
    await world.log.append(append(TENANT, stream(ADA, 4)))
    assert (await world.load()).version == (await world.load(there=True)).version == 5


async def test_nothing_is_read_where_the_log_still_ends_where_it_did(world: World) -> None:
    for _ in range(2):
        assert (await world.load(head=5)).version == 4
    assert world.reads() == [[1, 2, 3, 4]]
    await world.log.add(GRACE, 1, 1)
    for _ in range(2):
        assert (await world.load(head=6)).version == 4
    assert world.reads() == [[]]


async def test_what_another_process_wrote_is_seen_by_whoever_has_looked_since(world: World) -> None:
    await world.load(head=5)
    await world.load(head=5, there=True)
    await world.log.append(append(TENANT, stream(ADA, 4)))
    assert (await world.load(head=6)).version == (await world.load(head=6, there=True)).version == 5


async def test_a_look_that_is_older_than_the_state_is_not_relied_on(world: World) -> None:
    """The log may have been set back to before what was read of it."""
    await world.load(head=5)
    world.reads()
    await world.load(head=4)
    assert world.reads() == [[]]


async def test_an_older_look_takes_nothing_back(world: World) -> None:
    await world.load(head=5)
    await world.load(head=0)
    world.reads()
    await world.load(head=5)
    assert world.reads() == []


@pytest.mark.parametrize(("up_to", "reads"), [(2, [1, 2]), (4, [1, 2, 3]), (5, []), (9, [])])
async def test_as_of_uses_what_is_in_memory_where_that_is_not_past_it(
    world: World, up_to: int, reads: list[int]
) -> None:
    """B1."""
    await world.load()
    world.reads()
    found = await world.load(up_to=up_to)
    assert world.reads() == [reads]
    assert found == await world.fresh(up_to)
    assert (await world.load()).version == 4


async def test_what_is_not_there_or_of_another_kind_is_not_found(world: World) -> None:
    await world.load()
    for stream_id, kind, evolve in ((some_id(9), "contact", contact.evolve), (ADA, "company", company.evolve)):
        with pytest.raises(NotFoundError):
            await world.here.load(TENANT, kind, evolve, stream_id)
    with pytest.raises(NotFoundError):
        await world.here.load(some_id(900), "contact", contact.evolve, ADA)
    with pytest.raises(NotFoundError):
        await world.load(up_to=0)


async def test_the_streams_used_last_stay_in_memory() -> None:
    world = World(most=2)
    for number in range(3):
        await world.log.add(some_id(number), 0, 1)
        await world.load(some_id(number))
        await world.load(some_id(0))
    assert len(world.here) == 2
    world.reads()
    for number in (0, 2, 1):
        await world.load(some_id(number))
    assert world.reads() == [[], [], [1]]


async def test_nothing_stays_in_memory_for_longer_than_it_may(world: World) -> None:
    """N-C1: however often it is used and carried on, since another process may have destroyed the person's keys."""
    await world.load()
    for second in (30, 59):
        world.time.now = second
        await world.log.add(ADA, 4 if second == 30 else 5, 1)
        await world.load()
    world.reads()
    world.time.now = 61
    await world.load()
    assert world.reads() == [[1, 2, 3, 4, 5, 6]]


async def test_what_is_forgotten_is_read_anew(world: World) -> None:
    """B3: an erasure in this process."""
    await world.load()
    await world.load(GRACE)
    world.here.forget(TENANT, ADA)
    world.reads()
    await world.load()
    await world.load(GRACE)
    assert world.reads() == [[1, 2, 3, 4], []]


async def test_a_person_who_was_erased_elsewhere_is_not_carried_on(world: World) -> None:
    """B3."""
    await world.load()
    await world.log.add(ADA, 4, 1)
    world.log.erased = True
    world.reads()
    await world.load()
    assert world.reads() == [[5], [1, 2, 3, 4, 5]]


async def test_a_long_stream_is_carried_on_from_its_snapshot_by_a_process_that_knows_nothing() -> None:
    world = World()
    await world.log.add(ADA, 0, EVERY - 1)
    await world.load()
    await world.load(there=True)
    await world.log.add(ADA, EVERY - 1, 2)
    await world.load()
    await world.log.add(ADA, EVERY + 1, 1)
    world.reads()
    world.there.forget(TENANT, ADA)
    state = await world.load(there=True)
    assert world.reads() == [[EVERY + 2]]
    assert state == await world.fresh()


async def test_a_snapshot_is_kept_when_enough_has_come_after_the_last() -> None:
    kept: list[int] = []

    class Heard(MemorySnapshots):
        def keep(self, tenant_id: UUID, stream_id: UUID, fold: str, snapshot: Snapshot) -> None:
            kept.append(snapshot.version)
            super().keep(tenant_id, stream_id, fold, snapshot)

    world = World()
    states = FoldedStates(world.log, Heard(world.log))
    for after in range(0, 2 * EVERY + 50, 50):
        await world.log.add(ADA, after, 50)
        await states.load(TENANT, "contact", contact.evolve, ADA)
        await states.load(TENANT, "contact", contact.evolve, ADA, up_to=after) if after else None
    assert kept == [EVERY, 2 * EVERY]


async def test_a_snapshot_that_is_no_such_state_is_as_if_it_were_not_there(world: World) -> None:
    world.snapshots.keep(TENANT, ADA, f"contact/{fold_of(contact.evolve).digest}", Snapshot(3, 3, b"\xc1"))
    assert await world.load() == await world.fresh()


def test_every_state_comes_back_from_a_snapshot() -> None:
    for aggregate in (company, contact, tenant, user):
        fold = fold_of(aggregate.evolve)
        assert (fold.state.__module__, len(fold.digest)) == (aggregate.__name__, 32)
    assert len({fold_of(aggregate.evolve).digest for aggregate in (company, contact, tenant, user)}) == 4


CODE = """
from msgspec import Struct
class State(Struct):
    {member}
def evolve(state: State | None, event: object) -> State:
    return State({value})
"""


def test_other_code_or_another_shape_of_the_state_is_another_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    digests = set()
    for number, (member, value) in enumerate([("n: int", "1"), ("n: int", "2"), ("n: float", "1")]):
        (tmp_path / f"folds_{number}.py").write_text(CODE.format(member=member, value=value))
        digests.add(fold_of(importlib.import_module(f"folds_{number}").evolve).digest)
    assert len(digests) == 3


_events = st.lists(
    st.builds(
        changed, title=st.none() | st.text(max_size=5), tags=st.lists(st.text(max_size=3), max_size=2).map(tuple)
    ),
    max_size=5,
)


@properties(_events, st.booleans())
def test_a_contact_is_the_same_after_it_was_kept(events: list[Event], gone: bool) -> None:
    state: Contact | None = None
    for event in (registered("Ada", external_ids={"erp": "7"}), *events, *([deleted()] if gone else [])):
        state = contact.evolve(state, event, stream_id=ADA, at=clock.now())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Contact) == state
