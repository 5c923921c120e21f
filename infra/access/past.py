"""Who might do what as of a past position, from the log."""

from typing import LiteralString
from uuid import UUID

from domain.authorization import Access, Fact, fold
from infra.postgres import TenantConnections

_FACTS: LiteralString = "SELECT position, stream_id, topic, data FROM store.access_until(%s)"


class PostgresPastAccess:
    """Implements commands.identity.access.PastAccess."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def at(self, tenant_id: UUID, position: int) -> Access:
        """See the port."""
        rows = await self._connections.rows(tenant_id, _FACTS, (position,))
        return fold(Access(), (Fact(*row) for row in rows))
