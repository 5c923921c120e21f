"""B1: what a log had reached at a moment."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from commands.ports import EventStore
from tests.infra.event_store.appends import OCCURRED, append, one, stream

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("count", [1, 2, 3, 16, 41])
async def test_a_moment_is_at_the_last_event_recorded_by_then(store: EventStore, tenant: UUID, count: int) -> None:
    for number in range(count):
        await store.append(append(tenant, stream(uuid4(), count=1 + number % 3)))
    log = await store.read(tenant, after=0, limit=1000)
    times = [item.recorded_at for item in log]

    for moment in {at + step for at in times for step in (-TICK, timedelta(0), TICK)}:
        assert await store.position_at(tenant, moment) == sum(at <= moment for at in times)


async def test_before_the_first_event_and_without_any_the_position_is_0(store: EventStore, tenant: UUID) -> None:
    long_ago, far_off = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    assert await store.position_at(tenant, far_off) == 0
    await store.append(one(tenant))
    assert await store.position_at(tenant, long_ago) == 0
    assert await store.position_at(tenant, far_off) == 1


async def test_a_moment_counts_the_tenants_own_events(store: EventStore, tenant: UUID) -> None:
    for _ in range(3):
        await store.append(one(uuid4()))
    await store.append(one(tenant))
    assert await store.position_at(tenant, datetime(9999, 12, 31, tzinfo=UTC)) == 1


@pytest.mark.parametrize("count", [1, 3])
async def test_an_event_is_of_when_it_happened_where_that_is_not_when_it_was_told(
    store: EventStore, tenant: UUID, count: int
) -> None:
    """R5.2: one event takes the short way of an append, several the long one."""
    told = stream(uuid4(), count=count)
    long_ago = [datetime(2020, 1, 1 + day, tzinfo=UTC) for day in range(count)]
    await store.append(append(tenant, structs.replace(told, times=tuple(long_ago)), stream(uuid4())))
    await store.append(append(tenant, structs.replace(stream(told.stream_id, count), times=(long_ago[0],))))
    log = await store.read(tenant, after=0, limit=100)
    assert [item.occurred_at for item in log] == [*long_ago, OCCURRED, long_ago[0]]
    assert min(item.recorded_at for item in log) > datetime(2021, 1, 1, tzinfo=UTC)
