"""A file of rows as it arrives: looked at block by block, refused in words, and cut into portions to be kept.

Nothing of it is ever in memory as a whole. The row numbers are a spreadsheet's: the header is row 1.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NoReturn

import msgspec
from msgspec import Struct

from commands.imports.delimiter import SAMPLE_ROWS, SNIFFED, delimiter_of
from commands.imports.encoding import Text
from commands.imports.mapping import is_header
from commands.imports.values import DateOrder
from domain.errors import DomainError

MOST_COLUMNS = 500
PORTION_ROWS = 500
PORTION_BYTES = 262_144
_LONGEST_RECORD = 1_048_576
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (.xlsx)"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"BZh", "compressed (bzip2)"),
    (b"\xfd7zXZ", "compressed (xz)"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
)
_SAVE_AS = "Open it in a spreadsheet and save it as CSV UTF-8."


class Portion(Struct, frozen=True):
    """Rows as they are kept: the number of the first, and the cells of each; a blank row has none."""

    first: int
    rows: list[list[str]]


class _MoreError(Exception):
    """There is no more text for now."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Portion)


def packed(portion: Portion) -> bytes:
    """A portion as bytes."""
    return _encoder.encode(portion)


def unpacked(data: bytes) -> Portion:
    """And back."""
    return _decoder.decode(data)


class Intake:
    """Takes a file in; after `finish`, what it has found out is there to be read."""

    def __init__(self, encoding: str | None = None, delimiter: str | None = None) -> None:
        self._text = Text(encoding)
        self.delimiter = delimiter or ""
        self.columns: tuple[str, ...] = ()
        self.sample: list[list[str]] = []
        self.rows = 0
        self.portions = 0
        self._size = 0
        self._head = b""
        self._pending = ""
        self._row = 0
        self._rows: list[list[str]] = []
        self._order = DateOrder()
        self._first = 0
        self._bytes = 0

    @property
    def encoding(self) -> str:
        """What the file turned out to be in."""
        return self._text.encoding

    @property
    def dates(self) -> dict[str, str]:
        """Of columns with dates of three numbers, which of day and month comes first; where they all agree."""
        if self.rows < SAMPLE_ROWS:
            self._order.begin(self.sample)
        return self._order.of(self.columns)

    def feed(self, block: bytes) -> list[bytes]:
        """Take the next bytes; the portions that are full by then.

        Raises:
            DomainError: import.*, the file is refused.
        """
        if self._size < len(_MAGIC[-1][0]):
            self._head += block
            _check_magic(self._head)
        self._size += len(block)
        return self._take(self._text.feed(block), last=False)

    def finish(self) -> list[bytes]:
        """There is no more; the last portions.

        Raises:
            DomainError: import.*, the file is refused.
        """
        full = self._take(self._text.feed(b"", last=True), last=True)
        if not self.columns:
            raise _refusal("import.empty", "the file is empty", "Send a file with a header and a row for each contact.")
        if not self.rows:
            raise _refusal("import.empty", "there is no row beneath the header", "Send a row for each contact.")
        if self._rows:
            full.append(self._portion())
        return full

    def _take(self, text: str, *, last: bool) -> list[bytes]:
        if "\0" in text:
            before = text[: text.index("\0")].count("\n")
            raise _refusal(
                "import.binary", "the file holds a zero byte: it is no text", _SAVE_AS, self._row + 1 + before
            )
        self._pending += text
        if not self.columns and len(self._pending) < SNIFFED and not last:
            return []
        if not self.delimiter:
            self._pending = self._sniff(self._pending)
        full = []
        for record in self._records(last=last):
            self._row += 1
            if not self.columns:
                if any(map(str.strip, record)):
                    self.columns = self._header(record)
                continue
            if portion := self._keep(record):
                full.append(portion)
        return full

    def _header(self, record: list[str]) -> tuple[str, ...]:
        names = named(record, self._row)
        if not is_header(record):
            raise _refusal(
                "import.no_header",
                f"row {self._row} is no header: it holds values",
                "Let the first row say what the columns are, like name,email,phone.",
                self._row,
            )
        return names

    def _keep(self, record: list[str]) -> bytes | None:
        if not self._rows:
            self._first = self._row
        if any(record):
            self.rows += 1
            if self.rows <= SAMPLE_ROWS:
                self.sample.append(record)
                if self.rows == SAMPLE_ROWS:
                    self._order.begin(self.sample)
            else:
                self._order.see(record)
        else:
            record = []
        self._rows.append(record)
        self._bytes += sum(map(len, record)) + len(record)
        if len(self._rows) >= PORTION_ROWS or self._bytes >= PORTION_BYTES:
            return self._portion()
        return None

    def _portion(self) -> bytes:
        made = packed(Portion(self._first, self._rows))
        self._rows, self._bytes = [], 0
        self.portions += 1
        return made

    def _records(self, *, last: bool) -> Iterator[list[str]]:
        """The records that are complete; what is left waits for more text."""
        text, rest = self._pending, ""
        if not last:
            # A line is whole once something follows it: its end may be of two characters.
            cut = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            text, rest = text[:cut], text[cut:]
        lines = list(io.StringIO(text, newline=""))
        reader = csv.reader(_until_there_is_no_more(lines), delimiter=self.delimiter)
        used = 0
        try:
            for record in reader:
                used = reader.line_num
                yield record
        except _MoreError:
            rest = "".join(lines[used:]) + rest
        except csv.Error as error:
            self._refuse_record(error)
        if len(rest) > _LONGEST_RECORD or (last and rest):
            self._refuse_open(rest)
        self._pending = rest

    def _refuse_record(self, error: csv.Error) -> NoReturn:
        row = self._row + 1
        if "field limit" in str(error):
            hint = f"A quote may be open from row {row} on; else shorten the cell."
            raise _refusal("import.field_too_long", f"a cell of row {row} is too long", hint, row) from None
        raise _refusal("import.not_csv", f"row {row} can't be read: {error}", _SAVE_AS, row) from None

    def _refuse_open(self, rest: str) -> NoReturn:
        row = self._row + 1
        if '"' in rest:
            raise _refusal(
                "import.unclosed_quote",
                f"a quote that is opened in row {row} is never closed",
                'Close it, or write a quote that belongs to the text twice: "".',
                row,
            )
        raise _refusal("import.field_too_long", f"row {row} is too long", "Shorten its cells.", row)

    def _sniff(self, text: str) -> str:
        """Find the delimiter; the text without the line by which spreadsheets tell theirs."""
        stripped = text.lstrip("\ufeff \r\n\t")
        if not stripped:
            raise _refusal("import.empty", "the file is empty", "Send a file with a header and a row for each contact.")
        if stripped[0] in "{[<":
            raise _refusal("import.not_csv", "the file is JSON, XML or HTML rather than CSV", _SAVE_AS, 1)
        if stripped.casefold().startswith("begin:v"):
            raise _refusal("import.not_csv", "the file is a vCard or a calendar rather than CSV", _SAVE_AS, 1)
        first, _, rest = text.partition("\n")
        first = first.strip().strip('"')  # some programs put every cell in quotes, this one too
        if first.lower().startswith("sep=") and len(first) == len("sep=;"):
            self.delimiter = first[-1]
            self._row = 1
            return rest
        self.delimiter = delimiter_of(text)
        return text


def named(record: Sequence[str], row: int) -> tuple[str, ...]:
    """The names of columns, each once: a blank one is called by its place.

    Raises:
        DomainError: import.too_many_columns.
    """
    if len(record) > MOST_COLUMNS:
        raise _refusal(
            "import.too_many_columns",
            f"the header has {len(record)} columns; at most {MOST_COLUMNS} are taken",
            "Leave out the columns that are not about contacts.",
            row,
        )
    names: list[str] = []
    for number, cell in enumerate(record, start=1):
        name = " ".join(cell.replace("\ufeff", "").split())[:200] or f"Column {number}"
        known, times = name, 1
        while name in names:
            times += 1
            name = f"{known} ({times})"
        names.append(name)
    return tuple(names)


def _until_there_is_no_more(lines: Sequence[str]) -> Iterator[str]:
    yield from lines
    raise _MoreError


def _check_magic(head: bytes) -> None:
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise _refusal("import.not_csv", f"the file is {what}, not CSV", _SAVE_AS)


def _refusal(code: str, detail: str, hint: str, row: int | None = None) -> DomainError:
    return DomainError(code, detail, hint=hint, members={} if row is None else {"row": row})
