"""N-C1: what a mark of something personal makes of a type, and where it is refused."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct

import domain.registry  # noqa: F401  fills the table of topics
from domain.event import TOPICS, Event
from domain.personal import Personal, blanks


def test_blanks_go_by_the_type() -> None:
    class Part(Struct):
        text: str
        maybe: int | None
        several: list[str]

    class Whole(Struct):
        text: Personal[str]
        maybe: Personal[datetime | None]
        several: Personal[tuple[str, ...]]
        table: Personal[dict[str, int]]
        part: Personal[Part]
        unset: Personal[str | None] | msgspec.UnsetType = msgspec.UNSET
        plain: int = 0

    assert blanks(Whole) == {
        "text": "",
        "maybe": None,
        "several": [],
        "table": {},
        "part": {"text": "", "maybe": None, "several": []},
        "unset": None,
    }
    assert msgspec.convert(blanks(Whole), Whole).part == Part("", None, [])


def test_what_cannot_be_blank_cannot_be_personal() -> None:
    class Salaried(Struct):
        salary: Personal[int]

    with pytest.raises(TypeError, match=r"Salaried\.salary.*let it be None"):
        blanks(Salaried)


def test_a_mark_inside_of_a_member_is_refused_for_it_would_not_be_seen() -> None:
    class Guest(Struct):
        name: Personal[str]

    class Dinner(Struct):
        guests: tuple[Guest, ...]

    with pytest.raises(TypeError, match=r"Dinner\.guests has a Personal part"):
        blanks(Dinner)


@pytest.mark.parametrize(("data_class", "marked"), [("", True), ("diary", False)])
def test_marks_and_a_data_class_come_together(data_class: str, marked: bool) -> None:
    namespace = {"__annotations__": {"text": Personal[str] if marked else str, "writer_id": UUID}}
    topic = f"test_diary.kept_{marked}.v1".lower()
    metaclass: Any = type(Event)
    with pytest.raises(TypeError, match="declared together"):
        metaclass("DiaryKept", (Event,), namespace, topic=topic, data_class=data_class)
    assert topic not in TOPICS
