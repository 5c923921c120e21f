"""What is compared of a contact: its values by match key, in a form in which equal things are equal."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from projections.contacts.text import fold

GIVEN, FAMILY = "given", "family"
"""The two fields that the match key `name` is compared by."""

_WORDS = re.compile(r"[^\W_]+")
_LONGEST = 128
_MOST = 8
_PHONE_DIGITS = 9
# fmt: off
_LEGAL = frozenset((
    "ab", "ag", "and", "aps", "as", "asa", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated",
    "kft", "kg", "limited", "llc", "llp", "ltd", "nv", "oy", "plc", "pty", "sa", "sarl", "sas", "sl", "spa", "srl",
    "sro", "the", "und",
))
# fmt: on
_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d\d?)[./-](\d\d?)[./-](\d{4})")
_RUN_TOGETHER = re.compile(r"(\d{4})(\d\d)(\d\d)")
_YEARS = range(1850, 2150)


class Person(Struct, frozen=True, gc=False):
    """Values by field, each with all that a contact has of it; a field without values is absent.

    Fields are `given` and `family` for the key name, else named as the match key (email, phone, company, custom.KEY).
    """

    values: dict[str, tuple[str, ...]]


def person(
    keys: Sequence[str],
    *,
    given: str | None = None,
    family: str | None = None,
    display: str | None = None,
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    company: str | None = None,
    custom: Mapping[str, Any] | None = None,
) -> Person:
    """What `keys` (name, email, phone, company, custom.KEY) look at, of values as contacts have them."""
    found: dict[str, tuple[str, ...]] = {}
    for key in keys:
        if key == "name":
            found |= _names(given, family, display)
        elif key == "email":
            found[key] = _each(map(fold, emails))
        elif key == "phone":
            found[key] = _each(map(phone, phones))
        elif key == "company":
            found[key] = _each([company_name(company or "")])
        else:
            found[key] = _custom((custom or {}).get(key.removeprefix("custom.")))
    return Person({field: values for field, values in found.items() if values})


def phone(number: str) -> str:
    """The last digits of a number, which are the same with and without country code and trunk prefix."""
    return "".join(character for character in number if character.isdecimal())[-_PHONE_DIGITS:]


def company_name(text: str) -> str:
    """A company's name without its legal form."""
    found = words(text)
    kept = [word for word in found if word not in _LEGAL]
    return " ".join(kept or found)


def words(text: str) -> list[str]:
    """Words without case, accents and punctuation; letters that an apostrophe parts stay together."""
    return _WORDS.findall(fold(text[:_LONGEST]).replace("'", "").replace("’", ""))  # noqa: RUF001


def day(text: str) -> str | None:
    """A date as eight digits, from one that is written year first, day first, or run together; None of other texts."""
    if found := _ISO.fullmatch(text) or _RUN_TOGETHER.fullmatch(text):
        year, month, of_month = map(int, found.groups())
    elif found := _DAY_FIRST.fullmatch(text):
        of_month, month, year = map(int, found.groups())
    else:
        return None
    try:
        return date(year, month, of_month).strftime("%Y%m%d") if year in _YEARS else None
    except ValueError:
        return None


def _names(given: str | None, family: str | None, display: str | None) -> dict[str, tuple[str, ...]]:
    if not given and not family and display:
        first, _, rest = display.rpartition(" ")
        given, family = (first, rest) if first else (rest, None)
    return {GIVEN: _each([" ".join(words(given or ""))]), FAMILY: _each([" ".join(words(family or ""))])}


def _custom(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, list | tuple) else [value]
    return _each(_text(item) for item in items)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return day(text) or " ".join(words(text))


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))[:_MOST]
