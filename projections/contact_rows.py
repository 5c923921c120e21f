"""Contacts as search sees them: read whole from their rows, whoever keeps the index."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from projections.contact_text import ContactText, contact_text
from projections.ports import Connection

COLUMNS = """c.id, c.position, c.name, c.emails, c.phones, c.title, k.name, c.owner_id,
    c.deleted_at IS NOT NULL"""
"""What `searchable` takes, of read.contact_v1 c and read.company_v1 k."""

_ROWS = f"""
SELECT {COLUMNS}
  FROM read.contact_v1 c
  LEFT JOIN read.company_v1 k ON k.tenant_id = c.tenant_id AND k.id = c.company_id
 WHERE c.tenant_id = %s AND c.id = ANY(%s)
"""
_PAGE = f"""
SELECT {COLUMNS}
  FROM read.contact_v1 c
  LEFT JOIN read.company_v1 k ON k.tenant_id = c.tenant_id AND k.id = c.company_id
 WHERE c.tenant_id = %s AND c.id > %s
 ORDER BY c.id LIMIT %s
"""


class Searchable(Struct, frozen=True):
    """What search keeps of a contact, as of the event at `position`; nothing (`text` is None) of a deleted one."""

    id: UUID
    position: int
    text: ContactText | None
    owner_id: UUID | None = None


class _Name(Struct):
    given: str | None = None
    family: str | None = None
    display: str | None = None


class _Value(Struct):
    value: str


def searchable(row: Sequence[Any]) -> Searchable:
    """From a row of COLUMNS."""
    contact_id, position, name, emails, phones, title, company, owner_id, deleted = row
    if deleted:
        return Searchable(contact_id, position, None)
    return Searchable(contact_id, position, text_of(name, emails, phones, title, company), owner_id)


def text_of(name: Any, emails: Any, phones: Any, title: str | None, company: str | None) -> ContactText:
    """A contact's words from its columns; the first three are JSON as read.contact_v1 has it."""
    names = msgspec.convert(name, _Name)
    return contact_text(
        names=(names.given, names.family, names.display),
        emails=(email.value for email in msgspec.convert(emails, list[_Value])),
        phones=(phone.value for phone in msgspec.convert(phones, list[_Value])),
        title=title,
        company=company,
    )


async def by_id(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Searchable]:
    """Those contacts; an id without a row is left out."""
    rows = await (await connection.execute(_ROWS, (tenant_id, list(ids)))).fetchall()
    return [searchable(row) for row in rows]


async def page(connection: Connection, tenant_id: UUID, *, after: UUID, limit: int) -> list[Searchable]:
    """A tenant's contacts in the order of their ids."""
    rows = await (await connection.execute(_PAGE, (tenant_id, after, limit))).fetchall()
    return [searchable(row) for row in rows]
