"""Contacts as vCard 4.0 (RFC 6350); docs/export.md tells the properties."""

import re
from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime

from api.http.contacts.csv import custom_text
from commands.visible import View
from domain.contact import Email, Phone
from projections.contacts.queries import ContactView

MEDIA = "text/vcard; charset=utf-8"

_OCTETS = 75
_SPECIAL = re.compile(r"[\\,;]|\r\n?|\n")
_WITHOUT_MARKS = str.maketrans("", "", "-:")
_ESCAPED = {"\\": "\\\\", ",": "\\,", ";": "\\;"}
_KNOWN = frozenset({"work", "home"})
_KNOWN_OF_PHONES = _KNOWN | {"text", "voice", "fax", "cell", "video", "pager", "textphone"}


def cards(view: View, custom: Iterable[str], contacts: Iterable[ContactView]) -> bytes:
    """A card for each contact, with what somebody may see of it; of these custom fields, which are there."""
    keys = [key for key in custom if not view.hides(f"custom.{key}")]
    shown = {field for field in _FIELDS if not view.hides(field)}
    fields = [lines for field, lines in _FIELDS.items() if field in shown]
    written: list[str] = []
    for contact in contacts:
        written += ("BEGIN:VCARD\r\nVERSION:4.0\r\n", f"UID:urn:uuid:{contact.id}\r\n")
        written.append(_folded(f"FN:{_text(_shown_as(contact, shown))}"))
        for lines in fields:
            written += [_folded(line) for line in lines(contact)]
        written += [_folded(line) for line in _custom(contact, keys)] if contact.custom else ()
        written += (f"REV:{_time(contact.updated_at)}\r\n", "END:VCARD\r\n")
    return "".join(written).encode()


def _shown_as(contact: ContactView, shown: Container[str]) -> str:
    """What a card needs to be shown: the name, else an address, else the id."""
    if "name" in shown and contact.name.display:
        return contact.name.display
    addresses = [email.value for email in contact.emails] if "emails" in shown else []
    addresses += [phone.value for phone in contact.phones] if "phones" in shown else []
    return next(iter(addresses), str(contact.id))


def _custom(contact: ContactView, keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        if text := custom_text(contact.custom.get(key)):
            yield f"X-RAPPORT-FIELD;KEY={key}:{_text(text)}"


def _name(contact: ContactView) -> Iterator[str]:
    if contact.name.given or contact.name.family:
        yield f"N:{_text(contact.name.family or '')};{_text(contact.name.given or '')};;;"


def _emails(contact: ContactView) -> Iterator[str]:
    for email in contact.emails:
        kind = email.kind if email.kind in _KNOWN else _own(email.kind)
        yield f"EMAIL{_parameters(email, kind)}:{_text(email.value)}"


def _phones(contact: ContactView) -> Iterator[str]:
    for phone in contact.phones:
        kind = "cell" if phone.kind == "mobile" else phone.kind
        kind = kind if kind in _KNOWN_OF_PHONES else _own(kind)
        yield f"TEL;VALUE=uri{_parameters(phone, kind)}:tel:{phone.value}"


def _parameters(item: Email | Phone, kind: str) -> str:
    return f";TYPE={kind};PREF=1" if item.primary else f";TYPE={kind}"


def _own(kind: str) -> str:
    return f"x-{kind.replace('_', '-')}"


def _company(contact: ContactView) -> Iterator[str]:
    if contact.company:
        yield f"ORG:{_text(contact.company.name)}"


def _title(contact: ContactView) -> Iterator[str]:
    if contact.title:
        yield f"TITLE:{_text(contact.title)}"


def _tags(contact: ContactView) -> Iterator[str]:
    if contact.tags:
        yield f"CATEGORIES:{','.join(map(_text, contact.tags))}"


def _owner(contact: ContactView) -> Iterator[str]:
    if contact.owner_id:
        yield f"X-RAPPORT-OWNER:urn:uuid:{contact.owner_id}"


def _external_ids(contact: ContactView) -> Iterator[str]:
    for system, value in contact.external_ids.items():
        yield f"X-RAPPORT-ID;SYSTEM={system}:{_text(value)}"


def _lifecycle(contact: ContactView) -> Iterator[str]:
    yield f"X-RAPPORT-LIFECYCLE:{contact.lifecycle.value}"


_FIELDS = {
    "name": _name,
    "emails": _emails,
    "phones": _phones,
    "company": _company,
    "title": _title,
    "tags": _tags,
    "owner_id": _owner,
    "lifecycle": _lifecycle,
    "external_ids": _external_ids,
}


def _text(value: str) -> str:
    if not _SPECIAL.search(value):
        return value
    return _SPECIAL.sub(lambda found: _ESCAPED.get(found[0], "\\n"), value)


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat("T", "seconds").translate(_WITHOUT_MARKS)[:15] + "Z"


def _folded(line: str) -> str:
    """A line of at most 75 octets, and lines that go on with it; no character is cut apart."""
    if len(line) <= _OCTETS and (line.isascii() or len(line.encode()) <= _OCTETS):
        return f"{line}\r\n"
    parts, part, size = [], "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _OCTETS:
            parts.append(part)
            part, size = " ", 1
        part += character
        size += octets
    return "\r\n".join([*parts, part, ""])
