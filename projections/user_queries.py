"""What is read of users."""

from collections.abc import Sequence
from uuid import UUID

from projections.ports import Connection

_NAMES = "SELECT id, name FROM read.user_v1 WHERE tenant_id = %s AND id = ANY(%s)"


async def names(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of users by id."""
    return dict(await (await connection.execute(_NAMES, (tenant_id, list(ids)))).fetchall())
