"""Reads bodies into structs, naming everything that is wrong with them, not just the first thing."""

import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from enum import EnumMeta
from typing import Any, Generic, TypeVar, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Struct, UnsetType, structs

from commands.normalise import MOST_PROBLEMS, pointer
from domain.errors import DomainError, FieldError

T = TypeVar("T")

SERVER_MADE = frozenset({"id", "version", "created_at", "updated_at", "deleted_at", "tenant_id"})
"""Members of answers that no request may set."""


class Readable(Struct, Generic[T], frozen=True):
    """What could be read: the struct from its good members, all members that were good, and what was wrong."""

    value: T
    values: dict[str, Any]
    errors: tuple[FieldError, ...] = ()


_DEEPEST = 64
_NAME = re.compile(rb'"([^"]*)"\s*:')
_NAME_END = re.compile(rb'"\s*:')


class MalformedError(DomainError):
    """The body is no JSON at all."""


def body(raw: bytes, kind: type[T]) -> Readable[T]:
    """A JSON body as a struct.

    Raises:
        MalformedError: it is no JSON object.
    """
    try:
        value = msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a ValidationError is one of the first
        return _part_by_part(_json(raw), kind)
    _check(raw)
    return Readable(value, {field: getattr(value, field) for field in kind.__struct_fields__})  # type: ignore[attr-defined]


def member(data: Any, kind: type[T]) -> Readable[T]:
    """The same of a part of a body that has been decoded already."""
    try:
        value = msgspec.convert(data, kind)
    except msgspec.ValidationError:
        return _part_by_part(data, kind)
    return Readable(value, {field: getattr(value, field) for field in kind.__struct_fields__})  # type: ignore[attr-defined]


def _json(raw: bytes) -> Any:
    data = _plain(raw)
    _check(raw, data)
    return data


def _plain(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(f"is not JSON: {error}") from None


def _check(raw: bytes, data: Any = None) -> None:
    """Refuse what is nested deeper than anything that has a meaning here, and objects with a member that stands twice.

    Which one of two is meant is not guessed (RFC 7493, 2.3). `data` is the JSON as plain objects, where that is known.
    """
    if raw.count(b"[") + raw.count(b"{") <= _DEEPEST and b"\\" not in raw:
        names = _NAME.findall(raw)
        if len(set(names)) == len(names):
            return  # no name stands twice anywhere, however it may be nested
    # A name ends with a quote before a colon. Members that are lost when they are read had the name of another; where
    # more are missing, a string may have looked like the end of a name.
    if len(_NAME_END.findall(raw)) != _members_in(_plain(raw) if data is None else data):
        _check_once(raw)


def _members_in(data: Any) -> int:
    """How many members the objects in a value have, level by level."""
    found, depth, level = 0, 0, [data] if isinstance(data, dict | list) else []
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise _too_deep()
        inside: list[Any] = []
        for each in level:
            if type(each) is dict:
                found += len(each)
                inside += each.values()
            else:
                inside += each
        level = [each for each in inside if type(each) is dict or type(each) is list]
    return found


def _check_once(raw: bytes) -> None:
    """Look at every object by itself."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) == len(pairs):
            return
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise _malformed(f"has the member {json.dumps(name)} twice in one object")
            names.add(name)

    json.loads(raw, object_pairs_hook=once, parse_int=str, parse_float=str)


def _too_deep() -> MalformedError:
    return _malformed(f"is nested more than {_DEEPEST} levels deep")


def _malformed(what: str) -> MalformedError:
    return MalformedError("body.malformed", f"the body {what}", hint="Send one JSON object, encoded as UTF-8.")


def _part_by_part(data: Any, kind: type[T]) -> Readable[T]:
    errors: list[FieldError] = []
    values: dict[str, Any] = {}
    if isinstance(data, dict):
        values = _members(data, kind, "", errors)
    else:
        errors.append(FieldError("", "type.object", "must be a JSON object"))
    # A struct takes what it is given: members that were bad or missing are None, their errors are in the list.
    needed = {field.name: None for field in structs.fields(typing.cast("type[Struct]", kind)) if field.required}
    return Readable(kind(**(needed | values)), values, tuple(errors))


def _members(data: Mapping[str, Any], kind: Any, at: str, errors: list[FieldError]) -> dict[str, Any]:
    fields = {field.encode_name: field for field in structs.fields(kind)}
    for name in data:
        if len(errors) >= MOST_PROBLEMS:
            break
        if name in fields:
            continue
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
        # A list or object keeps its good items, with None where there was a bad one, so that these are looked at too.
        if len(errors) == before or isinstance(value, list | dict):
            values[field.name] = value
    return values


def _value(data: Any, kind: Any, at: str, errors: list[FieldError]) -> Any:
    options = [option for option in options_of(kind) if option is not UnsetType]
    for option in options:
        if isinstance(data, dict) and isinstance(option, type) and issubclass(option, Struct):
            before = len(errors)
            values = _members(data, option, at, errors)
            return option(**values) if len(errors) == before else None
        if isinstance(data, list) and get_origin(option) is list:
            inner = get_args(option)[0]
            return [_item(item, inner, at, n, errors) for n, item in enumerate(data)]
        if isinstance(data, dict) and get_origin(option) is dict:
            inner = get_args(option)[1]
            return {key: _item(item, inner, at, key, errors) for key, item in data.items()}
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        errors.append(FieldError(at, *told(error, options)))
        return None


def _item(data: Any, kind: Any, at: str, place: object, errors: list[FieldError]) -> Any:
    return None if len(errors) >= MOST_PROBLEMS else _value(data, kind, pointer(at, place), errors)


def options_of(kind: Any) -> Sequence[Any]:
    """The types that a union allows; else the type itself."""
    if get_origin(kind) in {typing.Union, types.UnionType}:
        return get_args(kind)
    return (kind,)


def _values(kind: EnumMeta) -> list[str]:
    members: Mapping[str, Any] = kind.__members__
    return [str(member.value) for member in members.values()]


def told(error: Exception, options: Sequence[Any]) -> tuple[str, str]:
    """Code and message for a value of the wrong type, in words of JSON rather than of this library."""
    if UUID in options:
        return "type.uuid", "must be a UUID"
    text = str(error).partition(" - at ")[0]
    if text.startswith("Invalid enum value"):
        allowed = ", ".join(name for option in options if isinstance(option, EnumMeta) for name in _values(option))
        return "value.not_allowed", f"is not one of {allowed}"
    return "type.wrong", text[:1].lower() + text[1:].replace("`", "")


def needs_something(kind: type[Any]) -> bool:
    """Whether a body of this kind has members that can't be left out."""
    return any(field.required for field in structs.fields(kind))
