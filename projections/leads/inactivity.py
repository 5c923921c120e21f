"""Open leads with which nothing has happened for long, and flagged ones with which something has.

What happens with a lead are its own events, and interactions and notes with it or its contact, by all the ids that the
contact goes by: those count by when they occurred, whenever they were told.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.lead_status import OPEN
from projections.contacts import family as contact_family
from projections.leads import lead
from projections.placing import placed
from projections.ports import Connection
from projections.timeline import timeline

FOLLOWED = tuple(each.PROJECTION.checkpoint for each in (lead, timeline, contact_family))
"""The read models that tell what has happened."""

_OPEN = ", ".join(f"'{status.value}'" for status in OPEN)
_QUIET = f"""l.inactive_since IS NULL AND l.status IN ({_OPEN}) AND l.last_activity_at < %(cutoff)s
     AND NOT EXISTS (SELECT FROM store.lead_active m
                      WHERE m.tenant_id = l.tenant_id AND m.lead_id = l.id AND m.active_at >= %(cutoff)s)"""
_FLAGGED = "l.inactive_since IS NOT NULL"

# A family is a tree: whoever is linked to somebody of it belongs to it, upwards and downwards.
_LOOK = """
WITH RECURSIVE picked AS MATERIALIZED (
    SELECT l.id, l.version, l.owner_id, l.contact_id, l.last_activity_at FROM read.lead_v1 l
     WHERE l.tenant_id = %(tenant)s AND l.deleted_at IS NULL AND {which}
       AND (l.last_activity_at, l.id) > (%(after)s, %(after_id)s)
     ORDER BY l.last_activity_at, l.id LIMIT %(most)s
), kin (lead_id, contact_id) AS (
    SELECT s.id, s.contact_id FROM picked s WHERE s.contact_id IS NOT NULL
     UNION
    SELECT k.lead_id, x.id FROM kin k
     CROSS JOIN LATERAL (
           SELECT f.into_id AS id FROM read.contact_family_v1 f
            WHERE f.tenant_id = %(tenant)s AND f.id = k.contact_id AND f.until IS NULL
            UNION ALL
           SELECT f.id FROM read.contact_family_v1 f
            WHERE f.tenant_id = %(tenant)s AND f.into_id = k.contact_id AND f.until IS NULL) x
), met AS (
    SELECT r.lead_id, max(t.at) AS at
      FROM (SELECT k.lead_id, k.contact_id AS record_id FROM kin k UNION ALL SELECT s.id, s.id FROM picked s) r
     CROSS JOIN LATERAL (
           SELECT t.at FROM read.timeline_v1 t
            WHERE t.tenant_id = %(tenant)s AND t.record_id = r.record_id AND t.at <= %(now)s
              AND t.kind IN ('interaction', 'note') AND t.until IS NULL
            ORDER BY t.at DESC, t.id DESC LIMIT 1) t
     GROUP BY r.lead_id
)
SELECT s.id, s.version, s.owner_id, s.last_activity_at, greatest(s.last_activity_at, m.at)
  FROM picked s LEFT JOIN met m ON m.lead_id = s.id ORDER BY s.last_activity_at, s.id
"""
_NEXT = f"""
SELECT least(
    (SELECT min(l.last_activity_at) FROM read.lead_v1 l
      WHERE l.tenant_id = %(tenant)s AND l.deleted_at IS NULL AND l.inactive_since IS NULL AND l.status IN ({_OPEN})
        AND l.last_activity_at >= %(cutoff)s),
    (SELECT min(m.active_at) FROM store.lead_active m WHERE m.tenant_id = %(tenant)s AND m.active_at >= %(cutoff)s))
"""
_ANY = f"SELECT EXISTS (SELECT FROM read.lead_v1 l WHERE l.tenant_id = %s AND l.deleted_at IS NULL AND {_FLAGGED})"
_REACHED = """
SELECT CASE WHEN count(*) = %s THEN min(position) ELSE 0 END FROM read.checkpoint
 WHERE tenant_id = %s AND projection = ANY (%s)
"""
_NOTE = "SELECT store.note_active(%s::uuid[], %s::timestamptz[], %s)"


class Looked(Struct, frozen=True):
    """A lead at a version: when something happened by its own events, and by all that is known."""

    id: UUID
    version: int
    owner_id: UUID | None
    changed_at: datetime
    active_at: datetime


Place = tuple[datetime, UUID]


async def some(
    connection: Connection,
    tenant_id: UUID,
    *,
    flagged: bool,
    cutoff: datetime,
    now: datetime,
    after: Place,
    most: int,
) -> list[Looked]:
    """Some flagged leads, or such as are quiet since before a `cutoff` by their own events; after a place."""
    query = _LOOK.format(which=_FLAGGED if flagged else _QUIET)
    values = {"tenant": tenant_id, "cutoff": cutoff, "now": now, "most": most, "after": after[0], "after_id": after[1]}
    rows = await (await connection.execute(*placed(query, values))).fetchall()
    return [Looked(*row) for row in rows]


async def note_active(connection: Connection, leads: Sequence[Looked], cutoff: datetime) -> None:
    """Leads need not be looked at again before they may be quiet."""
    await connection.execute(_NOTE, ([lead.id for lead in leads], [lead.active_at for lead in leads], cutoff))


async def least_recent(connection: Connection, tenant_id: UUID, cutoff: datetime) -> datetime | None:
    """When something happened with the lead that will be quiet next."""
    rows = await connection.execute(*placed(_NEXT, {"tenant": tenant_id, "cutoff": cutoff}))
    found: datetime | None = (await rows.fetchone())[0]
    return found


async def any_flagged(connection: Connection, tenant_id: UUID) -> bool:
    """Whether there are flagged leads."""
    return bool((await (await connection.execute(_ANY, (tenant_id,))).fetchone())[0])


async def reached(connection: Connection, tenant_id: UUID) -> int:
    """The position that everything which is looked at here includes."""
    rows = await connection.execute(_REACHED, (len(FOLLOWED), tenant_id, list(FOLLOWED)))
    return int((await rows.fetchone())[0])
