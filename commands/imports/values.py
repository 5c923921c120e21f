"""Cells as values: dates, numbers and the like in the forms that people write them in. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from commands.cells import several
from domain.errors import FieldError

DAY_FIRST, MONTH_FIRST = "day", "month"
"""How a column writes dates of three numbers."""

_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_THREE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,].*)?")
_NAMED = re.compile(r"(?:(\d{1,2})\.?\s+)?([^\W\d]{3,})\.?\s*(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})")
_DAY_NUMBER = re.compile(r"\d{5}(?:\.\d+)?")
_EASTERN = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日")
_MONTHS = (
    ("jan", "ene", "gen", "janv", "янв", "sty"),
    ("feb", "fév", "fev", "févr", "фев", "lut"),
    ("mar", "mär", "mrz", "mars", "мар", "maa"),
    ("apr", "abr", "avr", "апр", "kwi"),
    ("may", "mai", "mag", "mei", "maj", "май", "мая"),
    ("jun", "juin", "giu", "июн", "cze"),
    ("jul", "juil", "lug", "июл", "lip"),
    ("aug", "ago", "aoû", "авг", "sie"),
    ("sep", "set", "сен", "wrz"),
    ("oct", "okt", "out", "ott", "окт", "paź"),
    ("nov", "ноя", "lis"),
    ("dec", "dez", "dic", "déc", "дек", "gru"),
)
_YEAR_PIVOT = 70
_YES = frozenset(
    "1 true yes y on x ja j wahr oui vrai si sí sì verdadero vero sim tak prawda да истина 是 はい 예 ✓ ✔".split()  # noqa: SIM905
)
_NO = frozenset(
    "0 false no n off nein falsch non faux falso não nao nee nej nie fałsz нет ложь 否 いいえ 아니오 -".split()  # noqa: SIM905
)
_MONEY = re.compile(r"[\s\u00a0\u202f€$£¥₽₴₺₹'’]|[A-Z]{3}(?=\d)|(?<=\d)[A-Z]{3}")  # noqa: RUF001
_POINTED = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")
_COMMAED = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+|[+-]?\d{1,3}(?:\.\d{3}){2,}")


class UnreadableError(ValueError):
    """A cell is no value of its type; says why and, as `code`, what of."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = FieldError("", code, message)


class DateOrder:
    """What the dates of columns say of their order: a number above 12 is a day."""

    def __init__(self) -> None:
        self._places: dict[int, set[str]] = {}

    def begin(self, rows: Sequence[Sequence[str]]) -> None:
        """Look at the first rows: which columns have such dates."""
        for place in range(max(map(len, rows), default=0)):
            cells = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
            if cells and sum(bool(_THREE.fullmatch(cell)) for cell in cells) * 2 > len(cells):
                self._places[place] = set()
        for row in rows:
            self.see(row)

    def see(self, row: Sequence[str]) -> None:
        """Look at a row more."""
        for place, seen in self._places.items():
            if len(seen) > 1 or place >= len(row) or not (found := _THREE.fullmatch(row[place].strip())):
                continue
            if int(found[1]) > 12:  # noqa: PLR2004
                seen.add(DAY_FIRST)
            elif int(found[3]) > 12:  # noqa: PLR2004
                seen.add(MONTH_FIRST)

    def of(self, columns: Sequence[str]) -> dict[str, str]:
        """The order of each column that has told one, and one only."""
        return {
            columns[place]: next(iter(seen))
            for place, seen in self._places.items()
            if len(seen) == 1 and place < len(columns)
        }


def read_date(text: str, order: str | None = None) -> str:
    """A date in ISO form. Raises UnreadableError."""
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text) or _EASTERN.fullmatch(text):
        return _date(text, *map(int, found.groups()))
    if found := _THREE.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), _year(found[4])
        if found[2] == "." or order == DAY_FIRST or first > 12 or first == second:  # noqa: PLR2004
            return _date(text, year, second, first)
        if order == MONTH_FIRST or second > 12:  # noqa: PLR2004
            return _date(text, year, first, second)
        raise UnreadableError(
            "import.date_ambiguous", "may be day and month or month and day: write it like 2024-12-31"
        )
    if (found := _NAMED.fullmatch(text)) and (month := _month(found[2])) and (day := found[1] or found[3]):
        return _date(text, int(found[4]), month, int(day))
    if _DAY_NUMBER.fullmatch(text):
        told = "is a day as spreadsheets count them: give its cells the format of a date, and save the file again"
        raise UnreadableError("import.date_invalid", told)
    raise UnreadableError("import.date_invalid", "is no date: write it like 2024-12-31")


def read_number(text: str) -> int | float:
    """A number, with a point or a comma before its fraction. Raises UnreadableError."""
    if "%" in text:
        raise UnreadableError(
            "import.number_invalid", "is a share of a hundred: write the number that is meant, 5 or 0.05"
        )
    bare = _MONEY.sub("", text)
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    if _POINTED.fullmatch(bare):
        bare = bare.replace(",", "")
    elif _COMMAED.fullmatch(bare):
        bare = bare.replace(".", "").replace(",", ".")
    else:
        raise UnreadableError("import.number_invalid", "is no number: write it like 1234.5")
    return float(bare) if "." in bare else int(bare)


def read_boolean(text: str) -> bool:
    """Yes or no. Raises UnreadableError."""
    word = text.casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise UnreadableError("import.boolean_invalid", "is neither yes nor no")


def read_custom(kind: str, text: str, order: str | None) -> Any:
    """A cell as the value of a tenant's own field of a type. Raises UnreadableError."""
    if kind == "date":
        return read_date(text, order)
    return _READ.get(kind, str)(text)


_READ: Mapping[str, Callable[[str], Any]] = {"number": read_number, "boolean": read_boolean, "multi_choice": several}


def _date(text: str, year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise UnreadableError("import.date_invalid", f"is no day of the calendar: {text[:32]}") from None


def _year(text: str) -> int:
    number = int(text)
    return number if len(text) > 2 else number + (1900 if number >= _YEAR_PIVOT else 2000)  # noqa: PLR2004


def _month(word: str) -> int | None:
    word = word.casefold()
    return next((n for n, names in enumerate(_MONTHS, start=1) if word.startswith(tuple(names))), None)
