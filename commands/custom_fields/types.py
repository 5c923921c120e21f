"""The types of custom fields: what is a value of each, and its normal form. Pure.

As they are stored and answered: text, url, choice: a string; number: a JSON number that a double holds exactly, of at
most 15 significant digits; date: "2026-01-05"; boolean: true or false; multi_choice: a list of strings in the order of
the field's choices.
"""

import math
import re
import unicodedata
from datetime import date
from decimal import Context, Decimal
from typing import Any
from urllib.parse import urlsplit

from commands import normalise
from domain.custom_field import FieldType, Rule

LONGEST_TEXT = 2000
LONGEST_URL = 2000
MOST_DIGITS = 15
MOST_DECIMALS = 10

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_EXACT = Context(prec=100)
"""More digits than any number has that is looked at, so that none of them is rounded away unseen."""
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that show what stands around them in another order; no address holds them (RFC 3987, 4.1)."""


class UnfitError(Exception):
    """A value that does not fit: code, and what to do about it."""


def normalised(rule: Rule, value: Any) -> Any:
    """A value in normal form; None where it says that there is none.

    Raises:
        UnfitError: it is none of the field's.
    """
    return None if value is None else _READERS[rule.type](rule, value)


def fits(rule: Rule, value: Any) -> bool:
    """Whether a value that is stored already is one under a rule, as it stands."""
    try:
        found = normalised(rule, value)
    except UnfitError:
        return False
    return type(found) is type(value) and same(found, value)


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same: of several choices the order, which may have been another, says nothing."""
    return bool(one == other) or (isinstance(one, list) and isinstance(other, list) and sorted(one) == sorted(other))


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise UnfitError("type.wrong", "must be a string")
    return value


def _text(_: Rule, value: Any) -> str | None:
    text = unicodedata.normalize("NFC", _string(value)).replace("\r\n", "\n").replace("\r", "\n").strip()
    if _UNSEEN.search(text):
        raise UnfitError("text.control_character", "holds a control character; remove it")
    if len(text) > LONGEST_TEXT:
        raise UnfitError("text.too_long", f"has {len(text)} characters; at most {LONGEST_TEXT} are allowed")
    return text if normalise.shows(text) else None


def _number(_: Rule, value: Any) -> int | float | None:
    if isinstance(value, str) and not value.strip():
        return None
    try:
        exact = _decimal(value)
    except ValueError:
        raise UnfitError("number.invalid", "must be a number like 12.5, without thousands separators") from None
    shortest = exact.normalize(_EXACT).as_tuple()
    power, digits = int(shortest.exponent), len(shortest.digits)
    decimals = max(0, -power)
    if decimals > MOST_DECIMALS or max(digits, digits + power) > MOST_DIGITS:
        told = f"has too many digits; at most {MOST_DIGITS} are kept, {MOST_DECIMALS} of them after the point"
        raise UnfitError("number.too_long", told)
    return int(exact) if decimals == 0 else float(exact)


def _decimal(value: Any) -> Decimal:
    match value:
        case int() if not isinstance(value, bool):
            # One that is too long, however long it is, need not be spelt out.
            return Decimal(value) if abs(value) < 10**MOST_DIGITS else Decimal(10) ** MOST_DIGITS
        case float() if math.isfinite(value):
            return Decimal(repr(value))
        case str() if _NUMBER.fullmatch(value.strip()):
            return Decimal(value.strip())
    raise ValueError(value)


def _day(_: Rule, value: Any) -> str | None:
    text = _string(value).strip()
    try:
        if not text:
            return None
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass  # no day of the calendar
    raise UnfitError("date.invalid", "must be a date like 2026-01-05 (RFC 3339, full-date)")


def _boolean(_: Rule, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnfitError("type.wrong", "must be true or false")
    return value


def _choice(rule: Rule, value: Any) -> str | None:
    text = _string(value).strip()
    if not text:
        return None
    # As it is spelt among the choices; else by what two spellings share.
    found = text if text in rule.choices else _by_key(rule).get(normalise.key(text))
    if found is None:
        raise UnfitError("value.not_allowed", f"is not one of {', '.join(rule.choices[:20])}")
    return found


def _choices(rule: Rule, value: Any) -> list[str] | None:
    if not isinstance(value, list):
        raise UnfitError("type.wrong", "must be a list of strings")
    if len(value) > 2 * len(rule.choices):
        raise UnfitError("list.too_long", f"has {len(value)} items; there are {len(rule.choices)} choices")
    chosen = {_choice(rule, each) for each in value}
    return [choice for choice in rule.choices if choice in chosen] or None


def _by_key(rule: Rule) -> dict[str, str]:
    return {normalise.key(choice): choice for choice in rule.choices}


def _url(_: Rule, value: Any) -> str | None:
    text = _string(value).strip()
    if not text:
        return None
    refused = UnfitError("url.invalid", "must be a URL like https://engines.example/ada (http or https)")
    if len(text) > LONGEST_URL:
        raise UnfitError("text.too_long", f"has {len(text)} characters; at most {LONGEST_URL} are allowed")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise refused from None
    if parts.scheme not in {"http", "https"} or not host or _SPACE.search(text) or "\\" in text:
        raise refused
    if _DIRECTION.search(text) or any(unicodedata.category(each) == "Cf" for each in host):
        raise UnfitError("url.invalid", "holds characters that nobody sees; remove them")
    whose, at, where = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{whose}{at}{where.lower()}{text.partition('://')[2][len(parts.netloc) :]}"


_READERS = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.DATE: _day,
    FieldType.BOOLEAN: _boolean,
    FieldType.CHOICE: _choice,
    FieldType.MULTI_CHOICE: _choices,
    FieldType.URL: _url,
}
