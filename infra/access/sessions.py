"""Rows of sessions in Postgres."""

from collections.abc import Sequence
from typing import Literal, LiteralString
from uuid import UUID

from commands.identity.sessions import NewSession, Refreshed, Session
from infra.postgres import TenantConnections

GRACE_SECONDS = 10

_START: LiteralString = "SELECT store.start_session(%s, %s, %s, make_interval(secs => %s), %s, %s)"
_REFRESH: LiteralString = """SELECT outcome, generation, user_id, epoch, fresh
    FROM store.refresh_session(%s, %s, make_interval(secs => %s), make_interval(secs => %s))"""
_END: LiteralString = "SELECT store.end_session(%s, %s)"
_OF_USER: LiteralString = """SELECT id, started_at, rotated_at, expires_at, client, address FROM store.session
    WHERE tenant_id = %s AND user_id = %s AND epoch = %s AND ended_at IS NULL AND expires_at > clock_timestamp()
    ORDER BY started_at DESC, id DESC"""


class PostgresSessions:
    """Implements commands.identity.sessions.SessionRows. A session ends `lives` seconds after its last refresh."""

    def __init__(self, connections: TenantConnections, lives: int) -> None:
        self._connections = connections
        self._lives = float(lives)

    async def start(self, tenant_id: UUID, session: NewSession) -> None:
        """See the port."""
        values = (session.id, session.user_id, session.epoch, self._lives, session.client, session.address)
        await self._connections.rows(tenant_id, _START, values)

    async def refresh(self, tenant_id: UUID, session_id: UUID, generation: int) -> Refreshed:
        """See the port."""
        values = (session_id, generation, float(GRACE_SECONDS), self._lives)
        rows = await self._connections.rows(tenant_id, _REFRESH, values)
        return Refreshed(*rows[0])

    async def end(self, tenant_id: UUID, session_id: UUID, user_id: UUID) -> Literal["ended", "over", "unknown"]:
        """See the port."""
        rows = await self._connections.rows(tenant_id, _END, (session_id, user_id))
        outcome: Literal["ended", "over", "unknown"] = rows[0][0]
        return outcome

    async def of_user(self, tenant_id: UUID, user_id: UUID, epoch: int) -> Sequence[Session]:
        """See the port."""
        rows = await self._connections.rows(tenant_id, _OF_USER, (tenant_id, user_id, epoch))
        return [Session(**dict(zip(Session.__struct_fields__, row, strict=True))) for row in rows]
