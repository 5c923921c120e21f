"""R6.2, N-R2: what the library's own suites do not ask of our recorders: walls, lost answers, Postgres away."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
    Tracking,
)

from infra.event_store.library.datastore import RapportDatastore
from infra.event_store.library.recorders import (
    RapportApplicationRecorder,
    RapportProcessRecorder,
    RapportTrackingRecorder,
)
from tests.infra.event_store.proxy import Proxy
from tests.waiting import until

pytestmark = pytest.mark.servers


def event(
    stream: UUID | str | None = None, version: int = 1, topic: str = "topic", state: bytes = b"{}"
) -> StoredEvent:
    return StoredEvent(stream or uuid4(), version, topic, state)


async def test_a_datastore_that_is_left_to_the_garbage_collector_closes_its_connections(
    recorder_dsn: str, tenant_id: UUID
) -> None:
    """As by the library's ProjectionRunner."""
    left = RapportDatastore(recorder_dsn, tenant_id)
    pool = left._pool
    assert pool.closed is False
    del left
    gc.collect()
    await until(lambda: pool.closed)


def test_a_tenant_sees_its_own_events_only(datastore: RapportDatastore, recorder_dsn: str) -> None:
    """R6.2."""
    stream = uuid4()
    mine = RapportApplicationRecorder(datastore)
    mine.insert_events([event(stream), event("ada")])
    with RapportDatastore(recorder_dsn, str(uuid4())) as elsewhere:
        other = RapportProcessRecorder(elsewhere)
        assert other.insert_events([event(stream, state=b"other")], tracking=Tracking("app", 1)) == [1]
        assert [found.state for found in other.select_events(stream)] == [b"other"]
        assert other.select_events("ada") == []
        assert other.max_notification_id() == 1
    assert [found.state for found in mine.select_events(stream)] == [b"{}"]
    assert RapportTrackingRecorder(datastore).max_tracking_id("app") is None


def test_row_level_security_stands_behind_it(datastore: RapportDatastore, recorder_dsn: str) -> None:
    """R6.2: also for a query that names another tenant."""
    RapportApplicationRecorder(datastore).insert_events([event()])
    query = "SELECT count(*) FROM store.event WHERE tenant_id = %s"
    with psycopg.connect(recorder_dsn) as connection:
        assert connection.execute(query, (datastore.tenant_id,)).fetchone() == (0,)
    assert datastore.rows(query, (datastore.tenant_id,)) == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM store.append('{}')",
        "SELECT * FROM store.append_columns('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', false)",
        "SELECT * FROM store.record(gen_random_uuid(), '[]')",
        "INSERT INTO store.tracking VALUES (gen_random_uuid(), '', '', 1, gen_random_uuid())",
        "SELECT * FROM store.claim",
        "SELECT * FROM store.command",
    ],
)
def test_the_role_can_neither_append_past_its_tenant_nor_read_more(recorder_dsn: str, query: str) -> None:
    """N-S2."""
    with psycopg.connect(recorder_dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(query.encode())


def test_a_gap_in_the_versions_is_refused(datastore: RapportDatastore) -> None:
    recorder = RapportApplicationRecorder(datastore)
    stream = uuid4()
    for version in (2, 7):
        with pytest.raises(IntegrityError):
            recorder.insert_events([event(stream, version)])
    recorder.insert_events([event(stream, 0)])
    for version in (0, 2):
        with pytest.raises(IntegrityError):
            recorder.insert_events([event(), event(stream, version)])
    assert recorder.max_notification_id() == 1


def test_a_topic_that_could_not_travel_writes_nothing(datastore: RapportDatastore) -> None:
    recorder = RapportApplicationRecorder(datastore)
    with pytest.raises(DataError):
        recorder.insert_events([event(), event(topic="a b")])
    assert recorder.max_notification_id() is None


def test_every_byte_comes_back(datastore: RapportDatastore) -> None:
    states = [bytes(range(256)), b"", b'{"base64":"x"}', b'"\\u0000"', '{"name": "Жанна \\" 木"}\n'.encode(), b"\0" * 9]
    recorder = RapportApplicationRecorder(datastore)
    recorder.insert_events([event(state=state) for state in states])
    assert [found.state for found in recorder.select_notifications(None, 10)] == states


def test_a_refused_append_tracks_nothing(datastore: RapportDatastore) -> None:
    recorder = RapportProcessRecorder(datastore, "follower")
    stream = uuid4()
    recorder.insert_events([event(stream)], tracking=Tracking("app", 1))
    with pytest.raises(IntegrityError):
        recorder.insert_events([event(stream)], tracking=Tracking("app", 2))
    with pytest.raises(IntegrityError):
        recorder.insert_events([event()], tracking=Tracking("app", 1))
    assert (recorder.max_tracking_id("app"), recorder.max_notification_id()) == (1, 1)


def test_two_projections_follow_one_application_each_at_its_own_pace(datastore: RapportDatastore) -> None:
    first, second = (RapportTrackingRecorder(datastore, name) for name in ("first", "second"))
    first.insert_tracking(Tracking("app", 7))
    assert (first.max_tracking_id("app"), second.max_tracking_id("app")) == (7, None)


async def test_a_lost_answer_is_no_conflict_with_oneself(recorder_dsn: str, tenant_id: UUID) -> None:
    """Fault 2: the server has committed, the client doesn't know and asks again."""
    parts = urlsplit(recorder_dsn)
    async with Proxy(parts.hostname or "", parts.port or 0) as proxy:
        through = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()
        datastore = await asyncio.to_thread(RapportDatastore, through, tenant_id, pool_size=1)
        recorder = RapportProcessRecorder(datastore)

        async def lost(events: Sequence[StoredEvent], notification_id: int) -> Any:
            await asyncio.to_thread(recorder.max_notification_id)  # a connection is there
            proxy.swallow()
            return await asyncio.to_thread(recorder.insert_events, events, tracking=Tracking("app", notification_id))

        try:
            await asyncio.to_thread(recorder.insert_events, [event()], tracking=Tracking("app", 1))
            assert await lost([event(), event()], 2) == [2, 3]
            assert await lost([], 3) == []
            assert proxy.swallowed == 2
            assert await asyncio.to_thread(recorder.max_notification_id) == 3
            assert await asyncio.to_thread(recorder.max_tracking_id, "app") == 3
        finally:
            await asyncio.to_thread(datastore.close)


def test_postgres_away_is_the_librarys_operational_error(recorder_dsn: str) -> None:
    gone = urlsplit(recorder_dsn)
    nowhere = gone._replace(netloc=f"{gone.netloc.rpartition(':')[0]}:1").geturl()
    with RapportDatastore(nowhere, uuid4(), timeout=0.1) as datastore, pytest.raises(OperationalError):
        RapportApplicationRecorder(datastore).max_notification_id()


def test_a_subscription_hears_of_what_another_process_writes(datastore: RapportDatastore, recorder_dsn: str) -> None:
    with (
        RapportDatastore(recorder_dsn, datastore.tenant_id) as elsewhere,
        RapportApplicationRecorder(datastore).subscribe(topics=["wanted"]) as subscription,
    ):
        RapportApplicationRecorder(elsewhere).insert_events([event(), event(topic="wanted")])
        assert next(subscription).id == 2


def test_a_subscription_to_a_rare_topic_does_not_read_the_others_again(datastore: RapportDatastore) -> None:
    starts: list[int | None] = []

    class Watched(RapportApplicationRecorder):
        def select_notifications(self, start: int | None, *args: Any, **kwargs: Any) -> Sequence[Notification]:
            starts.append(start)
            return super().select_notifications(start, *args, **kwargs)

    recorder = Watched(datastore)
    recorder.insert_events([event(), event(topic="rare"), event()])
    with recorder.subscribe(topics=["rare"]) as subscription:
        assert next(subscription).id == 2
        recorder.insert_events([event(), event(topic="rare")])
        assert next(subscription).id == 5
    assert starts == [0, 3]
