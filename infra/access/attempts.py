"""Counts of failed sign-ins in Postgres."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from commands.identity.throttle import Count
from domain.tenant import PLATFORM
from infra.postgres import TenantConnections
from infra.secret import Secret

_FORGOTTEN_SECONDS = 3600.0

_BEGIN: LiteralString = (
    "SELECT store.attempt_sign_in(%s::bytea[], %s::integer[], %s::integer[], make_interval(secs => %s))"
)
_SUCCEEDED: LiteralString = "SELECT store.signed_in(%s::bytea[], %s::bytea)"
_KNOWN: LiteralString = (
    "SELECT EXISTS (SELECT FROM store.session WHERE tenant_id = %s AND user_id = %s AND address = %s)"
)


class PostgresSignInAttempts:
    """Implements commands.identity.throttle.SignInAttempts."""

    def __init__(self, connections: TenantConnections, secret: Secret) -> None:
        self._connections = connections
        self._secret = secret

    async def begin(self, counts: Sequence[Count]) -> float:
        """See the port."""
        values = (
            [self._digest(count) for count in counts],
            [count.free for count in counts],
            [count.longest for count in counts],
            _FORGOTTEN_SECONDS,
        )
        rows = await self._connections.rows(PLATFORM, _BEGIN, values)
        return float(rows[0][0])

    async def succeeded(self, counts: Sequence[Count]) -> None:
        """See the port."""
        first, *others = (self._digest(count) for count in counts)
        await self._connections.rows(PLATFORM, _SUCCEEDED, (others, first))

    async def taken_back(self, counts: Sequence[Count]) -> None:
        """See the port."""
        await self._connections.rows(PLATFORM, _SUCCEEDED, ([self._digest(count) for count in counts], None))

    async def is_known(self, tenant_id: UUID, user_id: UUID, address: str) -> bool:
        """See the port."""
        rows = await self._connections.rows(tenant_id, _KNOWN, (tenant_id, user_id, address))
        return bool(rows[0][0])

    def _digest(self, count: Count) -> bytes:
        return self._secret.hmac("sign-in-attempts", "\0".join(count.key).encode("utf-8", "surrogatepass"))
