"""Every adapter of commands.ports.Snapshots gives back what was kept, and the events after it."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from msgspec import Struct

from commands.ports import EventStore, Snapshot, Snapshots
from infra import clock
from infra.event_store.memory import MemoryEventStore, MemorySnapshots
from infra.event_store.snapshots import PostgresSnapshots
from infra.event_store.store import PostgresEventStore
from tests.conftest import SECRET, Database
from tests.infra.event_store.appends import append, stream

FOLD, ADA, GRACE = "contact/1", UUID(int=1), UUID(int=2)


class World(Struct):
    """A log, its snapshots, and what waits until those that were asked for are kept."""

    log: EventStore
    snapshots: Snapshots
    settled: Callable[[], Awaitable[None]]


async def _nothing() -> None:
    pass


@pytest.fixture
def memory_world() -> World:
    log = MemoryEventStore(clock.now)
    return World(log, MemorySnapshots(log), _nothing)


@pytest.fixture
def postgres_world(database: Database) -> World:
    snapshots = PostgresSnapshots(database.service, database.appends, database.keyring)
    return World(PostgresEventStore(database.appends, database.service, SECRET), snapshots, snapshots.flush)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.servers)])
async def world(request: pytest.FixtureRequest, tenant: UUID) -> World:
    """Ada has five events, at the positions 1, 2, 3, 5 and 6."""
    made: World = request.getfixturevalue(f"{request.param}_world")
    for told in (stream(ADA, count=3), stream(GRACE), stream(ADA, after=3, count=2)):
        await made.log.append(append(tenant, told))
    await made.snapshots.load(tenant, ADA, FOLD)
    return made


async def keep(
    world: World, tenant: UUID, version: int, position: int, state: bytes = b"state", fold: str = FOLD
) -> None:
    world.snapshots.keep(tenant, ADA, fold, Snapshot(version, position, state))
    await world.settled()


async def loaded(
    world: World, tenant: UUID, stream_id: UUID = ADA, fold: str = FOLD, up_to: int | None = None
) -> tuple[int, list[int]]:
    """Version of the snapshot (0: none), and of the events after it."""
    snapshot, events = await world.snapshots.load(tenant, stream_id, fold, up_to=up_to)
    return snapshot.version if snapshot else 0, [item.version for item in events]


async def test_without_a_snapshot_there_is_every_event(world: World, tenant: UUID) -> None:
    assert await loaded(world, tenant) == (0, [1, 2, 3, 4, 5])
    assert await loaded(world, tenant, uuid4()) == (0, [])


async def test_what_was_kept_comes_back_with_the_events_after_it(world: World, tenant: UUID) -> None:
    await keep(world, tenant, 3, 3, b"\0any bytes\xff")
    snapshot, events = await world.snapshots.load(tenant, ADA, FOLD)
    assert snapshot == Snapshot(3, 3, b"\0any bytes\xff")
    assert [item.position for item in events] == [5, 6]


async def test_with_the_last_event_in_it_there_is_no_event_to_read(world: World, tenant: UUID) -> None:
    await keep(world, tenant, 5, 6)
    assert await loaded(world, tenant) == (5, [])


@pytest.mark.parametrize(
    ("up_to", "expected"), [(2, (0, [1, 2])), (3, (3, [])), (4, (3, [])), (5, (3, [4])), (9, (3, [4, 5]))]
)
async def test_one_that_is_past_the_asked_position_is_not_used(
    world: World, tenant: UUID, up_to: int, expected: tuple[int, list[int]]
) -> None:
    """B1."""
    await keep(world, tenant, 3, 3)
    assert await loaded(world, tenant, up_to=up_to) == expected


async def test_a_later_one_takes_the_place_of_an_earlier_one_and_not_the_reverse(world: World, tenant: UUID) -> None:
    for version, position in ((3, 3), (4, 5), (2, 2)):
        await keep(world, tenant, version, position)
    assert await loaded(world, tenant) == (4, [5])


async def test_another_fold_does_not_find_it_and_takes_its_place(world: World, tenant: UUID) -> None:
    await keep(world, tenant, 4, 5)
    assert await loaded(world, tenant, fold="contact/2") == (0, [1, 2, 3, 4, 5])
    await keep(world, tenant, 3, 3, fold="contact/2")
    assert await loaded(world, tenant, fold="contact/2") == (3, [4, 5])
    assert await loaded(world, tenant) == (0, [1, 2, 3, 4, 5])


async def test_another_tenant_and_another_stream_have_their_own(world: World, tenant: UUID) -> None:
    """R6.2."""
    other = uuid4()
    await world.log.append(append(other, stream(ADA, count=2)))
    await keep(world, tenant, 3, 3)
    assert await loaded(world, other) == (0, [1, 2])
    assert await loaded(world, tenant, GRACE) == (0, [1])
