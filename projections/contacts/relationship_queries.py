"""What is read of relationships: those of a contact, now or as of a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.contact import Name
from projections.contacts.family import STANDS, STOOD
from projections.placing import placed
from projections.ports import Connection
from projections.position import Moment

Bound = list[str]


class Related(Struct, frozen=True, kw_only=True):
    """One end of a relationship: what the other contact is to this one, and this one to the other."""

    id: UUID
    version: int
    other_id: UUID
    name: Name
    kind: str
    reverse_kind: str
    created_at: datetime
    updated_at: datetime


# Other ends are shown as what they are by then: the end of the chain that they were merged into.
_SHOWN = """
WITH RECURSIVE own AS (
    SELECT r.* FROM read.relationship_v1 r
     WHERE r.tenant_id = %(tenant)s AND r.contact_id = ANY (%(ids)s) AND {stands}
), chain (id, at_id) AS (
    SELECT o.other_id, o.other_id FROM own o
     UNION
    SELECT c.id, f.into_id FROM chain c
      JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.id = c.at_id AND {merged}
), shown AS (
    SELECT DISTINCT ON (c.at_id) o.id, o.version, c.at_id AS other_id, o.kind, o.reverse_kind,
           o.created_at, o.updated_at
      FROM own o JOIN chain c ON c.id = o.other_id
     WHERE c.at_id <> ALL (%(ids)s) AND NOT EXISTS (
           SELECT FROM read.contact_family_v1 f WHERE f.tenant_id = %(tenant)s AND f.id = c.at_id AND {merged})
     ORDER BY c.at_id, o.updated_at DESC, o.id
)
SELECT r.id, r.version, r.other_id, c.name, r.kind, r.reverse_kind, r.created_at, r.updated_at FROM shown r
"""
_NOW = f"""{_SHOWN.format(stands="r.until IS NULL", merged=STANDS)}
  JOIN read.contact_v1 c ON c.tenant_id = %(tenant)s AND c.id = r.other_id AND c.deleted_at IS NULL
 WHERE true
"""
_THEN = f"""{_SHOWN.format(stands="r.since <= %(at)s AND (r.until IS NULL OR r.until > %(at)s)", merged=STOOD)}
  JOIN read.contact_past_v1 c ON c.tenant_id = %(tenant)s AND c.id = r.other_id AND c.deleted_at IS NULL
       AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s)
 WHERE true
"""
_OWNED = " AND c.owner_id = ANY (%(owners)s)"
# Who may read a record now may read what it was: whose it was then is not asked.
_OWNED_NOW = """ AND EXISTS (SELECT FROM read.contact_v1 n
    WHERE n.tenant_id = c.tenant_id AND n.id = c.id AND n.owner_id = ANY (%(owners)s))"""

_related = msgspec.json.Decoder(list[Related])


async def page(
    connection: Connection,
    tenant_id: UUID,
    ids: Sequence[UUID],
    *,
    after: Bound | None,
    limit: int,
    as_of: Moment | None = None,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[Related], Bound | None]:
    """Relationships of a contact that is known by these ids, oldest first, and the bound after which the next starts.

    Those to deleted contacts, and between the ids themselves, are left out. Of several to one other contact (it, or
    this one, was merged) the one that was set last is shown. With `owners`, those only whose other end is theirs now.
    """
    parameters: dict[str, Any] = {"tenant": tenant_id, "ids": list(ids), "limit": limit + 1}
    query = _THEN if as_of else _NOW
    if as_of:
        parameters["at"] = as_of.position
    if owners is not None:
        query += _OWNED_NOW if as_of else _OWNED
        parameters["owners"] = list(owners)
    if after:
        query += " AND (r.created_at, r.id) > (%(created)s::timestamptz, %(id)s::uuid)"
        parameters |= dict(zip(("created", "id"), after, strict=True))
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({query} ORDER BY r.created_at, r.id LIMIT %(limit)s) v"
    found = await (await connection.execute(*placed(query, parameters))).fetchone()
    rows = _related.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], [last.created_at.isoformat(), str(last.id)]
