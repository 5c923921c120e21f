"""R3.1: names in one string, in many scripts and orders."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from commands import normalise
from commands.normalise import Problems
from domain.contact import Name

LINES = st.text().map(lambda text: normalise.line(text, "", Problems(), longest=200)).filter(bool).map(str)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada Lovelace", Name("Ada", "Lovelace", "Ada Lovelace")),
        ("Lovelace, Ada", Name("Ada", "Lovelace", "Ada Lovelace")),
        ("Ludwig van Beethoven", Name("Ludwig", "van Beethoven", "Ludwig van Beethoven")),
        ("Ana Maria de la Cruz", Name("Ana Maria", "de la Cruz", "Ana Maria de la Cruz")),
        ("Sukarno", Name("Sukarno", None, "Sukarno")),
        ("Van Morrison", Name("Van", "Morrison", "Van Morrison")),
        ("\u738b\u5c0f\u660e", Name("\u738b\u5c0f\u660e", None, "\u738b\u5c0f\u660e")),
        (
            "\u0424\u0451\u0434\u043e\u0440 \u0414\u043e\u0441\u0442\u043e\u0435\u0432\u0441\u043a\u0438\u0439",
            Name(
                "\u0424\u0451\u0434\u043e\u0440",
                "\u0414\u043e\u0441\u0442\u043e\u0435\u0432\u0441\u043a\u0438\u0439",
                "\u0424\u0451\u0434\u043e\u0440 \u0414\u043e\u0441\u0442\u043e\u0435\u0432\u0441\u043a\u0438\u0439",
            ),
        ),
        (
            "\u0646\u062c\u064a\u0628 \u0645\u062d\u0641\u0648\u0638",
            Name(
                "\u0646\u062c\u064a\u0628",
                "\u0645\u062d\u0641\u0648\u0638",
                "\u0646\u062c\u064a\u0628 \u0645\u062d\u0641\u0648\u0638",
            ),
        ),
        (
            "\u5c71\u7530\u3000\u592a\u90ce",
            Name("\u592a\u90ce", "\u5c71\u7530", "\u5c71\u7530\u3000\u592a\u90ce"),
        ),
        ("\uae40 \ucca0\uc218", Name("\ucca0\uc218", "\uae40", "\uae40 \ucca0\uc218")),
        ("Lovelace,", Name(None, "Lovelace", "Lovelace")),
        (",", Name()),
    ],
)
def test_names_in_one_string_are_split(text: str, name: Name) -> None:
    assert normalise.split_name(text) == name


def test_a_chinese_family_name_is_shown_first() -> None:
    assert normalise.name("\u5c0f\u660e", "\u738b", None).display == "\u738b \u5c0f\u660e"
    assert normalise.name("Ada", "Lovelace", None).display == "Ada Lovelace"


@for_all(LINES)
def test_splitting_a_name_loses_no_word_and_leaves_no_empty_part(text: str) -> None:
    name = normalise.split_name(text)
    parts = " ".join(filter(None, (name.given, name.family)))
    assert sorted(parts.replace(",", " ").split()) == sorted(text.replace(",", " ").split())
    assert "" not in {name.given, name.family, name.display}
    assert name.display or not text.strip(" ,")
