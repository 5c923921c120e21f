"""R3.5: cells that no spreadsheet runs, and that are read back as what they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.cells import guarded, joined, labelled, several, unguarded, unlabelled

BEGINNINGS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
text = st.text(alphabet=st.sampled_from("'=+-@\t\r\uff1d\uff20ab;,|\\ :\"\n"), max_size=8) | st.text(max_size=12)
value = text.map(lambda found: " ".join(found.split())).filter(bool)


@given(text)
def test_no_cell_begins_like_a_formula_and_each_is_read_back(cell: str) -> None:
    safe = guarded(cell)
    assert not safe.startswith(tuple(BEGINNINGS))
    assert unguarded(safe) == cell


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+442079460018", "'+442079460018"),
        ("'=1", "''=1"),
        ("\uff1d1", "'\uff1d1"),
        ("O'Brien", "O'Brien"),
        ("'t Hart", "'t Hart"),
        ("", ""),
    ],
)
def test_only_what_begins_like_one_gets_an_apostrophe(cell: str, safe: str) -> None:
    assert guarded(cell) == safe


@given(st.lists(value, max_size=4))
def test_several_values_in_a_cell_are_read_back(values: list[str]) -> None:
    assert several(joined(values)) == values


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("vip; board", ["vip", "board"]),
        ("a,b , c", ["a", "b", "c"]),
        ("Smith, Jones & Co; x", ["Smith, Jones & Co", "x"]),
        (r"Smith\, Jones & Co", ["Smith, Jones & Co"]),
        (r"C:\dir|x", [r"C:\dir", "x"]),
        ("a\nb;;", ["a", "b"]),
        ("\\", ["\\"]),
        ("", []),
    ],
)
def test_what_others_write_is_taken_apart_too(cell: str, values: list[str]) -> None:
    assert several(cell) == values


@pytest.mark.parametrize("kind", ["work", "home", "mobile_2"])
def test_a_kind_goes_before_the_value_unless_it_is_the_usual_one(kind: str) -> None:
    assert unlabelled(labelled(kind, "+442079460018")) == (kind, "+442079460018")
    assert labelled("work", "ada@x.example") == "ada@x.example"
