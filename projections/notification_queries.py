"""What is read of notifications: a user's, the newest first, and how many are unread."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.notification import Kind, inbox_id
from projections.placing import placed
from projections.ports import Connection

MOST_COUNTED = 1000
"""Unread ones are counted up to so many."""

_UNREAD = """n.position > coalesce((SELECT i.up_to FROM read.notification_read_v1 i
                                 WHERE i.tenant_id = %(tenant)s AND i.stream_id = %(inbox)s), 0)
     AND NOT EXISTS (SELECT FROM read.notification_read_v1 r WHERE r.tenant_id = %(tenant)s AND r.stream_id = n.id)"""
_SELECT = """
SELECT n.id, n.kind, n.at, n.actor_id, n.refs, n.position,
       coalesce(r.read_at, CASE WHEN n.position <= i.up_to THEN i.read_at END) AS read_at
  FROM read.notification_v1 n
  LEFT JOIN read.notification_read_v1 r ON r.tenant_id = n.tenant_id AND r.stream_id = n.id
  LEFT JOIN read.notification_read_v1 i ON i.tenant_id = n.tenant_id AND i.stream_id = %(inbox)s
 WHERE n.tenant_id = %(tenant)s AND n.user_id = %(user)s"""
_PAGE = f"""
SELECT coalesce(json_agg(v), '[]')::text FROM ({_SELECT}
   AND n.kind = ANY (%(kinds)s) AND n.position < %(before)s {{unread}} ORDER BY n.position DESC LIMIT %(most)s) v
"""
_COUNT = f"""
SELECT count(*) FROM (
    SELECT FROM read.notification_v1 n
     WHERE n.tenant_id = %(tenant)s AND n.user_id = %(user)s AND n.kind = ANY (%(kinds)s) AND {_UNREAD}
     LIMIT {MOST_COUNTED}) u
"""
_ONE = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({_SELECT} AND n.id = %(id)s) v"
_LAST = 2**63 - 1


class Notification(Struct, frozen=True, kw_only=True):
    """What a user was told of; `refs` are the ids of what it is about."""

    id: UUID
    kind: Kind
    at: datetime
    actor_id: UUID | None
    refs: Mapping[str, UUID]
    position: int
    read_at: datetime | None


_notifications = msgspec.json.Decoder(list[Notification])


async def page(
    connection: Connection,
    tenant_id: UUID,
    user_id: UUID,
    kinds: Collection[Kind],
    *,
    unread: bool = False,
    before: int | None = None,
    limit: int,
) -> tuple[list[Notification], int | None, int]:
    """A page, the position before which the next one starts, and how many are unread."""
    values = _values(tenant_id, user_id) | {"kinds": list(kinds), "before": before or _LAST, "most": limit + 1}
    query = _PAGE.format(unread=f"AND {_UNREAD}" if unread else "")
    rows = _notifications.decode((await (await connection.execute(*placed(query, values))).fetchone())[0])
    count = (await (await connection.execute(*placed(_COUNT, values))).fetchone())[0]
    return rows[:limit], rows[limit - 1].position if len(rows) > limit else None, count


async def by_id(connection: Connection, tenant_id: UUID, user_id: UUID, wanted: UUID) -> Notification | None:
    """A notification of a user's."""
    values = _values(tenant_id, user_id) | {"id": wanted}
    rows = await connection.execute(*placed(_ONE, values))
    return next(iter(_notifications.decode((await rows.fetchone())[0])), None)


def _values(tenant_id: UUID, user_id: UUID) -> dict[str, object]:
    return {"tenant": tenant_id, "user": user_id, "inbox": inbox_id(user_id)}
