"""What is read of relationships: those of a contact, now or as of a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.contact import Name
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


_COLUMNS = "r.id, r.version, r.other_id, c.name, r.kind, r.reverse_kind, r.created_at, r.updated_at"
_NOW = f"""
SELECT {_COLUMNS} FROM read.relationship_v1 r
  JOIN read.contact_v1 c ON c.tenant_id = r.tenant_id AND c.id = r.other_id AND c.deleted_at IS NULL
 WHERE r.tenant_id = %s AND r.contact_id = ANY (%s) AND r.other_id <> ALL (%s) AND r.until IS NULL
"""
_THEN = f"""
SELECT {_COLUMNS} FROM read.relationship_v1 r
  JOIN read.contact_past_v1 c ON c.tenant_id = r.tenant_id AND c.id = r.other_id AND c.deleted_at IS NULL
       AND c.since <= %s AND (c.until IS NULL OR c.until > %s)
 WHERE r.tenant_id = %s AND r.contact_id = ANY (%s) AND r.other_id <> ALL (%s)
   AND r.since <= %s AND (r.until IS NULL OR r.until > %s)
"""
_OWNED = "AND c.owner_id = ANY (%s)"
# Who may read a record now may read what it was: whose it was then is not asked.
_OWNED_NOW = """AND EXISTS (SELECT FROM read.contact_v1 n
    WHERE n.tenant_id = c.tenant_id AND n.id = c.id AND n.owner_id = ANY (%s))"""

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

    Those to deleted contacts, and between the ids themselves, are left out. With `owners`, those only whose other end
    is theirs now.
    """
    family = list(ids)
    parameters: list[Any] = [tenant_id, family, family]
    if as_of:
        parameters = [as_of.position, as_of.position, *parameters, as_of.position, as_of.position]
    query = _THEN if as_of else _NOW
    if owners is not None:
        query += _OWNED_NOW if as_of else _OWNED
        parameters.append(list(owners))
    if after:
        query += " AND (r.created_at, r.id) > (%s::timestamptz, %s::uuid)"
        parameters.extend(after)
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({query} ORDER BY r.created_at, r.id LIMIT %s) v"
    found = await (await connection.execute(query, (*parameters, limit + 1))).fetchone()
    rows = _related.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], [last.created_at.isoformat(), str(last.id)]
