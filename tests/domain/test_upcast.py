"""B6: old versions are brought to the newest as they are read, step by step; the log is never rewritten."""

from typing import Any

import msgspec
import pytest

from domain.event import TOPICS, Event, UnknownTopicError, decode
from domain.upcast import OLD, successor, upcaster


@upcaster("parcel.posted.v1", personal={"to": ""})
def _weighed_in_grams(data: dict[str, Any]) -> dict[str, Any]:
    return {"to": data["to"], "grams": round(data["kilos"] * 1000)}


@upcaster("parcel.posted.v2", personal={"to": ""})
def _with_lines_of_address(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"to": data["to"].split(", ")}


class ParcelPosted(Event, topic="parcel.posted.v3"):
    to: tuple[str, ...]
    grams: int
    express: bool = False


@pytest.mark.parametrize(
    ("topic", "data", "event"),
    [
        ("parcel.posted.v1", b'{"to":"Ada, London","kilos":1.5}', ParcelPosted(to=("Ada", "London"), grams=1500)),
        ("parcel.posted.v2", b'{"to":"Ada","grams":20}', ParcelPosted(to=("Ada",), grams=20)),
        ("parcel.posted.v3", b'{"to":[],"grams":1,"express":true}', ParcelPosted(to=(), grams=1, express=True)),
    ],
)
def test_every_version_is_read_as_the_newest(topic: str, data: bytes, event: Event) -> None:
    read = decode(topic, data)
    assert read == event
    assert read.TOPIC == "parcel.posted.v3"


def test_an_old_version_whose_person_was_erased_is_read_with_blanks() -> None:
    """B3: the members that were personal in that version are blanked before its steps are taken."""
    for topic, rest in (("parcel.posted.v1", {"kilos": 2}), ("parcel.posted.v2", {"grams": 2000})):
        blank = msgspec.json.encode({**OLD[topic].personal, **rest})
        assert decode(topic, blank) == ParcelPosted(to=("",), grams=2000)


def test_what_an_upcaster_makes_is_checked_like_what_is_stored() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode("parcel.posted.v2", b'{"to":"Ada","grams":"heavy"}')


def test_a_version_that_was_never_stored_is_unknown() -> None:
    for topic in ("parcel.posted.v0", "parcel.posted.v4", "parcel.lost.v1"):
        with pytest.raises(UnknownTopicError):
            decode(topic, b"{}")


def test_a_version_has_one_way_on() -> None:
    with pytest.raises(TypeError, match=r"parcel\.posted\.v1.*_weighed_in_grams"):
        upcaster("parcel.posted.v1")(_with_lines_of_address)


@pytest.mark.parametrize("topic", ["parcel.posted", "parcel.posted.vX", ".v", ""])
def test_a_topic_without_a_version_has_no_successor(topic: str) -> None:
    with pytest.raises(TypeError):
        upcaster(topic)


def test_versions_are_counted() -> None:
    assert successor("parcel.posted.v9") == "parcel.posted.v10"


def test_every_old_version_leads_to_one_that_is_there_and_is_stored_no_more() -> None:
    def newest(topic: str) -> str:
        return newest(successor(topic)) if topic in OLD else topic

    assert {topic for topic in OLD if newest(topic) not in TOPICS} == set()
    assert OLD.keys().isdisjoint(TOPICS)
