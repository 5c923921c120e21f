"""Contacts as search sees them: read whole from their rows, whoever keeps the index."""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain import contact as domain
from domain.company import CompanyChanged, CompanyDeleted, CompanyRestored
from domain.event import Event, Recorded, topics
from projections.contacts import values as contact_values
from projections.contacts.text import ContactText, contact_text
from projections.contacts.values import CUSTOM, Values
from projections.ports import Connection

# JSON as text: its types are known here.
COLUMNS = """c.id, greatest(c.position, k.position), c.name::text, c.emails::text, c.phones::text, c.title,
    CASE WHEN k.deleted_at IS NULL THEN k.name END, c.owner_id,
    c.deleted_at IS NOT NULL, c.company_id, c.tags, c.lifecycle, c.created_at, c.updated_at, c.custom::text"""
"""What `searchable` takes, of read.contact_v1 c and read.company_v1 k. The position is that of the last event that
shows in it, be it the company's."""

# Plans are kept, and one that was made while there were no rows takes any index for as good as another: until there are
# statistics, each turn of an import would read all contacts of its tenant, or compare its own with all companies.
# OFFSET keeps other conditions out, and with these alone there is but the primary key.
BY_ID = "(SELECT * FROM read.contact_v1 i WHERE i.tenant_id = %s AND i.id = ANY(%s) OFFSET 0) c"
"""Contacts c by tenant and ids, in a statement that is made again and again."""
COMPANY = """LATERAL (
       SELECT * FROM read.company_v1 o WHERE o.tenant_id = c.tenant_id AND o.id = c.company_id OFFSET 0) k"""
"""The company k of a contact c."""

_ROWS = f"""
SELECT {COLUMNS}
  FROM {BY_ID}
  LEFT JOIN {COMPANY} ON true
"""
_OF_COMPANY = f"""
SELECT {COLUMNS}
  FROM read.contact_v1 c
  LEFT JOIN {COMPANY} ON true
 WHERE c.tenant_id = %s AND c.company_id = %s AND c.deleted_at IS NULL AND c.id > %s
 ORDER BY c.id LIMIT %s
"""
_PAGE = f"""
SELECT {COLUMNS}
  FROM read.contact_v1 c
  LEFT JOIN {COMPANY} ON true
 WHERE c.tenant_id = %s AND c.id > %s
 ORDER BY c.id LIMIT %s
"""


RENAMING = topics([CompanyChanged, CompanyDeleted, CompanyRestored])
"""Events of companies that show in their contacts. A new company has none."""
_OWN = topics(domain.EVENTS)
_SIZE = 2000


class Searchable(Struct, frozen=True):
    """What search keeps of a contact, as of the event at `position`; nothing (`text` is None) of a deleted one."""

    id: UUID
    position: int
    text: ContactText | None
    owner_id: UUID | None = None
    values: Values = {}


class _Name(Struct):
    given: str | None = None
    family: str | None = None
    display: str | None = None


class _Value(Struct):
    value: str


_names = msgspec.json.Decoder(_Name)
_addresses = msgspec.json.Decoder(list[_Value])


def searchable(row: Sequence[Any], *, all_values: bool = True) -> Searchable:
    """From a row of COLUMNS; without `all_values`, none that are compared as columns of read.contact_v1 have them."""
    contact_id, position, name, emails, phones, title, company, owner_id, deleted, *others = row
    if deleted:
        return Searchable(contact_id, position, None)
    names, mails = _names.decode(name), [each.value for each in _addresses.decode(emails)]
    numbers = [each.value for each in _addresses.decode(phones)]
    text = contact_text(names=_told(names), emails=mails, phones=numbers, title=title, company=company)
    values: dict[str, tuple[str, ...]] = {
        "email": tuple(map(contact_values.text, mails)),
        "phone": tuple(numbers),
    }
    single = {"name": names.display, "given": names.given, "family": names.family, "title": title, "company": company}
    values |= {field: (contact_values.text(value),) for field, value in single.items() if value}
    company_id, tags, lifecycle, created_at, updated_at, custom = others
    values["tags"] = tuple(map(contact_values.text, tags))
    if custom != "{}":
        values |= {f"{CUSTOM}{key}": contact_values.custom(value) for key, value in json.loads(custom).items()}
    if all_values:
        values |= _columns(contact_id, owner_id, company_id, lifecycle, created_at, updated_at)
    return Searchable(contact_id, position, text, owner_id, {field: each for field, each in values.items() if each})


def _told(names: _Name) -> tuple[str | None, ...]:
    """The names whose words are all of them: mostly those of the one that is shown."""
    if names.display and names.display.isascii() and names.display == f"{names.given} {names.family}":
        return (names.display,)
    return names.given, names.family, names.display


def _columns(
    contact_id: UUID,
    owner_id: UUID | None,
    company_id: UUID | None,
    lifecycle: str,
    created_at: datetime,
    updated_at: datetime,
) -> dict[str, tuple[str, ...]]:
    return {
        "id": (str(contact_id),),
        "owner_id": (str(owner_id),) if owner_id else (),
        "company_id": (str(company_id),) if company_id else (),
        "lifecycle": (lifecycle,),
        "created_at": (contact_values.time(created_at),),
        "updated_at": (contact_values.time(updated_at),),
    }


async def by_id(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Searchable]:
    """Those contacts; an id without a row is left out."""
    rows = await (await connection.execute(_ROWS, (tenant_id, list(ids)))).fetchall()
    return [searchable(row) for row in rows]


async def page(connection: Connection, tenant_id: UUID, *, after: UUID, limit: int) -> list[Searchable]:
    """A tenant's contacts in the order of their ids."""
    rows = await (await connection.execute(_PAGE, (tenant_id, after, limit))).fetchall()
    return [searchable(row) for row in rows]


async def pages_of(
    connection: Connection, tenant_id: UUID, companies: Collection[UUID]
) -> AsyncIterator[list[Searchable]]:
    """The contacts of companies, a page at a time."""
    for company_id in companies:
        after: UUID | None = UUID(int=0)
        while after:
            found = await connection.execute(_OF_COMPANY, (tenant_id, company_id, after, _SIZE))
            contacts = [searchable(row) for row in await found.fetchall()]
            if contacts:
                yield contacts
            after = contacts[-1].id if len(contacts) == _SIZE else None


def renamed(events: Iterable[Recorded[Event]]) -> set[UUID]:
    """The companies whose contacts are found by other words after these events."""
    return {item.stream_id for item in events if item.event.TOPIC in RENAMING}


def of_contacts(events: Iterable[Recorded[Event]]) -> set[UUID]:
    """The contacts that these events are about."""
    return {item.stream_id for item in events if item.event.TOPIC in _OWN}
