"""Whom an import has met, in Postgres."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import LiteralString
from uuid import UUID

from infra.postgres import TenantConnections

# One look-up by key for each: no statistics are there yet that could say so.
_FIND: LiteralString = """SELECT s.digest, s.contact_id FROM unnest(%s::bytea[]) AS u (digest)
 CROSS JOIN LATERAL (
       SELECT i.digest, i.contact_id FROM store.import_seen i
        WHERE i.tenant_id = %s AND i.import_id = %s AND i.digest = u.digest AND i.portion < %s OFFSET 0) s"""
_KEEP: LiteralString = "SELECT store.keep_import_seen(%s, %s, %s, %s)"


class PostgresSeen:
    """Implements commands.imports.ports.Seen."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def find(
        self, tenant_id: UUID, import_id: UUID, portion: int, keys: Collection[str]
    ) -> Mapping[str, Sequence[UUID]]:
        """See the port."""
        asked = {_digest(import_id, key): key for key in keys}
        rows = await self._connections.rows(tenant_id, _FIND, (list(asked), tenant_id, import_id, portion))
        found: dict[str, list[UUID]] = defaultdict(list)
        for digest, contact_id in rows:
            found[asked[bytes(digest)]].append(contact_id)
        return found

    async def keep(self, tenant_id: UUID, import_id: UUID, portion: int, met: Collection[tuple[str, UUID]]) -> None:
        """See the port."""
        digests = [_digest(import_id, key) for key, _ in met]
        contacts = [contact_id for _, contact_id in met]
        await self._connections.rows(tenant_id, _KEEP, (import_id, portion, digests, contacts))


def _digest(import_id: UUID, key: str) -> bytes:
    return blake2b(key.encode(), digest_size=12, key=import_id.bytes).digest()
