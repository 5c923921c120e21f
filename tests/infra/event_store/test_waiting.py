"""R6.5, N-R3: what waits to be sent is fair between tenants, and bounded."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from commands.ports import KeyUse, StreamEvents
from infra.event_store import waiting as module
from infra.event_store.sealed import SealedAppend
from infra.event_store.waiting import TooManyWaitingError, Waiting, WaitingAppends
from tests.given import registered
from tests.infra.event_store.appends import METADATA, OCCURRED, key

HOT, ADA, GRACE, JOAN = (UUID(int=n) for n in (7, 1, 2, 9))


class Queue:
    """What waits, and an easy way to let more wait."""

    def __init__(self) -> None:
        self.appends = WaitingAppends()
        self._loop = asyncio.new_event_loop()
        self._loop.close()

    def add(
        self, tenant: UUID, times: int = 1, *, events: int = 1, stream: UUID | None = None, use: KeyUse | None = None
    ) -> list[Waiting]:
        return [
            self.appends.add(self._made(tenant, events, stream or uuid4(), use), self._answer()) for _ in range(times)
        ]

    def next(self, *away: UUID, places: int = 1) -> list[Waiting]:
        return self.appends.next_batch({tenant.int for tenant in away}, places)

    def _answer(self) -> "asyncio.Future[object]":
        return asyncio.Future(loop=self._loop)

    def _made(self, tenant: UUID, events: int, stream: UUID, use: KeyUse | None) -> SealedAppend:
        happened = (registered(),) * events
        return SealedAppend(
            tenant_id=tenant, command_id=uuid4(), metadata=METADATA, streams=(StreamEvents(stream, 0, happened),),
            occurred_at=OCCURRED, key=use, data=(b"{}",) * events, sealed_metadata=b"{}",
        )  # fmt: skip


@pytest.fixture
def queue() -> Queue:
    return Queue()


def tenants(batch: Sequence[Waiting]) -> Counter[UUID]:
    return Counter(waiting.append.tenant_id for waiting in batch)


def test_everything_that_waits_goes_together_sorted_by_tenant(queue: Queue) -> None:
    queue.add(HOT, 3)
    queue.add(ADA, 2)
    batch = queue.next()
    assert [waiting.append.tenant_id for waiting in batch] == [ADA, ADA, HOT, HOT, HOT]
    assert (len(queue.appends), queue.next()) == (0, [])


def test_one_tenant_that_fills_the_queue_delays_nobody_by_a_batch(queue: Queue) -> None:
    queue.add(HOT, 1000)
    queue.add(ADA, 3)
    queue.add(GRACE)
    assert tenants(queue.next()) == {HOT: 196, ADA: 3, GRACE: 1}


def test_tenants_that_all_write_flat_out_have_equal_shares(queue: Queue) -> None:
    queue.add(HOT, 1000)
    queue.next()
    queue.add(ADA, 150)
    queue.add(GRACE, 150)
    assert tenants(queue.next()) == {HOT: 67, ADA: 67, GRACE: 66}


def test_with_more_tenants_than_fit_each_has_its_turn(queue: Queue) -> None:
    many = [uuid4() for _ in range(500)]
    for tenant in many:
        queue.add(tenant, 2)
    seen = [tenants(queue.next()) for _ in range(3)]
    assert max(max(batch.values()) for batch in seen[:2]) == 1
    assert sum(seen, Counter()).keys() == set(many)


def test_two_places_share_the_tenants(queue: Queue) -> None:
    queue.add(HOT, 50)
    queue.add(ADA)
    queue.add(GRACE)
    first = queue.next(places=2)
    second = queue.next(*tenants(first))
    assert (tenants(first), tenants(second)) == ({HOT: 50, ADA: 1}, {GRACE: 1})


def test_a_tenant_that_is_away_waits(queue: Queue) -> None:
    queue.add(HOT, 5)
    assert queue.next(HOT) == []
    queue.add(ADA)
    assert tenants(queue.next(HOT)) == {ADA: 1}
    assert len(queue.appends) == 5


def test_an_append_of_many_events_goes_with_few(queue: Queue) -> None:
    queue.add(HOT, 3, events=150)
    queue.add(ADA, 10)
    assert tenants(queue.next()) == {HOT: 1, ADA: 10}
    assert tenants(queue.next()) == {HOT: 1}


def test_one_that_is_larger_than_any_batch_goes_alone(queue: Queue) -> None:
    queue.add(HOT, events=900)
    queue.add(ADA)
    assert [tenants(queue.next()) for _ in range(2)] == [{HOT: 1}, {ADA: 1}]


@pytest.mark.parametrize("same", ["stream", "key"])
def test_what_would_meet_in_one_call_goes_in_two(queue: Queue, same: str) -> None:
    stream = uuid4() if same == "stream" else None
    use = key("k") if same == "key" else None
    queue.add(ADA, 2, stream=stream, use=use)
    queue.add(ADA, 3)
    assert [len(queue.next()) for _ in range(3)] == [4, 1, 0]


def test_what_came_back_goes_with_its_own_tenant_only(queue: Queue) -> None:
    sent = queue.add(ADA, 2)
    queue.next()
    for waiting in sent:
        queue.appends.put_back(waiting)
    queue.add(ADA)
    queue.add(GRACE)
    assert [tenants(queue.next()) for _ in range(2)] == [{ADA: 3}, {GRACE: 1}]
    queue.add(ADA)
    queue.add(GRACE)
    assert tenants(queue.next()) == {ADA: 1, GRACE: 1}


def test_what_came_back_when_nobody_waits_for_it_any_more_is_dropped(queue: Queue) -> None:
    (sent,) = queue.add(ADA)
    queue.next()
    sent.answer.cancel()
    queue.appends.put_back(sent)
    assert len(queue.appends) == 0


def test_what_was_taken_out_is_not_sent_and_leaves_room(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_OF_TENANT", 3)
    first, *others = queue.add(ADA, 3)
    queue.appends.remove(first)
    queue.appends.remove(first)
    last = queue.add(ADA)
    assert queue.next() == [*others, *last]


@pytest.mark.parametrize(("bound", "most"), [("_MOST_OF_TENANT", 4), ("_MOST_BYTES_OF_TENANT", 9)])
def test_a_tenant_has_no_room_without_end(queue: Queue, monkeypatch: pytest.MonkeyPatch, bound: str, most: int) -> None:
    monkeypatch.setattr(module, bound, most)
    queue.add(HOT, 4)
    with pytest.raises(TooManyWaitingError):
        queue.add(HOT)
    queue.add(ADA, 4)
    queue.next()
    queue.add(HOT)


@pytest.mark.parametrize(("bound", "most"), [("_MOST_WAITING", 6), ("_MOST_BYTES", 12)])
def test_when_all_are_too_many_there_is_room_for_those_with_less_than_their_share(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(module, bound, most)
    queue.add(HOT, 5)
    queue.add(ADA)
    with pytest.raises(TooManyWaitingError):
        queue.add(HOT)
    queue.add(ADA, 2)
    with pytest.raises(TooManyWaitingError):
        queue.add(ADA)
    queue.next()
    queue.add(HOT)


def test_nobody_has_room_beyond_twice_as_many(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 5)
    for number in range(10):
        queue.add(UUID(int=number))
    with pytest.raises(TooManyWaitingError):
        queue.add(UUID(int=10))
