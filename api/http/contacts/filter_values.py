"""What the fields of contacts are compared with in searches: kinds of values, and which comparisons go with them."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from domain.contact import Lifecycle
from domain.custom_field import CustomField, FieldType
from projections.contacts import values as contact_values
from projections.contacts.values import CUSTOM


class Operator(StrEnum):
    """How a field is compared."""

    EQ = "EQ"
    NEQ = "NEQ"
    GT = "GT"
    GTE = "GTE"
    LT = "LT"
    LTE = "LTE"
    BETWEEN = "BETWEEN"
    IN = "IN"
    NOT_IN = "NOT_IN"
    HAS = "HAS"
    NOT_HAS = "NOT_HAS"
    CONTAINS_TOKEN = "CONTAINS_TOKEN"  # noqa: S105  a word of a text


class Kind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    EMAILS = "emails"
    PHONES = "phones"
    TAGS = "tags"
    ID = "id"
    CHOICE = "choice"
    LIFECYCLE = "lifecycle"
    TIME = "time"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    SEVERAL = "several"


Fields = Mapping[str, Kind]

_OF_TYPE: Mapping[FieldType, Kind] = {
    FieldType.TEXT: Kind.TEXT,
    FieldType.URL: Kind.TEXT,
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.DATE: Kind.DATE,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.CHOICE: Kind.CHOICE,
    FieldType.MULTI_CHOICE: Kind.SEVERAL,
}

FIELDS: Fields = {
    "name": Kind.TEXT,
    "given": Kind.TEXT,
    "family": Kind.TEXT,
    "email": Kind.EMAILS,
    "phone": Kind.PHONES,
    "company": Kind.TEXT,
    "company_id": Kind.ID,
    "title": Kind.TEXT,
    "tags": Kind.TAGS,
    "owner_id": Kind.ID,
    "lifecycle": Kind.LIFECYCLE,
    "created_at": Kind.TIME,
    "updated_at": Kind.TIME,
}
"""The fields that every tenant's contacts have."""


def fields_of(custom: Mapping[str, CustomField]) -> Fields:
    """The fields that a tenant's contacts have, given those of its own by key."""
    own = {CUSTOM + key: _OF_TYPE[field.rule.type] for key, field in custom.items() if field.deleted_at is None}
    return {**FIELDS, **own}


_EQUAL = frozenset({Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN, Operator.HAS, Operator.NOT_HAS})
_RANGES = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE, Operator.BETWEEN})
_TOKENS = frozenset({Operator.CONTAINS_TOKEN})
ALLOWED: Mapping[Kind, frozenset[Operator]] = {
    Kind.TEXT: _EQUAL | _RANGES | _TOKENS,
    Kind.EMAILS: _EQUAL | _TOKENS,
    Kind.PHONES: _EQUAL | _TOKENS,
    Kind.TAGS: _EQUAL | _TOKENS,
    Kind.SEVERAL: _EQUAL | _TOKENS,
    Kind.ID: _EQUAL,
    Kind.CHOICE: _EQUAL | _TOKENS,
    Kind.LIFECYCLE: _EQUAL,
    Kind.BOOLEAN: _EQUAL,
    Kind.TIME: _EQUAL | _RANGES,
    Kind.NUMBER: _EQUAL | _RANGES,
    Kind.DATE: _EQUAL | _RANGES,
}

_TIME = "must be a time with its offset, like 2026-01-05T09:30:00Z"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004  one kind of error, told as the value's
    read = contact_values.text(value)
    if not read.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in read):
        raise ValueError("holds a control character")
    return read


def _phone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a phone number as a text")  # noqa: TRY004
    return contact_values.phone(value)


def _id(value: Any) -> str:
    try:
        return str(UUID(value))
    except (ValueError, TypeError, AttributeError):
        raise ValueError("must be a UUID") from None


def _lifecycle(value: Any) -> str:
    known = [str(each) for each in Lifecycle]
    if value not in known:
        raise ValueError(f"is not one of {', '.join(known)}")
    return str(value)


def _time(value: Any) -> str:
    try:
        found = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        found = datetime.combine(_date(value, _TIME), datetime.min.time(), UTC)
    if found.tzinfo is None:
        raise ValueError(_TIME)
    return contact_values.time(found)


def _date(value: Any, message: str = "must be a date, like 2026-01-05") -> date:
    try:
        return msgspec.convert(value, date)
    except msgspec.ValidationError:
        raise ValueError(message) from None


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")  # noqa: TRY004
    return contact_values.number(value)


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004
    return "true" if value else "false"


READ: Mapping[Kind, Callable[[Any], str]] = {
    Kind.TEXT: _text,
    Kind.EMAILS: _text,
    Kind.PHONES: _phone,
    Kind.TAGS: _text,
    Kind.CHOICE: _text,
    Kind.SEVERAL: _text,
    Kind.ID: _id,
    Kind.LIFECYCLE: _lifecycle,
    Kind.TIME: _time,
    Kind.DATE: lambda value: _date(value).isoformat(),
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
}
"""What makes of a value the form that is compared. Raises ValueError with what it must be."""
