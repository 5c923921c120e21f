"""Contacts as CSV (RFC 4180); docs/export.md tells the columns, and commands/cells.py reads them back."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from msgspec import Struct

from commands.cells import guarded, joined, labelled
from commands.visible import View
from domain.contact import Email, Phone
from projections.contacts.queries import ContactView

MEDIA = "text/csv; charset=utf-8; header=present"
_BOM = "\ufeff"


class Column(Struct, frozen=True):
    """A column: its header, the field that it is of, and the cell of a contact."""

    name: str
    field: str
    cell: Callable[[ContactView], str]


def columns(view: View, *, systems: Iterable[str], custom: Iterable[str]) -> list[Column]:
    """The columns for somebody with this view of contacts, who has these external ids and custom fields."""
    keyed = [Column(f"external_ids.{name}", "external_ids", _external_id(name)) for name in systems]
    keyed += [Column(f"custom.{key}", f"custom.{key}", _custom(key)) for key in custom]
    return [column for column in (*_BEFORE, *keyed, *_AFTER) if not view.hides(column.field)]


def header(found: Sequence[Column]) -> bytes:
    """The first line, after a byte order mark, without which Excel takes UTF-8 for something else."""
    return _BOM.encode() + _written([[column.name for column in found]])


def lines(found: Sequence[Column], contacts: Iterable[ContactView]) -> bytes:
    """A line for each contact."""
    cells = [column.cell for column in found]
    return _written([cell(contact) for cell in cells] for contact in contacts)


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)  # its lines end as RFC 4180 wants it
    return text.getvalue().encode()


def _text(path: str) -> Callable[[ContactView], str]:
    read = attrgetter(path)

    def cell(contact: ContactView) -> str:
        found: str | None = read(contact)
        return guarded(found) if found else ""

    return cell


def _addresses(items: Sequence[Email | Phone]) -> str:
    """All of them, the primary one first."""
    ordered = items if len(items) == 1 else sorted(items, key=lambda item: not item.primary)
    return guarded(joined(labelled(item.kind, item.value) for item in ordered))


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _external_id(system: str) -> Callable[[ContactView], str]:
    return lambda contact: guarded(contact.external_ids.get(system, ""))


def _custom(key: str) -> Callable[[ContactView], str]:
    return lambda contact: guarded(custom_text(contact.custom.get(key)))


def custom_text(value: Any) -> str:
    """The value of a custom field as text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{Decimal(repr(value)):f}"
        case list() | tuple():
            return joined(map(str, value))
        case _:
            return str(value)


_BEFORE = (
    Column("id", "id", lambda contact: str(contact.id)),
    Column("name", "name", _text("name.display")),
    Column("given", "name", _text("name.given")),
    Column("family", "name", _text("name.family")),
    Column("email", "emails", lambda contact: _addresses(contact.emails) if contact.emails else ""),
    Column("phone", "phones", lambda contact: _addresses(contact.phones) if contact.phones else ""),
    Column("company", "company", lambda contact: guarded(contact.company.name) if contact.company else ""),
    Column("title", "title", _text("title")),
    Column("tags", "tags", lambda contact: guarded(joined(contact.tags)) if contact.tags else ""),
    Column("owner_id", "owner_id", lambda contact: str(contact.owner_id) if contact.owner_id else ""),
    Column("lifecycle", "lifecycle", lambda contact: contact.lifecycle.value),
)
_AFTER = (
    Column("created_at", "created_at", lambda contact: _time(contact.created_at)),
    Column("updated_at", "updated_at", lambda contact: _time(contact.updated_at)),
)
