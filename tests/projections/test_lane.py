"""Turns of a lane: how many events one has, and what of them stays."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.company import CompanyRegistered
from domain.event import Event, Recorded
from projections import lane as lanes
from projections.lane import Lane
from projections.turns import BATCH, Turns
from tests.projections.fakes import FakeLog
from tests.waiting import until


class Told(Turns):
    """Turns that only count."""

    def __init__(self) -> None:
        super().__init__((), log=FakeLog(), sessions=None, on_applied=None, careful=asyncio.Semaphore())  # type: ignore[arg-type]
        self.seen: list[list[int]] = []

    async def take(
        self, tenant_id: UUID, delivered: Sequence[Recorded[Event]] = (), *, until: int | None = None
    ) -> bool:
        del tenant_id, until
        self.seen.append([item.position for item in delivered])
        await asyncio.sleep(0)
        return False


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[tuple[Lane, Told]]:
    turns = Told()
    lane = Lane(turns, side_by_side=1, **options)
    task = asyncio.create_task(lane.run())
    yield lane, turns
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def some(count: int) -> list[Recorded[Event]]:
    return FakeLog().add(uuid4(), uuid4(), *(CompanyRegistered(name="Engines") for _ in range(count)))


async def test_what_waits_is_taken_in_turns_of_a_batch_and_in_order() -> None:
    events, tenant = some(2 * BATCH + 7), uuid4()
    async with running() as (lane, turns):
        lane.offer(tenant, events[BATCH:])
        lane.offer(tenant, events[:BATCH])
        await until(lambda: sum(map(len, turns.seen)) == len(events))
    assert list(map(len, turns.seen)) == [BATCH, BATCH, 7]
    assert [position for turn in turns.seen for position in turn] == [item.position for item in events]


async def test_a_lane_may_have_larger_turns() -> None:
    events = some(2 * BATCH + 7)
    async with running(most=2 * BATCH) as (lane, turns):
        lane.offer(uuid4(), events)
        await until(lambda: sum(map(len, turns.seen)) == len(events))
    assert list(map(len, turns.seen)) == [2 * BATCH, 7]


async def test_after_many_events_it_waits_for_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_LONGEST_REST_SECONDS", 0.5)
    events, tenant = some(3 * BATCH), uuid4()
    async with running(rest=3.0) as (lane, turns):
        lane.offer(tenant, events[: 2 * BATCH])
        await until(lambda: len(turns.seen) == 2)
        for start in range(2 * BATCH, 3 * BATCH, 50):
            lane.offer(tenant, events[start : start + 50])
            await asyncio.sleep(0)
        await until(lambda: sum(map(len, turns.seen)) == len(events))
    assert list(map(len, turns.seen)) == [BATCH, BATCH, BATCH]


async def test_what_comes_during_a_turn_is_taken_after_it() -> None:
    events, tenant = some(BATCH + 3), uuid4()
    async with running() as (lane, turns):
        lane.offer(tenant, events[: BATCH + 1])
        await until(lambda: bool(turns.seen))
        lane.offer(tenant, events[BATCH + 1 :])
        await until(lambda: sum(map(len, turns.seen)) == len(events))
    assert [position for turn in turns.seen for position in turn] == [item.position for item in events]


async def test_nothing_of_a_turn_is_held_while_the_lane_waits() -> None:
    """A projector at rest is small."""
    events = some(50)
    async with running() as (lane, turns):
        lane.offer(uuid4(), events)
        await until(lambda: bool(turns.seen) and not lane._busy)
        await asyncio.sleep(0)
        assert [each for each in gc.get_referrers(events[0]) if each is not events] == []
