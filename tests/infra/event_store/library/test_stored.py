"""Stored events of the library as rows of our log: any bytes come back, under topics that NATS can carry."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from eventsourcing.persistence import DataError, IntegrityError, StoredEvent
from hypothesis import example, given
from hypothesis import strategies as st

from domain.event import Foreign, Metadata, decode
from infra.event_store.library import stored

TENANT, STREAM = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 2, 3, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.binary() | json_values.map(msgspec.json.encode))
@example(b'{"base64":"c3RhdGU="}')
@example(b'{"base64":"')
@example(b'{"a":"\xff"}')
@example(b'"\\u0000"')
@example(b' {"a": 1}\n')
@example(b"")
def test_any_state_comes_back_and_is_json_in_the_log(state: bytes) -> None:
    data = stored.data(state)
    msgspec.json.decode(data)
    assert "\0" not in data
    assert stored.state(data.encode()) == state


@given(json_values.map(msgspec.json.encode).filter(lambda state: not state.startswith(b'{"base64":"')))
def test_json_stays_readable_in_the_log(state: bytes) -> None:
    assert stored.data(state).encode() == state


@pytest.mark.parametrize("name", ["", "a b", "a..b", ".a", "a.", "a.*", ">", "a.>.b", "a\nb", "süd"])
def test_a_topic_that_could_not_travel_is_refused(name: str) -> None:
    with pytest.raises(DataError):
        stored.topic(name)


@pytest.mark.parametrize("name", ["topic1", "bank.accounts:Account.Opened", "tests.test_x:test_y.<locals>.Thing"])
def test_no_read_model_of_ours_stumbles_over_a_topic_of_the_library(name: str) -> None:
    assert decode(stored.topic(name), b'"any"') == Foreign()


def batch(*events: StoredEvent) -> list[dict[str, object]]:
    return stored.batch(TENANT, events, UUID(int=3), NOW)


@pytest.mark.parametrize("versions", [(1, 1), (1, 3), (2, 1)])
def test_versions_that_do_not_follow_each_other_are_refused(versions: tuple[int, ...]) -> None:
    with pytest.raises(IntegrityError):
        batch(*(StoredEvent(STREAM, version, "topic", b"1") for version in versions))


def test_versions_count_from_0_or_1() -> None:
    with pytest.raises(DataError):
        batch(StoredEvent(STREAM, -1, "topic", b"1"))


def test_the_first_event_of_each_stream_is_marked() -> None:
    other = uuid4()
    pairs = ((STREAM, 1), (other, 4), (STREAM, 2))
    events = batch(*(StoredEvent(stream, version, "topic", b"1") for stream, version in pairs))
    assert [(event["stream"], event["version"], event["first"]) for event in events] == [
        (STREAM, 1, True), (other, 4, True), (STREAM, 2, False),
    ]  # fmt: skip


def test_the_metadata_are_what_every_reader_of_the_log_understands() -> None:
    (event,) = batch(StoredEvent("ada", 1, "topic", b"1"))
    read = msgspec.json.decode(str(event["metadata"]), type=Metadata)
    assert (read.actor.kind, read.correlation_id) == ("system", str(UUID(int=3)))
    row = (1, event["stream"], 1, event["topic"], b"1", str(event["metadata"]).encode())
    assert stored.notification(row).originator_id == "ada"
