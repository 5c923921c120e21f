"""What is read of notifications: a user's, the newest first, and how many are unread."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
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
_MAILED = "n.id, n.user_id, n.kind, n.refs ->> 'lead_id', n.position"
# Whole positions, so that what one event tells several users stays together.
_SINCE = f"""
SELECT {_MAILED} FROM read.notification_v1 n
 WHERE n.tenant_id = %(tenant)s AND n.position > %(after)s AND n.position <= (
       SELECT max(p.position) FROM (
              SELECT m.position FROM read.notification_v1 m WHERE m.tenant_id = %(tenant)s AND m.position > %(after)s
               ORDER BY m.position LIMIT {MOST_COUNTED}) p)
 ORDER BY n.position, n.id
"""
_UNREAD_OF = f"""
SELECT {_MAILED} FROM read.notification_v1 n
 WHERE n.tenant_id = %(tenant)s AND n.user_id = %(user)s AND n.id = ANY (%(ids)s) AND {_UNREAD} ORDER BY n.position
"""
_LAST = 2**63 - 1

Mailed = tuple[UUID, UUID, Kind, UUID | None, int]
"""A notification for a mail: its id, its user's, its kind, the lead's id, and the position of its event."""


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


async def since(connection: Connection, tenant_id: UUID, after: int) -> list[Mailed]:
    """Some notifications of events after a position, in order."""
    rows = await connection.execute(*placed(_SINCE, {"tenant": tenant_id, "after": after}))
    return [_mailed(row) for row in await rows.fetchall()]


async def unread_of(connection: Connection, tenant_id: UUID, user_id: UUID, ids: Sequence[UUID]) -> list[Mailed]:
    """Those of a user's notifications that are unread."""
    rows = await connection.execute(*placed(_UNREAD_OF, _values(tenant_id, user_id) | {"ids": list(ids)}))
    return [_mailed(row) for row in await rows.fetchall()]


def _mailed(row: Any) -> Mailed:
    found, user_id, kind, lead_id, position = row
    return found, user_id, Kind(kind), UUID(lead_id) if lead_id else None, position


def _values(tenant_id: UUID, user_id: UUID) -> dict[str, object]:
    return {"tenant": tenant_id, "user": user_id, "inbox": inbox_id(user_id)}
