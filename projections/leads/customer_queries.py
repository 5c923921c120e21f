"""What is read of customers: one, or a page, now or as of a moment.

Their names are those of the companies, contacts or leads they are.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from projections.contacts.family import STANDS, STOOD
from projections.placing import placed
from projections.ports import Connection
from projections.position import Moment


class CustomerView(Struct, frozen=True, kw_only=True):
    """A customer as clients see it; the name is None where the reader must not see it."""

    id: UUID
    version: int
    name: str | None
    contact_id: UUID | None
    company_id: UUID | None
    lead_ids: tuple[UUID, ...]
    since: datetime
    created_at: datetime
    updated_at: datetime


class Stored(Struct, frozen=True, kw_only=True):
    """A customer as it is in the read model, with what it could be called and whose its contact is.

    `lead_ids` are those that the reader may see.
    """

    id: UUID
    version: int
    company_id: UUID | None
    contact_id: UUID | None
    lead_ids: tuple[UUID, ...]
    since: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    company_name: str | None
    contact_name: str | None
    contact_owner_id: UUID | None
    title: str | None

    def view(self, name: str | None) -> CustomerView:
        """What clients see of it, under a name."""
        shared = {each: getattr(self, each) for each in CustomerView.__struct_fields__ if each != "name"}
        return CustomerView(**shared, name=name)


# A contact that was merged goes by the name of the one that it was merged into: of a chain that alone is there.
# Whose leads may be read now has been asked by then: a customer is seen by who sees one of its leads.
_SELECT = """
SELECT c.id, c.version, c.company_id, c.contact_id, coalesce(s.lead_ids, '{{}}') AS lead_ids, c.since, c.created_at,
       c.updated_at, c.deleted_at, f.name AS company_name, p.name ->> 'display' AS contact_name,
       p.owner_id AS contact_owner_id, s.title
  FROM read.customer{past} c
  LEFT JOIN read.company{past} f ON f.tenant_id = c.tenant_id AND f.id = c.company_id AND {company}
  LEFT JOIN LATERAL (
       WITH RECURSIVE chain (id) AS (
            SELECT c.contact_id UNION SELECT f.into_id FROM chain k
              JOIN read.contact_family_v1 f ON f.tenant_id = c.tenant_id AND f.id = k.id AND {link}
       ) SELECT x.name, x.owner_id FROM chain k
           JOIN read.contact{past} x ON x.tenant_id = c.tenant_id AND x.id = k.id AND x.deleted_at IS NULL AND {contact}
  ) p ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(l.id ORDER BY l.created_at, l.id) AS lead_ids, min(l.title) AS title FROM read.lead{past} l
        WHERE l.tenant_id = c.tenant_id AND l.id = ANY (c.lead_ids) AND {lead}
          AND (%(whose)s::uuid[] IS NULL OR EXISTS (
               SELECT FROM read.lead_v1 n
                WHERE n.tenant_id = l.tenant_id AND n.id = l.id AND n.owner_id = ANY (%(whose)s)))
  ) s ON true
 WHERE c.tenant_id = %(tenant)s AND {customer}
"""


def _stood(alias: str) -> str:
    return f"{alias}.since <= %(at)s AND ({alias}.until IS NULL OR {alias}.until > %(at)s)"


_NOW = _SELECT.format(past="_v1", link=STANDS, **dict.fromkeys(("company", "contact", "lead", "customer"), "TRUE"))
_THEN = _SELECT.format(
    past="_past_v1",
    link=STOOD,
    company=_stood("f"),
    contact=_stood("x"),
    lead=_stood("l"),
    customer="c.begins <= %(at)s AND (c.ends IS NULL OR c.ends > %(at)s)",
)
_ANY_LEAD = "(%(whose)s::uuid[] IS NULL OR s.lead_ids IS NOT NULL)"
_AFTER = "(c.created_at, c.id) > (%(time)s::timestamptz, %(id)s::uuid)"

_stored = msgspec.json.Decoder(list[Stored])


async def by_id(
    connection: Connection,
    tenant_id: UUID,
    customer_id: UUID,
    *,
    as_of: Moment | None = None,
    owners: Sequence[UUID] | None = None,
) -> Stored | None:
    """A customer, also one that is none any more."""
    values = {"tenant": tenant_id, "id": customer_id, "whose": None if owners is None else list(owners)}
    return next(iter(await _read(connection, " AND c.id = %(id)s", values, as_of)), None)


async def page(
    connection: Connection,
    tenant_id: UUID,
    *,
    after: Sequence[str] | None,
    limit: int,
    as_of: Moment | None = None,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[Stored], list[str] | None]:
    """A page of the customers that have leads, of `owners` where some are given; and where the next one starts."""
    values: dict[str, Any] = {"tenant": tenant_id, "whose": None if owners is None else list(owners)}
    rest = f" AND c.deleted_at IS NULL AND {_ANY_LEAD}"
    if after:
        rest += f" AND {_AFTER}"
        values |= {"time": after[0], "id": after[1]}
    rows = await _read(
        connection, f"{rest} ORDER BY c.created_at, c.id LIMIT %(most)s", values | {"most": limit + 1}, as_of
    )
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], [rows[limit - 1].created_at.isoformat(), str(rows[limit - 1].id)]


async def _read(connection: Connection, rest: str, values: Mapping[str, Any], as_of: Moment | None) -> list[Stored]:
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({_THEN if as_of else _NOW}{rest}) v"
    at = {"at": as_of.position if as_of else None}
    found = await (await connection.execute(*placed(query, {**values, **at}))).fetchone()
    return _stored.decode(found[0])
