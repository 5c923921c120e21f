"""Reads queries into structs, naming every bad or unknown parameter."""

import re
import types
import unicodedata
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import structs

from api.http.reading import options_of, told
from domain.errors import DomainError, FieldError

T = TypeVar("T")

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class _BadError(Exception):
    """A value that can't be used: code and message."""


@cache
def _fields(kind: Any) -> dict[str, structs.FieldInfo]:
    return {field.encode_name: field for field in structs.fields(kind)}


@cache
def _is_free(kind: Any) -> bool:
    """Whether nothing is required."""
    return not any(field.required for field in structs.fields(kind))


def query(pairs: Sequence[tuple[str, str]], kind: type[T]) -> T:
    """Query parameters as a struct.

    Raises:
        DomainError: query.invalid, with every bad or unknown parameter.
    """
    if not pairs and _is_free(cast("Hashable", kind)):
        return kind()
    given = dict(pairs)
    fields = _fields(cast("Hashable", kind))
    known = ", ".join(sorted(fields)) or "none"
    errors = [
        FieldError(name, "parameter.unknown", f"is not a parameter here; known are {known}")
        for name in sorted(given.keys() - fields.keys())
    ]
    errors += [
        FieldError(name, "parameter.repeated", "is given more than once")
        for name in sorted({name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1})
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in given:
            if field.required:
                errors.append(FieldError(name, "parameter.required", "is missing"))
            continue
        try:
            values[field.name] = _value(given[name], field.type)
        except _BadError as bad:
            errors.append(FieldError(name, *bad.args))
    if errors:
        raise DomainError(
            "query.invalid",
            "a query parameter is not valid",
            hint="Correct the parameters listed in errors.",
            errors=errors,
        )
    return kind(**values)


def _value(text: str, kind: Any) -> Any:
    """One parameter's value. All of them are text: numbers and truths are read from it, null is a word like others."""
    wanted = next(option for option in options_of(kind) if option is not types.NoneType)
    plain = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise _BadError("text.control_character", "holds a control character; remove it")
    if plain is datetime:
        return _time(text)
    if plain is int and not _WHOLE_NUMBER.fullmatch(text):
        raise _BadError("type.wrong", "must be a whole number")
    try:
        return msgspec.convert(text, wanted, strict=plain not in {int, float, bool})
    except msgspec.ValidationError as error:
        raise _BadError(*told(error, (plain,))) from None


def _time(text: str) -> datetime:
    try:
        found = msgspec.convert(text, datetime)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise _BadError("type.time", "must be a time with its offset, like 2026-01-05T09:30:00Z")
