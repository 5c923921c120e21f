"""The values that records have of one custom field: what is looked through before the field changes."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

import msgspec

from domain.custom_field import Held
from projections.companies import company
from projections.contacts import contact
from projections.leads import lead
from projections.ports import Connection

CHECKPOINTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "contact": (contact.PROJECTION.checkpoint,),
        "company": (company.PROJECTION.checkpoint,),
        "lead": (lead.PROJECTION.checkpoint,),
    }
)
"""The read models that have the values of each kind of record."""
_ROWS = {
    "contact": "SELECT id, version, owner_id, custom FROM read.contact_v1",
    "company": "SELECT id, version, NULL::uuid AS owner_id, custom FROM read.company_v1",
    "lead": "SELECT id, version, owner_id, custom FROM read.lead_v1",
}
_OF_TENANT = "WHERE tenant_id = %s AND custom ? %s AND deleted_at IS NULL"

_EVERYTHING_BEFORE = UUID(int=0)


_held = msgspec.json.Decoder(list[Held])


async def page(
    connection: Connection, tenant_id: UUID, kind: str, key: str, *, after: UUID | None, limit: int
) -> list[Held]:
    """The next records, in the order of their ids, that have a value and are not deleted."""
    query = f"""
    SELECT coalesce(json_agg(v), '[]')::text FROM (
        SELECT c.id, c.version, c.owner_id, c.custom -> %s AS value
          FROM ({_ROWS[kind]} {_OF_TENANT} AND id > %s ORDER BY id LIMIT %s) c) v
    """
    parameters = (key, tenant_id, key, after or _EVERYTHING_BEFORE, limit)
    found = await (await connection.execute(query, parameters)).fetchone()
    return _held.decode(found[0])


async def repeated(connection: Connection, tenant_id: UUID, kind: str, key: str, *, most: int) -> Sequence[Held]:
    """Two records of each value that several have, of `most` such values."""
    query = f"""
    WITH found AS (
        SELECT unnest((array_agg(c.id))[1:2]) AS id FROM ({_ROWS[kind]} {_OF_TENANT}) c
         GROUP BY c.custom -> %s HAVING count(*) > 1 LIMIT %s)
    SELECT coalesce(json_agg(v), '[]')::text FROM (
        SELECT c.id, c.version, c.owner_id, c.custom -> %s AS value
          FROM ({_ROWS[kind]} WHERE tenant_id = %s AND id IN (SELECT id FROM found)) c) v
    """
    parameters = (tenant_id, key, key, 2 * most, key, tenant_id)
    found = await (await connection.execute(query, parameters)).fetchone()
    return _held.decode(found[0])
