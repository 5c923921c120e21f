"""What is read of users."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from projections.identity.user import PROJECTION, Row
from projections.ports import Connection

_NAMES = "SELECT id, name FROM read.user_v1 WHERE tenant_id = %s AND id = ANY(%s)"
# A tenant has thousands of users at most, and they lie together under its id.
_BY_EMAIL = "SELECT lower(email), id FROM read.user_v1 WHERE tenant_id = %s AND lower(email) = ANY(%s)"
_LAST_LOGIN = """SELECT (SELECT last_login_at FROM read.user_v1 WHERE tenant_id = %s AND id = %s),
    (SELECT position FROM read.checkpoint WHERE tenant_id = %s AND projection = %s)"""
_PAGE = """
SELECT coalesce(json_agg(v), '[]')::text
  FROM (SELECT * FROM read.user_v1 u
         WHERE u.tenant_id = %s AND (u.created_at, u.id) > (%s::timestamptz, %s::uuid)
         ORDER BY u.created_at, u.id LIMIT %s) v
"""

FIRST = ("-infinity", "00000000-0000-0000-0000-000000000000")
"""The bound before the first user."""


class LastLogin(Struct, frozen=True):
    """When a user signed in last, as of a position of the tenant's log; None where that is not known."""

    at: datetime | None
    position: int


_rows = msgspec.json.Decoder(list[Row])


async def names(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of users by id."""
    return dict(await (await connection.execute(_NAMES, (tenant_id, list(ids)))).fetchall())


async def by_emails(connection: Connection, tenant_id: UUID, emails: Sequence[str]) -> dict[str, UUID]:
    """The users with these e-mails (in lower case), by e-mail."""
    return dict(await (await connection.execute(_BY_EMAIL, (tenant_id, list(emails)))).fetchall())


async def last_login(connection: Connection, tenant_id: UUID, user_id: UUID) -> LastLogin:
    """When a user signed in last, and what part of the log says so."""
    asked = (tenant_id, user_id, tenant_id, PROJECTION.checkpoint)
    at, position = await (await connection.execute(_LAST_LOGIN, asked)).fetchone()
    return LastLogin(at, position or 0)


async def page(
    connection: Connection, tenant_id: UUID, *, after: tuple[str, str], limit: int
) -> tuple[list[Row], tuple[str, str] | None]:
    """A page of users, oldest first, and the bound after which the next one starts."""
    found = await (await connection.execute(_PAGE, (tenant_id, *after, limit + 1))).fetchone()
    rows = _rows.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    last: Row = rows[limit - 1]
    created: datetime = last.created_at
    return rows[:limit], (created.isoformat(), str(last.id))
