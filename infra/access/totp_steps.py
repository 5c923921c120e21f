"""Used time steps in Postgres: one row for each user with a second factor."""

from typing import LiteralString
from uuid import UUID

from infra.postgres import TenantConnections

_TAKE: LiteralString = "SELECT store.take_totp_step(%s, %s::bigint)"


class PostgresTotpSteps:
    """Implements commands.identity.codes.TotpSteps."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def take(self, tenant_id: UUID, user_id: UUID, step: int) -> bool:
        """See the port."""
        rows = await self._connections.rows(tenant_id, _TAKE, (user_id, step))
        return bool(rows[0][0])
