"""The event store over Postgres: one round trip an append, reads under row level security."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from commands.ports import (
    Append,
    Appended,
    ClaimTakenError,
    KeptCommand,
    KeyReusedError,
    Owner,
    VersionConflictError,
)
from domain.event import Event, Recorded
from infra.event_store import codec
from infra.event_store.appender import Appender, Poke
from infra.event_store.log import feed
from infra.postgres import Pool, TenantConnections
from infra.secret import Secret

_STREAM: LiteralString = f"""SELECT {codec.COLUMNS} FROM store.event
    WHERE tenant_id = %s AND stream_id = %s AND position <= %s ORDER BY version"""
_HEAD: LiteralString = "SELECT position FROM store.tenant_head WHERE tenant_id = %s"
_HOLDER: LiteralString = """SELECT owner_tenant, stream_id FROM store.claim
    WHERE tenant_id = %s AND kind = %s AND value_hmac = %s"""
_PLATFORM_HOLDER: LiteralString = "SELECT owner_tenant, stream_id FROM store.owner_of_claim(%s, %s, %s)"
_KEPT: LiteralString = """SELECT body_digest, result_id, position, status FROM store.command
    WHERE tenant_id = %s AND key_digest = %s AND expires_at > clock_timestamp()"""

_NO_LIMIT = 2**63 - 1


class PostgresEventStore:
    """Implements commands.ports.EventStore. `poke` is told of commits."""

    def __init__(
        self,
        appends: Pool,
        reads: TenantConnections,
        secret: Secret,
        *,
        poke: Poke | None = None,
        key_ttl: str = "24 hours",
    ) -> None:
        self._appender = Appender(appends, secret, key_ttl=key_ttl, poke=poke)
        self._reads = reads
        self._secret = secret

    async def append(self, append: Append) -> Appended:
        """See the port. A lost answer is asked for again under the same command id, which appends nothing twice."""
        return _outcome(append, await self._appender.append(append))

    async def load(self, tenant_id: UUID, stream_id: UUID, *, up_to: int | None = None) -> Sequence[Recorded[Event]]:
        """See the port."""
        limit = _NO_LIMIT if up_to is None else up_to
        return [codec.recorded(row) for row in await self._rows(tenant_id, _STREAM, (tenant_id, stream_id, limit))]

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await feed(self._reads, tenant_id, after=after, limit=limit)

    async def head(self, tenant_id: UUID) -> int:
        """See the port."""
        rows = await self._rows(tenant_id, _HEAD, (tenant_id,))
        return int(rows[0][0]) if rows else 0

    async def holder(self, claim_tenant: UUID, kind: str, value: str) -> Owner | None:
        """See the port. Of the platform tenant's claims only users' e-mails can be asked for."""
        digest = codec.claim_hmac(self._secret, claim_tenant, kind, value)
        query = _PLATFORM_HOLDER if kind == "user.email" else _HOLDER
        rows = await self._rows(claim_tenant, query, (claim_tenant, kind, digest))
        return Owner(*rows[0]) if rows else None

    async def kept_command(self, tenant_id: UUID, digest: bytes) -> KeptCommand | None:
        """See the port."""
        rows = await self._rows(tenant_id, _KEPT, (tenant_id, digest))
        return KeptCommand(*rows[0]) if rows else None

    async def _rows(self, tenant_id: UUID, query: LiteralString, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._reads.rows(tenant_id, query, parameters)


def _outcome(append: Append, row: Sequence[Any]) -> Appended:
    outcome, _first, last, at, result_id, status, detail = row
    match outcome:
        case "ok" | "repeated":
            return Appended(position=last, recorded_at=at, result_id=result_id, status=status)
        case "replay":
            return Appended(position=last, recorded_at=at, result_id=result_id, status=status, replayed=True)
        case "conflict":
            raise VersionConflictError
        case "claimed":
            raise ClaimTakenError(append.claims[detail - 1])
        case "key_reused":
            raise KeyReusedError
        case _:
            raise RuntimeError(f"store.append answered {outcome!r}")
