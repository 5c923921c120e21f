"""Values of custom fields: read, normalised, and every bad one told. Pure.

As they are stored and answered: text, url, choice: a string; number: a JSON number that a double holds exactly, of at
most 15 significant digits; date: "2026-01-05"; boolean: true or false; multi_choice: a list of strings in the order of
the field's choices.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import msgspec

from commands import normalise
from commands.cells import joined, several
from commands.decision import Given
from commands.normalise import Problems, pointer
from commands.ports import Claim, Expected
from domain.custom_field import CustomField, FieldType, Rule
from domain.errors import DomainError, FieldError

Fields = Mapping[str, CustomField]
"""The fields that a kind of record has now, by key."""

LONGEST_TEXT = 2000
LONGEST_URL = 2000
MOST_DIGITS = 15
MOST_DECIMALS = 10
MOST_BYTES = 65_536
"""Of all values of a record together, as JSON."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class _RefusedError(Exception):
    """A value that does not fit: code, and what to do about it."""


def wanted(
    asked: Mapping[str, Any] | None, before: Mapping[str, Any], fields: Fields, problems: Problems
) -> dict[str, Any]:
    """The values after a merge patch: null takes one away, and no object at all takes away every one.

    Values of fields that are not there any more stay as they are, seen by nobody.
    """
    after, fields = dict(before), live(fields)
    for key, value in (dict.fromkeys(key for key in before if key in fields) if asked is None else asked).items():
        at = pointer("/custom", key)
        if key not in fields:
            problems.add(at, "custom_field.unknown", "no custom field with this key is defined")
            continue
        try:
            good = normal(fields[key], value)
        except _RefusedError as refusal:
            problems.add(at, *refusal.args)
            continue
        if good is not None:
            after[key] = good
            continue
        if fields[key].required:
            problems.add(at, "field.required", "is required; send a value")
        after.pop(key, None)
    if after != before and len(msgspec.json.encode(after)) > MOST_BYTES:
        problems.add("/custom", "custom_field.too_much", f"is more than {MOST_BYTES} bytes of values; shorten some")
    return after


def require_all(values: Mapping[str, Any], asked: Mapping[str, Any] | None, fields: Fields, problems: Problems) -> None:
    """Tell which required fields a new record lacks, but for those that were asked for: they are told of already."""
    for key, field in live(fields).items():
        if field.required and key not in values and key not in (asked or {}):
            problems.add(pointer("/custom", key), "field.required", "is missing; the custom field is required")


def normal(field: CustomField, value: Any) -> Any:
    """A value in normal form; None where it says that there is none.

    Raises:
        _RefusedError: it does not fit, or will not fit what the field is about to be.
    """
    good, *coming = (_fitting(rule, value) for rule in field.rules)
    if coming and coming[0] != good:
        raise _RefusedError("custom_field.changing", "does not fit what the custom field is just being changed to")
    return good


def fits(rule: Rule, value: Any) -> bool:
    """Whether a value that is stored already is one under a rule, as it stands."""
    try:
        found = _fitting(rule, value)
    except _RefusedError:
        return False
    return type(found) is type(value) and bool(found == value)


def fitting(values: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """The values that fit as they stand, and those of fields that are not there: of a record that comes back."""
    there = live(fields)
    return {
        key: value
        for key, value in values.items()
        if key not in there or all(fits(rule, value) for rule in there[key].rules)
    }


def read_text(field: CustomField, text: str) -> tuple[Any, tuple[str, str] | None]:
    """A value from the text of a file's cell, in normal form, and if it is none the code and message of why.

    Several choices are parted as docs/export.md says; a boolean is true, yes or 1, or false, no or 0.
    """
    value: Any = text.strip() or None
    if value is not None and field.rule.type is FieldType.BOOLEAN:
        word = value.casefold()
        value = True if word in _TRUE else False if word in _FALSE else value
    if value is not None and field.rule.type is FieldType.MULTI_CHOICE:
        value = several(value)
    try:
        return normal(field, value), None
    except _RefusedError as refusal:
        code, message = refusal.args
        return None, (code, message)


def live(fields: Fields) -> Fields:
    """Those that are there: not deleted."""
    return {key: field for key, field in fields.items() if field.deleted_at is None}


def write_text(value: Any) -> str:
    """A value as the text of a file's cell, which `read_text` reads back."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f")
        case list():
            return joined(value)
        case _:
            return str(value)


def claims(given: Given[Any], values: Mapping[str, Any]) -> tuple[Claim, ...]:
    """What a record holds alone by its values."""
    return tuple(
        Claim(given.tenant_id, claim_kind(field, rule), claimed(rule, values[key]), given.stream_id)
        for key, field in given.custom.items()
        if key in values
        for rule in field.claiming
    )


def claim_kind(field: CustomField, rule: Rule) -> str:
    """Under what the unique values of a field are claimed."""
    return f"{field.kind}.custom/{field.key}/{rule.unique}"


def claim_taken(claim: Claim) -> DomainError | None:
    """The refusal of a unique value that another record has; None when the claim is about something else."""
    kind, _, rest = claim.kind.partition(".custom/")
    if not rest:
        return None
    code, key = f"{kind}.custom_taken", rest.partition("/")[0]
    return DomainError(
        code,
        f"another {kind} has this {key}",
        hint=f"Change that {kind} instead, or send another value.",
        errors=(FieldError(pointer("/custom", key), code, f"belongs to another {kind}"),),
    )


def claimed(rule: Rule, value: Any) -> str:
    """What two values have in common that must not both be: of text case and width don't count."""
    return normalise.key(value) if rule.type is FieldType.TEXT else msgspec.json.encode(value).decode()


def expected(before: Mapping[str, Any], after: Mapping[str, Any], fields: Fields) -> tuple[Expected, ...]:
    """What must not have changed when values are stored: the fields that they were found good for, or are freed by."""
    return tuple(Expected(fields[key].id, fields[key].version) for key in changed(before, after) if key in fields)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of values that are not the same before and after."""
    return tuple(key for key in {**before, **after} if before.get(key) != after.get(key))


def _fitting(rule: Rule, value: Any) -> Any:
    return None if value is None else _READERS[rule.type](rule, value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _RefusedError("type.wrong", "must be a string")
    return value


def _text(_: Rule, value: Any) -> str | None:
    text = unicodedata.normalize("NFC", _string(value)).replace("\r\n", "\n").replace("\r", "\n").strip()
    if _UNSEEN.search(text):
        raise _RefusedError("text.control_character", "holds a control character; remove it")
    if len(text) > LONGEST_TEXT:
        raise _RefusedError("text.too_long", f"has {len(text)} characters; at most {LONGEST_TEXT} are allowed")
    return text or None


def _number(_: Rule, value: Any) -> int | float | None:
    if isinstance(value, str) and not value.strip():
        return None
    try:
        exact = _decimal(value)
    except (InvalidOperation, ValueError):
        raise _RefusedError("number.invalid", "must be a number like 12.5, without thousands separators") from None
    shortest = exact.normalize().as_tuple()
    power, digits = int(shortest.exponent), len(shortest.digits)
    decimals = max(0, -power)
    if decimals > MOST_DECIMALS or max(digits, digits + power) > MOST_DIGITS:
        told = f"has too many digits; at most {MOST_DIGITS} are kept, {MOST_DECIMALS} of them after the point"
        raise _RefusedError("number.too_long", told)
    return int(exact) if decimals == 0 else float(exact)


def _decimal(value: Any) -> Decimal:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_one and not (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        raise ValueError(value)
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        return Decimal(f"1e{MOST_DIGITS}")  # too long, however long: not worth spelling out
    return Decimal(repr(value) if isinstance(value, float) else value)


def _day(_: Rule, value: Any) -> str | None:
    text = _string(value).strip()
    try:
        if not text:
            return None
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass  # no day of the calendar
    raise _RefusedError("date.invalid", "must be a date like 2026-01-05 (RFC 3339, full-date)")


def _boolean(_: Rule, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _RefusedError("type.wrong", "must be true or false")
    return value


def _choice(rule: Rule, value: Any) -> str | None:
    text = _string(value).strip()
    if not text:
        return None
    # As it is spelt among the choices; else by what two spellings share.
    found = text if text in rule.choices else _by_key(rule).get(normalise.key(text))
    if found is None:
        raise _RefusedError("value.not_allowed", f"is not one of {', '.join(rule.choices[:20])}")
    return found


def _choices(rule: Rule, value: Any) -> list[str] | None:
    if not isinstance(value, list):
        raise _RefusedError("type.wrong", "must be a list of strings")
    if len(value) > 2 * len(rule.choices):
        raise _RefusedError("list.too_long", f"has {len(value)} items; there are {len(rule.choices)} choices")
    chosen = {_choice(rule, each) for each in value}
    return [choice for choice in rule.choices if choice in chosen] or None


def _by_key(rule: Rule) -> dict[str, str]:
    return {normalise.key(choice): choice for choice in rule.choices}


def _url(_: Rule, value: Any) -> str | None:
    text = _string(value).strip()
    if not text:
        return None
    refused = _RefusedError("url.invalid", "must be a URL like https://engines.example/ada (http or https)")
    if len(text) > LONGEST_URL:
        raise _RefusedError("text.too_long", f"has {len(text)} characters; at most {LONGEST_URL} are allowed")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise refused from None
    if parts.scheme not in {"http", "https"} or not host or _SPACE.search(text) or "\\" in text:
        raise refused
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
