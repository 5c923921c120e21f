"""Answers without what their reader must not see. Where nothing is ruled, they are what they were."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec import json, structs, to_builtins

from api.http.reading import Readable, body, member
from commands.custom_fields.values import Fields, live
from commands.identity.access import Principal
from commands.normalise import MOST_PROBLEMS
from commands.visible import View, is_told, view_of, view_of_kind
from domain.custom_field import RecordKind
from domain.errors import DomainError, FieldError
from projections.history import Entry

HIDING = "Contacts beyond the reach of the caller's contacts.read are missing; fields that roles hide are absent."
"""What descriptions of operations say of it."""


def telling(
    caller: Principal, resource: str, *, kind: RecordKind | None = RecordKind.CONTACT, defined: Fields | None = None
) -> Callable[[Any], Any]:
    """What makes of a record what this caller is told of it.

    Values of custom fields that are not there are told to nobody: `defined` are those there were at the moment that it
    is about, by default those of now. Records of no `kind` have none.
    """
    view = view_of(caller, resource)
    if kind is None:
        return (lambda record: record) if view.is_free else (lambda record: view.shown(to_builtins(record)))
    fields = live(caller.custom.get(kind, {}) if defined is None else defined)

    def told(record: Any) -> Any:
        if not record.custom.keys() <= fields.keys():
            record = structs.replace(record, custom={key: record.custom[key] for key in record.custom if key in fields})
        return record if view.is_free else view.shown(to_builtins(record))

    return told


def telling_apart(raw: bytes, kind: type[Any], view: View) -> Readable[Any]:
    """A body from somebody who must not write everything: what may be written of it, and the refusal of the rest.

    Of the rest no value is looked at, so that nothing is told by what else is wrong with it.

    Raises:
        MalformedError: it is no JSON.
    """
    whole = body(raw, kind)
    members = json.decode(raw)
    good, refused = view.writable(members) if isinstance(members, dict) else (members, [])
    if not refused:
        return whole
    rest = body(json.encode(good), kind)
    return structs.replace(rest, errors=(*refused, *rest.errors)[:MOST_PROBLEMS])


def telling_item(data: Any, kind: type[Any], view: View) -> Readable[Any]:
    """The same of a part of a body that has been decoded already."""
    good, refused = view.writable(data) if isinstance(data, dict) else (data, [])
    rest = member(good, kind)
    return structs.replace(rest, errors=(*refused, *rest.errors)[:MOST_PROBLEMS])


def events_told(caller: Principal) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """What makes of an event's topic and data what this caller is told of it."""
    return lambda topic, data: view_of_kind(caller, topic.partition(".")[0]).shown(data)


def entries_told(caller: Principal, entries: Iterable[Entry]) -> list[Entry]:
    """Entries of histories without changes of what is hidden, be they of its values or of what it is.

    One that has no other changes stays: its record's version tells as much.
    """
    if not caller.fields:
        return list(entries)
    untold = {field.id for fields in caller.custom.values() for field in fields.values() if not is_told(caller, field)}
    return [_told(caller, entry, untold) for entry in entries]


def _told(caller: Principal, entry: Entry, untold: Collection[UUID]) -> Entry:
    view = view_of_kind(caller, entry.target.kind)
    seen = () if entry.target.id in untold else entry.changes
    return structs.replace(entry, changes=tuple(change for change in seen if not view.hides(change.field)))


def require_shown(view: View, asked: Mapping[str, str]) -> None:
    """Refuse to filter or sort by what must not be seen; `asked` has parameters and the fields that they are about.

    Raises:
        DomainError: query.invalid, with every such parameter.
    """
    if bad := [name for name, field in asked.items() if view.hides(field)]:
        raise DomainError(
            "query.invalid",
            "a query parameter is about a field that your roles hide",
            hint="Leave out the parameters listed in errors; GET /v1/me/permissions tells which fields are hidden.",
            errors=[FieldError(name, "field.hidden", "is about a field that your roles hide") for name in bad],
        )
