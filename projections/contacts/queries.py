"""What is read of contacts: one, some by id, a page of a list."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.company import Company
from domain.contact import Contact, Email, Lifecycle, Name, Phone
from projections.ports import Connection
from projections.position import Moment

Bound = list[str]


class CompanyRef(Struct, frozen=True):
    """The company that a contact works for."""

    id: UUID
    name: str


class ContactView(Struct, frozen=True, kw_only=True):
    """A contact as clients see it."""

    id: UUID
    version: int
    name: Name
    emails: tuple[Email, ...]
    phones: tuple[Phone, ...]
    company: CompanyRef | None
    title: str | None
    tags: tuple[str, ...]
    owner_id: UUID | None
    custom: dict[str, Any]
    external_ids: dict[str, str]
    lifecycle: Lifecycle
    created_at: datetime
    updated_at: datetime


class Stored(ContactView, frozen=True, kw_only=True):
    """A contact as it is in the read model: `deleted_at` tells whether it is gone."""

    deleted_at: datetime | None
    sort_name: str

    def view(self) -> ContactView:
        """What clients see of it."""
        return ContactView(
            id=self.id,
            version=self.version,
            name=self.name,
            emails=self.emails,
            phones=self.phones,
            company=self.company,
            title=self.title,
            tags=self.tags,
            owner_id=self.owner_id,
            custom=self.custom,
            external_ids=self.external_ids,
            lifecycle=self.lifecycle,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class Sort(StrEnum):
    """Orders of a list; a minus turns one round."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"
    NAME = "name"


class Filters(Struct, frozen=True, omit_defaults=True):
    """Which contacts a list shows; what is None is not filtered by."""

    owner_id: UUID | None = None
    tag: str | None = None
    company_id: UUID | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None


_COLUMNS = """
SELECT c.id, c.version, c.name, c.emails, c.phones, c.title, c.tags, c.owner_id, c.external_ids, c.lifecycle,
       c.created_at, c.updated_at, c.deleted_at, c.sort_name, c.custom,
       CASE WHEN f.id IS NOT NULL THEN json_build_object('id', f.id, 'name', f.name) END AS company
"""
_NOW = f"""{_COLUMNS}
  FROM read.contact_v1 c
  LEFT JOIN read.company_v1 f ON f.tenant_id = c.tenant_id AND f.id = c.company_id AND f.deleted_at IS NULL
"""
_THEN = f"""{_COLUMNS}
  FROM read.contact_past_v1 c
  LEFT JOIN read.company_past_v1 f ON f.tenant_id = c.tenant_id AND f.id = c.company_id
       AND f.since <= %s AND (f.until IS NULL OR f.until > %s) AND f.deleted_at IS NULL
"""
# As JSON text: the decoder does all conversions in one go.
_BY_ID = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({_NOW} WHERE c.tenant_id = %s AND c.id = ANY(%s)) v"

_BY_EMAIL = "SELECT email, contact_id FROM read.contacts_by_email_v1(%s::text[], %s::integer)"

_CONDITIONS = {
    "owner_id": "c.owner_id = %s",
    "tag": "%s = ANY (c.tags)",
    "company_id": "c.company_id = %s AND f.id IS NOT NULL",  # of one that is deleted nobody is shown
    "created_after": "c.created_at > %s",
    "updated_after": "c.updated_at > %s",
}
_OWNED = "c.owner_id = ANY (%s)"
# Who may read a record now may read what it was: whose it was then is not asked.
_OWNED_NOW = (
    "EXISTS (SELECT FROM read.contact_v1 n WHERE n.tenant_id = c.tenant_id AND n.id = c.id AND n.owner_id = ANY (%s))"
)
_STOOD = "c.since <= %s AND (c.until IS NULL OR c.until > %s)"
# Says nothing new, and lets lists that begin with the newest begin at the moment.
_BY_THEN = "c.created_at <= %s AND c.updated_at <= %s"
_SORTED_BY = {
    "created_at": ("created_at", "timestamptz"),
    "updated_at": ("updated_at", "timestamptz"),
    "name": ("sort_name", "text"),
}
# The name of those who have one: no index is in this order, so it is for those only who must not see more.
_NAME_ALONE = "CASE WHEN c.name ->> 'display' IS NULL THEN '' ELSE c.sort_name END"

_stored = msgspec.json.Decoder(list[Stored])
_SHARED = tuple(name for name in ContactView.__struct_fields__ if name != "company")


def employer(company: Company | None) -> CompanyRef | None:
    """A company as contacts show it: not at all while it is deleted."""
    return CompanyRef(company.id, company.name) if company and company.deleted_at is None else None


def view(contact: Contact, company: CompanyRef | None) -> ContactView:
    """A contact's state as clients see it."""
    return ContactView(**{name: getattr(contact, name) for name in _SHARED}, company=company)


async def by_ids(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Stored]:
    """The contacts with these ids, deleted ones too, in the order of the ids."""
    found = await (await connection.execute(_BY_ID, (tenant_id, list(ids)))).fetchone()
    by_id = {contact.id: contact for contact in _stored.decode(found[0])}
    return [by_id[contact_id] for contact_id in ids if contact_id in by_id]


async def by_emails(connection: Connection, emails: Collection[str], most: int = 10) -> dict[str, list[UUID]]:
    """The contacts that have these e-mails, case apart, at most so many of each; those of nobody are left out."""
    found: dict[str, list[UUID]] = {}
    for email, contact_id in await (await connection.execute(_BY_EMAIL, (list(emails), most))).fetchall():
        found.setdefault(email, []).append(contact_id)
    return found


async def page(
    connection: Connection,
    tenant_id: UUID,
    filters: Filters,
    sort: Sort,
    *,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
    owners: Sequence[UUID] | None = None,
    by_name_alone: bool = False,
) -> tuple[list[Stored], Bound | None]:
    """A page of the contacts that are there, or were at a moment, and the bound after which the next one starts.

    With `owners`, of theirs only: of those that are theirs now, also where it is about a moment of the past. Sorted by
    name, who has none goes by an address; `by_name_alone` they come first, so that their order tells no address.
    A bound is [value of the sort column, id]: pages neither repeat nor miss rows that stay in place.
    """
    column, kind = _SORTED_BY[sort.removeprefix("-")]
    by_name_alone = by_name_alone and sort is Sort.NAME
    expression = _NAME_ALONE if by_name_alone else f"c.{column}"
    direction, comparison = ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
    source, conditions, parameters = selected(tenant_id, filters, as_of, owners)
    if after:
        conditions.append(f"({expression}, c.id) {comparison} (%s::{kind}, %s::uuid)")
        parameters.extend(after)
    inner = f"{source} WHERE {' AND '.join(conditions)} ORDER BY {expression} {direction}, c.id {direction} LIMIT %s"
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({inner}) v"
    found = await (await connection.execute(query, (*parameters, limit + 1))).fetchone()
    rows = _stored.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    value = "" if by_name_alone and not last.name.display else getattr(last, column)
    return rows[:limit], [value if isinstance(value, str) else value.isoformat(), str(last.id)]


def selected(
    tenant_id: UUID, filters: Filters, as_of: Moment | None, owners: Sequence[UUID] | None
) -> tuple[str, list[str], list[Any]]:
    """Where the contacts come from, which of them, and the parameters of both."""
    conditions = ["c.tenant_id = %s", "c.deleted_at IS NULL"]
    parameters: list[Any] = [tenant_id]
    if as_of:
        conditions += [_STOOD, _BY_THEN]
        parameters = [*(as_of.position,) * 2, tenant_id, *(as_of.position,) * 2, *(as_of.time,) * 2]
    for name, value in structs.asdict(filters).items():
        if value is not None:
            conditions.append(_CONDITIONS[name])
            parameters.append(value)
    if owners is not None:
        conditions.append(_OWNED_NOW if as_of else _OWNED)
        parameters.append(list(owners))
    return _THEN if as_of else _NOW, conditions, parameters
