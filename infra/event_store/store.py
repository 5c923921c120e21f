"""The event store over Postgres: one round trip an append, reads under row level security."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from commands.ports import (
    Append,
    Appended,
    ClaimTakenError,
    KeptCommand,
    KeyReusedError,
    Owner,
    SubjectErasedError,
    VersionConflictError,
)
from domain.event import Event, Recorded
from infra.event_store import codec, opened
from infra.event_store.appender import Appender, Poke
from infra.event_store.log import feed
from infra.event_store.sealed import seal
from infra.keys.keyring import Keyring
from infra.keys.master import local_master
from infra.postgres import Pool, TenantConnections
from infra.secret import Secret

_STREAM: LiteralString = f"SELECT {codec.COLUMNS} FROM store.stream_events(%s, %s, %s) ORDER BY version"
# OFFSET keeps this a look-up by key for each stream, whatever the planner takes the arrays for.
_STREAMS: LiteralString = f"""SELECT {", ".join(f"e.{name}" for name in codec.COLUMNS.split(", "))}
    FROM unnest(%s::uuid[], %s::integer[]) AS w (stream_id, after) CROSS JOIN LATERAL (
         SELECT * FROM store.event v WHERE v.tenant_id = %s AND v.stream_id = w.stream_id AND v.version > w.after
          OFFSET 0) e
    ORDER BY e.stream_id, e.version"""
_HEAD: LiteralString = "SELECT position FROM store.tenant_head WHERE tenant_id = %s"
_POSITION_AT: LiteralString = "SELECT store.position_at(%s)"
_HOLDER: LiteralString = """SELECT owner_tenant, stream_id FROM store.claim
    WHERE tenant_id = %s AND kind = %s AND value_hmac = %s"""
# The digests come as one value: to write them as an array takes a client longer than all else of it.
_HOLDERS: LiteralString = """SELECT w.n, c.stream_id
    FROM unnest(%s::text[]) WITH ORDINALITY AS w (kind, n) CROSS JOIN LATERAL (
         SELECT stream_id FROM store.claim c
          WHERE c.tenant_id = %s AND c.kind = w.kind AND c.value_hmac = substr(%s, (32 * w.n - 31)::integer, 32)
         OFFSET 0) c"""
_PLATFORM_HOLDER: LiteralString = "SELECT owner_tenant, stream_id FROM store.owner_of_claim(%s, %s, %s)"
_KEPT: LiteralString = """SELECT body_digest, result_id, position, status, results FROM store.command
    WHERE tenant_id = %s AND key_digest = %s AND expires_at > clock_timestamp()"""

_NO_LIMIT = 2**63 - 1


class PostgresEventStore:
    """Implements commands.ports.EventStore. `poke` is told of commits.

    Personal data are sealed with keys of `keyring`, by default one under a master key derived from the secret.
    """

    def __init__(
        self,
        appends: Pool,
        reads: TenantConnections,
        secret: Secret,
        *,
        keyring: Keyring | None = None,
        poke: Poke | None = None,
        key_ttl: str = "24 hours",
    ) -> None:
        self._appender = Appender(appends, secret, key_ttl=key_ttl, poke=poke)
        self._reads = reads
        self._keyring = keyring or Keyring(reads, local_master(secret))
        self._secret = secret

    @property
    def appends_waiting(self) -> int:
        """How many appends of this process wait for their turn."""
        return self._appender.waiting

    async def append(self, append: Append) -> Appended:
        """See the port. A lost answer is asked for again under the same command id, which appends nothing twice."""
        sealed = await seal(append, self._keyring)
        row = await self._appender.append(sealed)
        if sealed.made and row[0] == "ok":
            self._keyring.stored(append.tenant_id, sealed.made, sealed.forgotten)
        return _outcome(append, row)

    async def load(
        self, tenant_id: UUID, stream_id: UUID, *, after_version: int = 0, up_to: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        limit = _NO_LIMIT if up_to is None else up_to
        rows = await self._rows(tenant_id, _STREAM, (stream_id, after_version, limit))
        return await opened.recorded(rows, self._keyring)

    async def load_several(self, tenant_id: UUID, after: Mapping[UUID, int]) -> Sequence[Recorded[Event]]:
        """See the port."""
        if not after:
            return []
        rows = await self._rows(tenant_id, _STREAMS, (list(after), list(after.values()), tenant_id))
        return await opened.recorded(rows, self._keyring)

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await feed(self._reads, self._keyring, tenant_id, after=after, limit=limit)

    async def head(self, tenant_id: UUID) -> int:
        """See the port."""
        rows = await self._rows(tenant_id, _HEAD, (tenant_id,))
        return int(rows[0][0]) if rows else 0

    async def position_at(self, tenant_id: UUID, moment: datetime) -> int:
        """See the port."""
        rows = await self._rows(tenant_id, _POSITION_AT, (moment,))
        return int(rows[0][0])

    async def holder(self, claim_tenant: UUID, kind: str, value: str) -> Owner | None:
        """See the port. Of the platform tenant's claims only users' e-mails can be asked for."""
        digest = codec.claim_hmac(self._secret, claim_tenant, kind, value)
        query = _PLATFORM_HOLDER if kind == "user.email" else _HOLDER
        rows = await self._rows(claim_tenant, query, (claim_tenant, kind, digest))
        return Owner(*rows[0]) if rows else None

    async def holders(self, tenant_id: UUID, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], UUID]:
        """See the port."""
        asked = list(wanted)
        if not asked:
            return {}
        digests = b"".join([codec.claim_hmac(self._secret, tenant_id, *each) for each in asked])
        rows = await self._rows(tenant_id, _HOLDERS, ([kind for kind, _ in asked], tenant_id, digests))
        return {asked[number - 1]: stream_id for number, stream_id in rows}

    async def kept_command(self, tenant_id: UUID, digest: bytes) -> KeptCommand | None:
        """See the port."""
        rows = await self._rows(tenant_id, _KEPT, (tenant_id, digest))
        if not rows:
            return None
        body_digest, result_id, position, status, sealed = rows[0]
        results = codec.opened_results(self._secret, tenant_id, digest, sealed)
        return KeptCommand(body_digest, result_id, position, status, results)

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
        case "erased":
            raise SubjectErasedError(result_id)
        case _:
            raise RuntimeError(f"store.append answered {outcome!r}")
