"""Whether anybody has anything to do with companies."""

from collections.abc import Collection
from uuid import UUID

from projections.companies import company
from projections.contacts import contact
from projections.ports import Connection
from projections.timeline import timeline

READ_MODELS = (company.PROJECTION.checkpoint, contact.PROJECTION.checkpoint, timeline.PROJECTION.checkpoint)
"""What the answer is read from."""

# Of what a company itself did its timeline tells under its own stream; interactions and leads are streams of their own.
_USED = """
SELECT k.id FROM unnest(%s::uuid[]) AS k (id)
 WHERE EXISTS (SELECT FROM read.contact_v1 c
                WHERE c.tenant_id = %s AND c.company_id = k.id AND c.deleted_at IS NULL)
    OR EXISTS (SELECT FROM read.company_v1 c
                WHERE c.tenant_id = %s AND c.parent_id = k.id AND c.deleted_at IS NULL)
    OR EXISTS (SELECT FROM read.timeline_v1 t
                WHERE t.tenant_id = %s AND t.record_id = k.id AND t.stream_id <> k.id AND t.until IS NULL)
"""


async def used(connection: Connection, tenant_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of some companies that contacts work for, that others belong to, or that something was told about."""
    found = await connection.execute(_USED, (list(ids), *(tenant_id,) * 3))
    return {company_id for (company_id,) in await found.fetchall()}
