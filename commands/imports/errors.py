"""What was wrong with rows, as a file that can be corrected by: a line for each cell."""

import csv
import io
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from commands.cells import guarded
from commands.imports.rows import Wish
from domain.errors import DomainError

HEADER = ("row", "column", "code", "message", "hint", "value")
_LONGEST = 200
_HINTS = {
    "email.invalid": "Write it like name@example.org.",
    "phone.invalid": "Write it with its country code, like +49 30 901820, or name a country in the import's options.",
    "phone.extension": "Leave out the extension.",
    "import.ragged": "Give the row as many cells as the header; put text with separators in quotes.",
    "import.date_ambiguous": "Write dates like 2024-12-31.",
    "import.date_invalid": "Write dates like 2024-12-31.",
    "import.number_invalid": "Write numbers like 1234.5.",
    "import.boolean_invalid": "Write true or false.",
    "import.changed_since": "Set it by hand, if that is what is wanted.",
    "user.not_found": "Write the e-mail or the id of a user of this company.",
    "contact.empty": "Give the row a name, an e-mail or a phone.",
    "contact.external_ids_taken": "Correct the id, or import with another policy.",
    "permission.missing": "Ask an admin of your company for a wider permission to import.",
    "custom_field.unknown": "Define the field first, or leave the column out.",
    "text.too_long": "Shorten it.",
    "value.not_allowed": "Write one of those that the message names.",
    "text.control_character": "Remove characters that can't be seen.",
}


class RowError(Struct, frozen=True, array_like=True):
    """What is wrong with a cell, or with the row where `column` is blank."""

    row: int
    column: str
    code: str
    message: str
    hint: str
    value: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[RowError, ...])


def packed(errors: Sequence[RowError]) -> bytes:
    """Errors as bytes."""
    return _encoder.encode(errors)


def unpacked(data: bytes) -> tuple[RowError, ...]:
    """And back."""
    return _decoder.decode(data)


def errors_of(wish: Wish, refusal: DomainError, names: Sequence[str], cells: Sequence[str]) -> Iterable[RowError]:
    """Why a row could not be taken."""
    if not refusal.errors:
        yield RowError(wish.number, "", refusal.code, refusal.detail, refusal.hint or _HINTS.get(refusal.code, ""), "")
    for error in refusal.errors:
        place = wish.place_of(error.pointer)
        column, value = ("", "") if place is None or place >= len(names) else (names[place], cells[place][:_LONGEST])
        yield RowError(wish.number, column, error.code, error.message, _HINTS.get(error.code, ""), value)


def header() -> str:
    """The first line of the file."""
    return _lines([HEADER])


def lines(errors: Iterable[RowError]) -> str:
    """Errors as lines of the file, in which nothing is a formula."""
    return _lines(
        (error.row, guarded(error.column), error.code, guarded(error.message), error.hint, guarded(error.value))
        for error in errors
    )


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
