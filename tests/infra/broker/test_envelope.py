"""Which events go in a message: R6.5's at least once, with a position in every one of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from infra.broker.envelope import Message, messages, rows
from infra.event_store.opened import Row

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TENANT, INCARNATION, COMMAND = uuid4(), uuid4(), uuid4()


def event(position: int, **others: Any) -> Row:
    """A row of store.event, of one command if nothing else is said."""
    known = {"tenant": TENANT, "topic": "contact.registered.v1", "data": b'{"name":"Ada"}', "command": COMMAND} | others
    data, metadata = known["data"], b'{"actor":{"kind":"system"}}'
    stream: UUID = uuid4()
    return (known["tenant"], position, stream, 1, known["topic"], data, metadata, known["command"], NOW, NOW)


def made(*events: Row) -> list[Message]:
    return messages(events, incarnation=INCARNATION, partitions=4)


def positions(message: Message) -> list[int]:
    return [row[1] for row in rows(message.payload)]


def test_a_lone_event_is_a_message_under_its_position() -> None:
    (message,) = made(event(7))
    assert message.id == f"{INCARNATION}:{TENANT}:7"
    assert message.subject.endswith(f".{TENANT}.contact.registered.v1")


def test_events_of_a_command_go_together_and_come_back_as_they_were() -> None:
    events = [event(position) for position in range(3, 10)]
    (message,) = made(*events)
    assert message.id == f"{INCARNATION}:{TENANT}:3-9"
    assert rows(message.payload) == events


@pytest.mark.parametrize(
    "other",
    [{"command": uuid4()}, {"tenant": uuid4()}, {"topic": "contact.changed.v1"}],
    ids=lambda other: next(iter(other)),
)
def test_what_another_wrote_or_has_another_subject_is_a_message_of_its_own(other: dict[str, Any]) -> None:
    found = made(event(1), event(2), event(3, **other), event(4, **other), event(5))
    assert list(map(positions, found)) == [[1, 2], [3, 4], [5]]


def test_no_message_has_a_gap() -> None:
    assert list(map(positions, made(event(1), event(2), event(4)))) == [[1, 2], [4]]


def test_a_message_has_no_more_than_fifty_events_and_64_kb_of_them() -> None:
    found = made(*(event(position) for position in range(1, 121)))
    assert list(map(positions, found)) == [list(range(1, 51)), list(range(51, 101)), list(range(101, 121))]
    large = b'{"name":"' + b"A" * 30_000 + b'"}'
    assert list(map(positions, made(*(event(position, data=large) for position in range(1, 6))))) == [
        [1, 2],
        [3, 4],
        [5],
    ]


def test_an_event_that_is_too_large_for_others_goes_alone() -> None:
    large = event(2, data=b'{"name":"' + b"A" * 100_000 + b'"}')
    assert list(map(positions, made(event(1), large, event(3)))) == [[1], [2], [3]]


def test_nothing_is_no_message() -> None:
    assert made() == []
