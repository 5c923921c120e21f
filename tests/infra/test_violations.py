"""R6.3: noting what was tried never waits, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from msgspec import structs

from commands.ports import Append, Appended, StoreUnavailableError
from commands.violations import OF_ACTOR, Owned, Violations
from domain.security import CrossTenantAttempted, CrossTenantAttemptsCounted, NamedIdsUnseen
from domain.tenant import PLATFORM
from infra import clock
from infra import violations as queues
from infra.event_store.memory import MemoryEventStore
from infra.violations import ViolationQueue
from tests.commands.test_violations import OTHER, THEIRS, Known, tried
from tests.given import TENANT, some_id
from tests.waiting import PATIENCE, until


class Away(MemoryEventStore):
    """A store that can't be reached so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(clock.now)
        self.times = times
        self.commands: list[UUID] = []

    async def append(self, append: Append) -> Appended:
        self.commands.append(append.command_id)
        if self.times:
            self.times -= 1
            raise StoreUnavailableError
        return await super().append(append)


class Broken(Known):
    """Owners that fail once in a way that nobody thought of."""

    async def of(self, named: Collection[tuple[UUID, UUID]]) -> Sequence[Owned]:
        if not self.asked:
            self.asked.append(set(named))
            raise ZeroDivisionError
        return await super().of(named)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(queues, "_AWAY_SECONDS", 0.001)


@asynccontextmanager
async def watching(
    store: MemoryEventStore, *, owners: Known | None = None, most: int = 100
) -> AsyncIterator[ViolationQueue]:
    found = owners or Known(Owned(THEIRS, OTHER, "contact"))
    queue = ViolationQueue(Violations(found, clock.now, clock.new_id), store, most=most)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def written(store: MemoryEventStore, number: int) -> Callable[[], bool]:
    return lambda: len(store._logs.get(PLATFORM, [])) == number


async def test_what_another_tenant_owns_is_written_beside_the_request() -> None:
    store = MemoryEventStore(clock.now)
    async with watching(store) as queue:
        queue.note(tried(some_id(9)))
        queue.note(tried())
        await until(written(store, 1))
        assert (queue.recorded, queue.dropped) == (1, 0)
    (item,) = await store.read(PLATFORM, after=0, limit=10)
    assert isinstance(item.event, CrossTenantAttempted)


async def test_a_full_queue_drops_and_counts_and_never_waits() -> None:
    queue = ViolationQueue(Violations(Known(), clock.now, clock.new_id), MemoryEventStore(clock.now), most=3)
    for _ in range(10):
        queue.note(tried())  # no task takes anything out: what waits would wait for ever
    assert queue.dropped == 7


async def test_who_names_more_than_anybody_looks_at_is_told_and_keeps_others_in_sight() -> None:
    store = MemoryEventStore(clock.now)
    owners = Known(Owned(THEIRS, OTHER, "contact"))
    queue = ViolationQueue(Violations(owners, clock.now, clock.new_id), store, of_tenant=20)
    for number in range(100):
        queue.note(tried(some_id(number + 50), at=clock.now()))
    queue.note(tried(at=clock.now()))  # the one that was to be hidden
    queue.note(structs.replace(tried(at=clock.now()), tenant_id=some_id(3)))
    assert queue.dropped == 81
    await queue.finish()
    attempted, unseen = [item.event for item in await store.read(PLATFORM, after=0, limit=10)]
    assert isinstance(attempted, CrossTenantAttempted)
    assert attempted.actor_tenant == some_id(3)
    assert isinstance(unseen, NamedIdsUnseen)
    assert (unseen.actor_tenant, unseen.count) == (TENANT, 81)


async def test_the_share_of_a_tenant_is_free_again_when_it_was_looked_at() -> None:
    async with watching(MemoryEventStore(clock.now), most=2) as queue:
        for _ in range(10):
            queue.note(tried(some_id(9)))
            await until(queue._waiting.empty)
    assert queue.dropped == 0
    assert not queue._shares


async def test_while_the_store_is_away_it_is_kept_and_written_once() -> None:
    store = Away(times=3)
    async with watching(store) as queue:
        queue.note(tried())
        await until(written(store, 1))
    assert len(store.commands) == 4
    assert len(set(store.commands)) == 1, "the same command: an answer that was lost makes no second event"


async def test_what_nobody_thought_of_costs_what_it_hit_and_no_more() -> None:
    store = MemoryEventStore(clock.now)
    owners = Broken(Owned(THEIRS, OTHER, "contact"))
    async with watching(store, owners=owners) as queue:
        queue.note(tried())
        await until(lambda: bool(owners.asked))
        queue.note(tried())
        await until(written(store, 1))


async def test_what_waits_is_written_when_the_process_stops() -> None:
    store = MemoryEventStore(clock.now)
    queue = ViolationQueue(Violations(Known(Owned(THEIRS, OTHER, "contact")), clock.now, clock.new_id), store)
    for _ in range(500):
        queue.note(tried(at=clock.now()))
    await queue.finish()
    *each, last = [item.event for item in await store.read(PLATFORM, after=0, limit=100)]
    assert len(each) == OF_ACTOR
    assert isinstance(last, CrossTenantAttemptsCounted)
    assert last.count == 500 - OF_ACTOR


async def test_a_process_that_stops_does_not_wait_for_a_store_that_is_away() -> None:
    queue = ViolationQueue(Violations(Known(Owned(THEIRS, OTHER, "contact")), clock.now, clock.new_id), Away(99))
    queue.note(tried())
    async with asyncio.timeout(PATIENCE):
        await queue.finish()
