"""When API keys were used last, in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from infra.keys.cache import Recent
from infra.postgres import TenantConnections

_GRAIN_SECONDS = 60.0
_KEYS = 10_000

_NOTE: LiteralString = "SELECT store.used_api_key(%s, make_interval(secs => %s))"
_LAST: LiteralString = "SELECT key_id, used_at FROM store.api_key_use WHERE tenant_id = %s AND key_id = ANY(%s)"


class PostgresKeyUses:
    """Implements commands.identity.api_keys.KeyUses: a process writes at most once a minute for a key."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections
        self._noted: Recent[tuple[UUID, UUID], UUID] = Recent(_KEYS, _GRAIN_SECONDS)

    async def note(self, tenant_id: UUID, key_id: UUID) -> None:
        """See the port."""
        if self._noted.get((tenant_id, key_id)):
            return
        await self._connections.rows(tenant_id, _NOTE, (key_id, _GRAIN_SECONDS))
        self._noted.put((tenant_id, key_id), key_id)

    async def last(self, tenant_id: UUID, key_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """See the port."""
        return dict(await self._connections.rows(tenant_id, _LAST, (tenant_id, list(key_ids))))
