"""A contact's values as filters and sorting compare them: texts, whose order as bytes is that of what they stand for.

So every search store compares the same texts in the same way, whatever the field.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from projections.contacts.text import fold, words

Values = Mapping[str, tuple[str, ...]]
"""Values by field; a field without one is not there. Custom fields are `custom.KEY`."""

CUSTOM = "custom."
LONGEST = 200
"""Characters of a text that are compared."""

_DIGITS = 5
_BIAS = 50_000
_FAR = Decimal("1e40000")


def text(value: str) -> str:
    """A text without case, accents, width, and spaces more than one."""
    return " ".join(fold(value[: 2 * LONGEST]).split())[:LONGEST]


def time(value: datetime) -> str:
    """A moment, to the microsecond."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def number(value: Decimal | float) -> str:
    """A finite number: sign, exponent, digits; of negative ones the complements, so that larger ones come later."""
    exact = min(max(Decimal(str(value)), -_FAR), _FAR)
    sign, digits, _ = exact.normalize().as_tuple()
    if not exact:
        return "1"
    power, figures = exact.adjusted() + _BIAS, "".join(map(str, digits))[: _DIGITS * 6]
    if not sign:
        return f"2{power:0{_DIGITS}}{figures}"
    # The last letter comes after every digit: -1.2 is less than -1.
    turned = figures.translate(str.maketrans("0123456789", "9876543210"))
    return f"0{10**_DIGITS - 1 - power:0{_DIGITS}}{turned}~"


def phone(value: str) -> str:
    """A phone number as it is kept, from how it may be written: +4930123456, 0049 (30) 123-456."""
    digits = "".join(character for character in value if character.isdecimal())
    international = value.strip().startswith("+")
    return f"+{digits}" if international else f"+{digits[2:]}" if digits.startswith("00") else digits


def custom(value: Any) -> tuple[str, ...]:
    """A custom field's value, whatever its type; of a choice of several, each."""
    if isinstance(value, list | tuple):
        return tuple(each for item in value for each in custom(item))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, int | float | Decimal):
        return (number(value),)
    return (text(str(value)),) if value is not None else ()


def tokens(values: Iterable[str]) -> frozenset[str]:
    """The words in some values."""
    return frozenset(word for value in values for word in words(value))
