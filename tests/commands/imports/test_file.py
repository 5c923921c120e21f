# ruff: noqa: RUF001  letters of many languages
"""R3.5: a file is taken in as it arrives, whatever it is written in and wherever it is cut."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from commands.imports.file import PORTION_ROWS, Intake, unpacked
from domain.errors import DomainError

GERMAN = "Name;E-Mail\r\nJürgen Müller;jm@x.example\r\nFrançois;f@x.example\r\n"


def taken(raw: bytes, size: int = 7, **options: Any) -> tuple[Intake, list[list[str]]]:
    """What a file is taken for, block by block, and its rows."""
    intake, portions = Intake(**options), list[bytes]()
    for start in range(0, len(raw), size):
        portions += intake.feed(raw[start : start + size])
    portions += intake.finish()
    assert len(portions) == intake.portions
    return intake, [row for portion in portions for row in unpacked(portion).rows]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *[(name, GERMAN) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")],
        ("cp1251", "Имя;Почта\nИван Петров;ivan@x.example\nМария Сидорова;maria@x.example\n"),
        ("koi8_r", "Имя;Почта\nИван Петров;ivan@x.example\nМария Сидорова;maria@x.example\n"),
        ("cp1250", "Imię;Nazwisko\nŁukasz;Żółć\nŚwiętosława;Gąsienica\n"),
        ("cp932", "氏名;メール\n山田太郎;yamada@x.example\n鈴木一郎;suzuki@x.example\n"),
        ("gb18030", "姓名;邮箱\n王小明;wang@x.example\n李雷;li@x.example\n"),
        ("big5", "姓名;電子郵件\n陳大文;chan@x.example\n林小美;lin@x.example\n"),
    ],
)
def test_the_encoding_is_found_out(encoding: str, text: str) -> None:
    intake, rows = taken(text.encode(encoding), size=1000)
    assert list(intake.columns) == text.splitlines()[0].split(";")
    assert rows == [line.split(";") for line in text.splitlines()[1:]]


def test_a_byte_late_in_the_file_tells_what_it_is_in() -> None:
    plain = b"name,email\n" + b"Ada,ada@x.example\n" * 20_000
    intake, rows = taken(plain + "Jürgen,j@x.example\n".encode("cp1252"), size=65_536)
    assert (intake.encoding, rows[-1][0], intake.rows) == ("cp1252", "Jürgen", 20_001)


def test_an_encoding_that_is_said_is_taken() -> None:
    text = "Όνομα;Επώνυμο\nΓιώργος;Παπαδόπουλος\n"
    assert taken(text.encode("cp1253"), encoding="cp1253")[1] == [["Γιώργος", "Παπαδόπουλος"]]


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "base64", "zip", "idna", "undefined"])
def test_what_is_no_encoding_of_files_is_refused(encoding: str) -> None:
    with pytest.raises(DomainError, match=r"import\.encoding"):
        Intake(encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-7", "unicode_escape", "raw_unicode_escape"])
def test_an_encoding_that_writes_halves_of_characters_is_refused(encoding: str) -> None:
    with pytest.raises(DomainError, match=r"import\.encoding"):
        Intake(encoding=encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(delimiter: str) -> None:
    text = delimiter.join(["name", "note"]) + "\n" + delimiter.join(['"a,b;c|d\te"', "x, y; z"]) + "\n"
    quoted = text.replace("x, y; z", '"x, y; z"')
    intake, rows = taken(quoted.encode())
    assert (intake.delimiter, rows) == (delimiter, [["a,b;c|d\te", "x, y; z"]])


@pytest.mark.parametrize("first", ["sep=|", '"sep=|"'])
def test_the_line_by_which_a_spreadsheet_tells_the_delimiter_is_heeded(first: str) -> None:
    intake, rows = taken(f"{first}\r\nname|note\r\nAda|a,b\r\n".encode())
    assert (intake.delimiter, intake.columns, rows) == ("|", ("name", "note"), [["Ada", "a,b"]])


@given(
    rows=some.lists(
        some.lists(
            some.text(some.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), min_size=2, max_size=2
        ),
        min_size=1,
        max_size=5,
    ),
    size=some.integers(1, 50),
)
def test_what_a_csv_writer_writes_is_read_however_it_is_cut(rows: list[list[str]], size: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["head", "other"], *rows])
    if not any(any(row) for row in rows):
        return
    _, read = taken(out.getvalue().encode(), size)
    assert read == [row if any(row) else [] for row in rows]


def test_portions_are_bounded_by_rows_and_numbered_as_a_spreadsheet_does() -> None:
    intake = Intake()
    portions = intake.feed(b"name\n" + b"Ada\n" * (2 * PORTION_ROWS + 1)) + intake.finish()
    assert [(unpacked(each).first, len(unpacked(each).rows)) for each in portions] == [
        (2, PORTION_ROWS),
        (2 + PORTION_ROWS, PORTION_ROWS),
        (2 + 2 * PORTION_ROWS, 1),
    ]


def test_dates_tell_their_order_wherever_in_the_file_they_do() -> None:
    rows = ["Ada,03/04/2024,01/02/2024,05/06/2024"] * 300 + ["Bob,13/04/2024,01/22/2024,05/06/2024"]
    intake, _ = taken(("name,a,b,c\n" + "\n".join(rows) + "\n").encode(), size=4096)
    assert intake.dates == {"a": "day", "b": "month"}


def test_a_quote_that_stays_open_is_told_by_its_row() -> None:
    with pytest.raises(DomainError) as refused:
        taken(b'name,note\nAda,x\nBob,"y\n' + b"Eve,z\n" * 300_000, size=65_536)
    assert refused.value.code in {"import.unclosed_quote", "import.field_too_long"}
    assert refused.value.members["row"] == 3
