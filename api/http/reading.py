"""Reads bodies and queries into structs, naming everything that is wrong with them, not just the first thing."""

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Struct, UnsetType, structs

from commands.normalise import pointer
from domain.errors import DomainError, FieldError

T = TypeVar("T")

SERVER_MADE = frozenset({"id", "version", "created_at", "updated_at", "deleted_at", "tenant_id"})
"""Members of answers that no request may set."""


class Readable(Struct, Generic[T], frozen=True):
    """What could be read: the struct from its good members, all members that were good, and what was wrong."""

    value: T
    values: dict[str, Any]
    errors: tuple[FieldError, ...] = ()


class MalformedError(DomainError):
    """The body is no JSON at all."""


def body(raw: bytes, kind: type[T]) -> Readable[T]:
    """A JSON body as a struct.

    Raises:
        MalformedError: it is no JSON object.
    """
    try:
        value = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        return _part_by_part(_json(raw), kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _part_by_part(_json(raw), kind)
    return Readable(value, {field: getattr(value, field) for field in kind.__struct_fields__})  # type: ignore[attr-defined]


def _json(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(
            "body.malformed", f"the body is not JSON: {error}", hint="Send one JSON object, encoded as UTF-8."
        ) from None


def _part_by_part(data: Any, kind: type[T]) -> Readable[T]:
    errors: list[FieldError] = []
    if not isinstance(data, dict):
        errors.append(FieldError("", "type.object", "must be a JSON object"))
        data = {}
    values = _members(data, kind, "", errors)
    # A struct takes what it is given: members that were bad or missing are None, their errors are in the list.
    needed = {field.name: None for field in structs.fields(typing.cast("type[Struct]", kind)) if field.required}
    return Readable(kind(**(needed | values)), values, tuple(errors))


def _members(data: Mapping[str, Any], kind: Any, at: str, errors: list[FieldError]) -> dict[str, Any]:
    fields = {field.encode_name: field for field in structs.fields(kind)}
    for name in data.keys() - fields.keys():
        if name in SERVER_MADE:
            errors.append(FieldError(pointer(at, name), "field.read_only", "is set by the server; leave it out"))
        else:
            known = ", ".join(sorted(fields))
            errors.append(FieldError(pointer(at, name), "field.unknown", f"is not a known member; known are {known}"))
    values = {}
    for name, field in fields.items():
        here = pointer(at, name)
        if name not in data:
            if field.required:
                errors.append(FieldError(here, "field.required", "is missing"))
            continue
        before = len(errors)
        value = _value(data[name], field.type, here, errors)
        if len(errors) == before:
            values[field.name] = value
    return values


def _value(data: Any, kind: Any, at: str, errors: list[FieldError]) -> Any:
    options = [option for option in _options(kind) if option is not UnsetType]
    for option in options:
        if isinstance(data, dict) and isinstance(option, type) and issubclass(option, Struct):
            before = len(errors)
            values = _members(data, option, at, errors)
            return option(**values) if len(errors) == before else None
        if isinstance(data, list) and get_origin(option) is list:
            return [_value(item, get_args(option)[0], pointer(at, n), errors) for n, item in enumerate(data)]
        if isinstance(data, dict) and get_origin(option) is dict:
            inner = get_args(option)[1]
            return {key: _value(item, inner, pointer(at, key), errors) for key, item in data.items()}
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        errors.append(FieldError(at, *_told(error, options)))
        return None


def _options(kind: Any) -> Sequence[Any]:
    if get_origin(kind) in {typing.Union, types.UnionType}:
        return get_args(kind)
    return (kind,)


def _told(error: msgspec.ValidationError, options: Sequence[Any]) -> tuple[str, str]:
    """Code and message for a value of the wrong type, in words of JSON rather than of this library."""
    if UUID in options:
        return "type.uuid", "must be a UUID"
    text = str(error).partition(" - at ")[0]
    if text.startswith("Invalid enum value"):
        allowed = next((", ".join(o) for o in options if isinstance(o, type) and hasattr(o, "__members__")), "")
        return "value.not_allowed", f"is not one of {allowed}"
    return "type.wrong", text[:1].lower() + text[1:].replace("`", "")


def query(pairs: Sequence[tuple[str, str]], kind: type[T]) -> T:
    """Query parameters as a struct.

    Raises:
        DomainError: query.invalid, with every bad or unknown parameter.
    """
    given = dict(pairs)
    fields = {field.encode_name: field for field in structs.fields(typing.cast("type[Struct]", kind))}
    errors = [
        FieldError(
            name, "parameter.unknown", f"is not a parameter here; known are {', '.join(sorted(fields)) or 'none'}"
        )
        for name in sorted(given.keys() - fields.keys())
    ]
    errors += [
        FieldError(name, "parameter.repeated", "is given more than once")
        for name in sorted({name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1})
    ]
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name not in fields:
            continue
        try:
            values[fields[name].name] = msgspec.convert(text, fields[name].type, strict=False)
        except msgspec.ValidationError as error:
            errors.append(FieldError(name, *_told(error, _options(fields[name].type))))
    errors += [
        FieldError(name, "parameter.required", "is missing")
        for name, field in fields.items()
        if field.required and name not in given
    ]
    if errors:
        raise DomainError(
            "query.invalid",
            "a query parameter is not valid",
            hint="Correct the parameters listed in errors.",
            errors=errors,
        )
    return kind(**values)
