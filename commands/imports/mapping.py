"""What the columns of a file are: guessed from their headers and values, and checked when somebody says so. Pure."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from commands.normalise import Problems, pointer
from commands.visible import View

SINGLE = ("id", "name", "given", "family", "display", "company", "title", "owner", "lifecycle")
"""Fields that one column at most is."""
SEVERAL = ("email", "phone", "tags")
"""Fields that several columns may be; e-mails and phones also with a kind, like phone.mobile."""
KEYED = ("external_ids", "custom")
"""Fields that are said with a key, like custom.salary."""

_ALIASES = {
    "name.given": "given",
    "name.family": "family",
    "name.display": "display",
    "owner_id": "owner",
    "company_name": "company",
    "emails": "email",
    "phones": "phone",
}
_ADDRESSING = frozenset({"id", "name", "given", "family", "display", "email", "phone"})
_KIND = re.compile(r"(email|phone)\.[a-z][a-z0-9_]{0,31}")
_KEY = re.compile(r"(external_ids\.[a-z][a-z0-9_]{0,31}|custom\.[a-z][a-z0-9_]{0,63})")
_VIEWED = {
    "given": "name",
    "family": "name",
    "display": "name",
    "owner": "owner_id",
    "email": "emails",
    "phone": "phones",
}

_EMAIL = re.compile(r"[^\s@;,<>]+@[^\s@;,<>]+\.[^\s@;,<>]{2,}")
_PHONE = re.compile(r"\+?[\d\s()./-]{7,24}")
_LETTERS = re.compile(r"[^\w]+")
_TELLING = 0.7
_HONORIFIC = frozenset({"title", "titel", "titre", "titulo", "titolo"})

Customs = Mapping[str, str]
"""Keys of the tenant's own fields of contacts, with their labels."""


def canonical(target: str) -> str:
    """A field by the name that it has here."""
    return _ALIASES.get(target, target)


def field_of(target: str) -> str:
    """Which field, without kind or key."""
    return canonical(target).partition(".")[0]


def is_known(target: str, customs: Customs) -> bool:
    """Whether there is such a field."""
    name = canonical(target)
    if name in SINGLE or name in SEVERAL or _KIND.fullmatch(name):
        return True
    if not _KEY.fullmatch(name):
        return False
    kind, _, key = name.partition(".")
    return kind == "external_ids" or key in customs


def is_ready(mapping: Mapping[str, str | None]) -> bool:
    """Whether rows can become contacts: there is something to call them or reach them by."""
    return any(field_of(target) in _ADDRESSING for target in mapping.values() if target)


def check(mapping: Mapping[str, str | None], columns: Sequence[str], customs: Customs, view: View) -> None:
    """Refuse a mapping that says what can't be.

    Raises:
        InvalidError: with every bad column.
    """
    problems = Problems()
    used: dict[str, str] = {}
    for column, target in mapping.items():
        at = pointer("/mapping", column)
        if column not in columns:
            problems.add(at, "import.column_unknown", "is no column of this file")
        elif target is None:
            continue
        elif not is_known(target, customs):
            problems.add(at, "import.field_unknown", f"is no field of contacts: {target[:80]}")
        elif view.access(_viewed(target)).value != "write":
            problems.add(at, "field.not_writable", "is not for you to write; leave it out")
        elif _excludes(canonical(target)) and canonical(target) in used:
            problems.add(at, "import.field_twice", f"{used[canonical(target)]} is this field already")
        else:
            used[canonical(target)] = column
    problems.raise_if_any()


def writable(mapping: Mapping[str, str | None], view: View) -> dict[str, str | None]:
    """A guess without the fields that the caller may not write."""
    return {
        column: target if target and view.access(_viewed(target)).value == "write" else None
        for column, target in mapping.items()
    }


def guessed(columns: Sequence[str], sample: Sequence[Sequence[str]], customs: Customs) -> dict[str, str | None]:
    """What each column probably is; None where nothing says so."""
    found: dict[str, str | None] = {}
    used: set[str] = set()
    for place, column in enumerate(columns):
        target = _by_header(column, customs)
        values = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
        if target is None or (target == "name" and _share(values, _EMAIL) > _TELLING):
            target = _by_values(values, used) or target
        if target and _excludes(target) and target in used:
            target = None
        if target:
            used.add(target)
        found[column] = target
    return _without_doubt(found)


def _without_doubt(found: dict[str, str | None]) -> dict[str, str | None]:
    """Some words are a whole name in one language and a part of it in another: what else is there decides."""
    targets = set(found.values())
    for column, target in found.items():
        word = plain(column)
        if target == "family" and "given" not in targets and word == "nom":
            found[column] = "name"
        if target == "given" and "family" not in targets and word in {"nome", "nombre"}:
            found[column] = "name"
        if target == "name" and "family" in targets and "given" not in targets:
            found[column] = "given"
        if target == "name" and "given" in targets and "family" not in targets and word in {"name", "naam", "namn"}:
            found[column] = "family"
    return _job_before_honorific(found)


def _job_before_honorific(found: dict[str, str | None]) -> dict[str, str | None]:
    """Where there are a title and a job title, like in Outlook's files, the title is how somebody is addressed."""
    title = next(
        (column for column, target in found.items() if target == "title" and plain(column) in _HONORIFIC), None
    )
    jobs = [column for column in found if headers().get(plain(column)) == "title" and plain(column) not in _HONORIFIC]
    if title is not None and jobs and found[jobs[0]] is None:
        return found | {title: None, jobs[0]: "title"}
    return found


def _by_header(column: str, customs: Customs) -> str | None:
    name = column.strip()
    if is_known(name.lower(), customs):
        return canonical(name.lower())
    words = plain(name)
    for key, label in customs.items():
        if words in {plain(key), plain(label)}:
            return f"custom.{key}"
    if target := headers().get(words):
        return target
    numberless = re.sub(r"\s*\d+( value)?$", "", words)
    target = headers().get(numberless)
    return target if target in SEVERAL else None


def _by_values(values: Sequence[str], used: Iterable[str]) -> str | None:
    if not values:
        return None
    if _share(values, _EMAIL) > _TELLING:
        return "email"
    if "phone" not in used and all(value.startswith(("+", "00")) for value in values) and _share(values, _PHONE) == 1:
        return "phone"
    return None


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.fullmatch(value)) for value in values) / len(values) if values else 0.0


def is_header(columns: Sequence[str]) -> bool:
    """Whether a first row may be a header: it names things, and is none of them."""
    cells = [cell.strip() for cell in columns]
    if any(_EMAIL.fullmatch(cell) for cell in cells):
        return False
    numbers = sum(bool(re.fullmatch(r"[+\d][\d\s().,/:-]*", cell)) for cell in cells)
    return numbers * 2 <= len(cells)


def plain(text: str) -> str:
    """A header as it is looked up: case, accents and what is between words apart."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))  # noqa: RUF001
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return " ".join(_LETTERS.sub(" ", unicodedata.normalize("NFKC", bare)).replace("_", " ").split())


@lru_cache
def headers() -> Mapping[str, str]:
    """Every header that is known, as `plain` has it, with its field."""
    lists: dict[str, list[str]] = json.loads(Path(__file__).with_name("headers.json").read_text())
    return {plain(word): field for field, words in lists.items() for word in words}


def _excludes(target: str) -> bool:
    name = target.partition(".")[0]
    return name not in SEVERAL


def _viewed(target: str) -> str:
    name = canonical(target)
    field = name.partition(".")[0]
    return name if field == "custom" else _VIEWED.get(field, field)
