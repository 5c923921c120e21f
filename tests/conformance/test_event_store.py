"""The log that every event store keeps: order, versions, all or nothing (invariants 1, 2 and 6)."""

from uuid import UUID, uuid4

import pytest

from commands.ports import EventStore, StreamEvents, VersionConflictError
from domain.event import Actor, Metadata
from tests.conformance.conftest import positions
from tests.given import changed, deleted, registered
from tests.infra.event_store.appends import OCCURRED, append, claim, key, one, stream


async def test_positions_count_a_tenants_events_from_one(store: EventStore, tenant: UUID) -> None:
    answers = [await store.append(append(tenant, stream(uuid4(), count=count))) for count in (1, 3, 2)]
    assert [answer.position for answer in answers] == [1, 4, 6]
    assert await positions(store, tenant) == [1, 2, 3, 4, 5, 6]
    assert await store.head(tenant) == 6


async def test_a_tenant_without_events_is_at_position_0(store: EventStore, tenant: UUID) -> None:
    assert await store.head(tenant) == 0
    assert list(await store.read(tenant, after=0, limit=10)) == []
    assert list(await store.load(tenant, uuid4())) == []


async def test_versions_count_a_streams_events_from_one(store: EventStore, tenant: UUID) -> None:
    ada, grace = uuid4(), uuid4()
    await store.append(append(tenant, stream(ada, count=2)))
    await store.append(append(tenant, stream(grace)))
    await store.append(append(tenant, stream(ada, after=2, count=2)))
    assert [(item.version, item.position) for item in await store.load(tenant, ada)] == [(1, 1), (2, 2), (3, 4), (4, 5)]
    assert [item.version for item in await store.load(tenant, grace)] == [1]


@pytest.mark.parametrize("after", [0, 1, 3, 4])
async def test_another_version_than_expected_is_a_conflict_and_changes_nothing(
    store: EventStore, tenant: UUID, after: int
) -> None:
    ada, value, used = uuid4(), claim(tenant, "a", uuid4()), key("k")
    await store.append(append(tenant, stream(ada, count=2)))
    with pytest.raises(VersionConflictError):
        await store.append(append(tenant, stream(ada, after=after), claims=[value], key=used))
    assert await positions(store, tenant) == [1, 2]
    assert await store.head(tenant) == 2
    assert await store.holder(tenant, value.kind, value.value) is None
    assert await store.kept_command(tenant, used.digest) is None


async def test_several_streams_are_appended_together_and_in_order(store: EventStore, tenant: UUID) -> None:
    ada, grace = uuid4(), uuid4()
    await store.append(append(tenant, stream(ada)))
    answer = await store.append(append(tenant, stream(ada, after=1, count=2), stream(grace, count=2)))
    assert answer.position == 5
    log = await store.read(tenant, after=1, limit=10)
    assert [(item.stream_id, item.version) for item in log] == [(ada, 2), (ada, 3), (grace, 1), (grace, 2)]
    assert len({item.command_id for item in log}) == 1


async def test_one_stream_in_conflict_keeps_the_others_out(store: EventStore, tenant: UUID) -> None:
    ada, grace = uuid4(), uuid4()
    await store.append(append(tenant, stream(ada)))
    for streams in ((stream(grace), stream(ada)), (stream(ada), stream(grace))):
        with pytest.raises(VersionConflictError):
            await store.append(append(tenant, *streams))
    assert list(await store.load(tenant, grace)) == []
    assert await store.head(tenant) == 1


async def test_a_repeated_command_is_appended_once_and_answers_its_first_place(store: EventStore, tenant: UUID) -> None:
    ada, grace = uuid4(), uuid4()
    await store.append(one(tenant))
    sent = append(tenant, stream(ada, count=2), stream(grace), claims=[claim(tenant, "42", ada)])
    first = await store.append(sent)
    await store.append(append(tenant, stream(ada, after=2)))
    again = await store.append(sent)
    assert (again.position, again.recorded_at, again.replayed) == (first.position, first.recorded_at, False)
    assert await positions(store, tenant) == [1, 2, 3, 4, 5]


async def test_a_stream_is_loaded_up_to_a_position(store: EventStore, tenant: UUID) -> None:
    ada = uuid4()
    await store.append(append(tenant, stream(ada)))
    await store.append(one(tenant))
    await store.append(append(tenant, stream(ada, after=1, count=2)))
    for up_to, versions in ((0, []), (1, [1]), (2, [1]), (3, [1, 2]), (4, [1, 2, 3]), (99, [1, 2, 3])):
        assert [item.version for item in await store.load(tenant, ada, up_to=up_to)] == versions


async def test_the_log_is_read_in_order_from_any_position(store: EventStore, tenant: UUID) -> None:
    for _ in range(4):
        await store.append(append(tenant, stream(uuid4(), count=3)))
    assert [item.position for item in await store.read(tenant, after=4, limit=5)] == [5, 6, 7, 8, 9]
    assert [item.position for item in await store.read(tenant, after=10, limit=5)] == [11, 12]
    assert list(await store.read(tenant, after=12, limit=5)) == []


async def test_tenants_do_not_see_each_other(store: EventStore, tenant: UUID) -> None:
    other, ada, used, value = uuid4(), uuid4(), key("k"), claim(tenant, "42", uuid4())
    await store.append(append(tenant, stream(ada, count=2), claims=[value], key=used))
    assert list(await store.load(other, ada)) == []
    assert list(await store.read(other, after=0, limit=10)) == []
    assert await store.head(other) == 0
    assert await store.holder(other, value.kind, value.value) is None
    assert await store.kept_command(other, used.digest) is None
    # The same stream id is another stream there.
    assert (await store.append(append(other, stream(ada)))).position == 1
    assert [item.version for item in await store.load(tenant, ada)] == [1, 2]


async def test_events_come_back_as_they_were_given(store: EventStore, tenant: UUID) -> None:
    ada, command_id = uuid4(), uuid4()
    events = (registered('Zoë 🙂 "O\'Brien" \\ \n', tags=("a",)), changed(title=None, tags=()), deleted())
    metadata = Metadata(
        actor=Actor("user", uuid4()), correlation_id="c-1 ü", causation_id=f"{tenant}:7", traceparent="00-1-2-01"
    )
    answer = await store.append(append(tenant, StreamEvents(ada, 0, events), command_id=command_id, metadata=metadata))
    log = await store.load(tenant, ada)
    assert list(log) == list(await store.read(tenant, after=0, limit=10))
    assert tuple(item.event for item in log) == events
    for item in log:
        assert (item.tenant_id, item.stream_id, item.command_id) == (tenant, ada, command_id)
        assert item.metadata == metadata
        assert item.occurred_at == OCCURRED
        assert item.recorded_at == answer.recorded_at


async def test_the_time_of_recording_never_goes_back(store: EventStore, tenant: UUID) -> None:
    answers = [await store.append(one(tenant)) for _ in range(20)]
    times = [item.recorded_at for item in await store.read(tenant, after=0, limit=100)]
    assert times == sorted(times) == [answer.recorded_at for answer in answers]
    assert times[0] < times[-1]
