"""What is read of companies: one, a page of a list, and those that a text may be about."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.company import Company, Size
from projections.companies.text import keys_like, score
from projections.contacts.text import asked, required
from projections.ports import Connection
from projections.position import Moment

Bound = list[str]

DEEPEST = 400
"""Companies that a search looks at more closely: nobody reads further."""


class CompanyView(Struct, frozen=True, kw_only=True):
    """A company as clients see it."""

    id: UUID
    version: int
    name: str
    domain: str | None
    industry: str | None
    size: Size | None
    parent_id: UUID | None
    custom: dict[str, Any]
    external_ids: dict[str, str]
    created_at: datetime
    updated_at: datetime


class Stored(CompanyView, frozen=True, kw_only=True):
    """A company as it is in the read model: `deleted_at` tells whether it is gone."""

    deleted_at: datetime | None
    sort_name: str

    def view(self) -> CompanyView:
        """What clients see of it."""
        return CompanyView(**{name: getattr(self, name) for name in CompanyView.__struct_fields__})


class CompanyHit(Struct, frozen=True):
    """A company that was found: how well it fits, and by which of name and domain."""

    id: UUID
    score: float
    matched: tuple[str, ...]


class CompanySort(StrEnum):
    """Orders of a list; a minus turns one round."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"
    NAME = "name"


class CompanyFilters(Struct, frozen=True, omit_defaults=True):
    """Which companies a list shows; what is None is not filtered by."""

    parent_id: UUID | None = None
    domain: str | None = None
    industry: str | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None


_COLUMNS = """
SELECT c.id, c.version, c.name, c.domain, c.industry, c.size, c.parent_id, c.custom, c.external_ids, c.created_at,
       c.updated_at, c.deleted_at, c.sort_name
"""
# As JSON text: the decoder does all conversions in one go.
_BY_ID = f"""
SELECT coalesce(json_agg(v), '[]')::text
  FROM ({_COLUMNS} FROM read.company_v1 c WHERE c.tenant_id = %s AND c.id = ANY(%s)) v
"""
_LIKE = """
SELECT id, name, domain FROM read.companies_like_v1(%s::integer[], %s::integer[], %s::integer, %s, %s::integer)
"""
_CONDITIONS = {
    "parent_id": "c.parent_id = %s",
    "domain": "c.domain = %s",
    "industry": "c.industry = %s",
    "created_after": "c.created_at > %s",
    "updated_after": "c.updated_at > %s",
}
_STOOD = "c.since <= %s AND (c.until IS NULL OR c.until > %s)"
_SORTED_BY = {
    "created_at": ("created_at", "timestamptz"),
    "updated_at": ("updated_at", "timestamptz"),
    "name": ("sort_name", "text"),
}

_stored = msgspec.json.Decoder(list[Stored])


def view(company: Company) -> CompanyView:
    """A company's state as clients see it."""
    return CompanyView(**{name: getattr(company, name) for name in CompanyView.__struct_fields__})


async def by_ids(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Stored]:
    """The companies with these ids, deleted ones too, in the order of the ids."""
    found = await (await connection.execute(_BY_ID, (tenant_id, list(ids)))).fetchone()
    by_id = {company.id: company for company in _stored.decode(found[0])}
    return [by_id[company_id] for company_id in ids if company_id in by_id]


async def page(
    connection: Connection,
    tenant_id: UUID,
    filters: CompanyFilters,
    sort: CompanySort,
    *,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
) -> tuple[list[Stored], Bound | None]:
    """A page of the companies that are there, or were at a moment, and the bound after which the next one starts.

    A bound is [value of the sort column, id]: pages neither repeat nor miss rows that stay in place.
    """
    column, kind = _SORTED_BY[sort.removeprefix("-")]
    direction, comparison = ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
    conditions, parameters = ["c.tenant_id = %s", "c.deleted_at IS NULL"], list[Any]([tenant_id])
    if as_of:
        conditions.append(_STOOD)
        parameters += [as_of.position] * 2
    for name, value in structs.asdict(filters).items():
        if value is not None:
            conditions.append(_CONDITIONS[name])
            parameters.append(value)
    if after:
        conditions.append(f"(c.{column}, c.id) {comparison} (%s::{kind}, %s::uuid)")
        parameters.extend(after)
    table = "company_past_v1" if as_of else "company_v1"
    inner = (
        f"{_COLUMNS} FROM read.{table} c WHERE {' AND '.join(conditions)}"
        f" ORDER BY c.{column} {direction}, c.id {direction} LIMIT %s"
    )
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({inner}) v"
    rows = _stored.decode((await (await connection.execute(query, (*parameters, limit + 1))).fetchone())[0])
    if len(rows) <= limit:
        return rows, None
    value = getattr(rows[limit - 1], column)
    return rows[:limit], [value if isinstance(value, str) else value.isoformat(), str(rows[limit - 1].id)]


async def search(connection: Connection, tenant_id: UUID, text: str) -> list[CompanyHit]:
    """The companies that fit a text, best first: with words that begin like those asked for, else with typos."""
    words = asked(text)
    if not words:
        return []
    hits: dict[UUID, tuple[tuple[float, int, str], CompanyHit]] = {}
    for typos, spare in ((False, False), (True, False), (True, True)):
        if spare and required(len(words)) == len(words):
            break
        keys = [keys_like(tenant_id.bytes, word, typos=typos) for word in words]
        parts = [part for part, of_word in enumerate(keys, start=1) for _ in of_word]
        parameters = ([key for of_word in keys for key in of_word], parts, len(words), spare, DEEPEST)
        rows = await (await connection.execute(_LIKE, parameters)).fetchall()
        for company_id, name, domain in rows:
            weight, matched = score(words, name, domain)
            if weight and company_id not in hits:
                place = (-weight, len(name), str(company_id))
                hits[company_id] = (place, CompanyHit(company_id, round(weight, 4), matched))
        if len(hits) >= DEEPEST:
            break
    return [hit for _, hit in sorted(hits.values(), key=lambda found: found[0])][:DEEPEST]
