"""The event store in memory: for tests of commands, held to the same conformance suite as the real one."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from commands.ports import (
    Append,
    Appended,
    Claim,
    ClaimTakenError,
    Clock,
    KeptCommand,
    KeyReusedError,
    Owner,
    Snapshot,
    VersionConflictError,
)
from domain.event import Event, Recorded


class MemoryEventStore:
    """Implements commands.ports.EventStore for one process; nothing is kept after it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logs: dict[UUID, list[Recorded[Event]]] = {}
        self._claims: dict[tuple[UUID, str, str], Owner] = {}
        self._keys: dict[tuple[UUID, bytes], KeptCommand] = {}

    async def append(self, append: Append) -> Appended:
        """See the port."""
        log = self._logs.get(append.tenant_id, [])
        at = max([self._clock(), *(event.recorded_at for event in log[-1:])])
        if append.key and (kept := self._keys.get((append.tenant_id, append.key.digest))):
            if kept.body_digest != append.key.body_digest:
                raise KeyReusedError
            return Appended(
                position=kept.position, recorded_at=at, result_id=kept.result_id, status=kept.status, replayed=True
            )
        if any(event.command_id == append.command_id for event in log):
            mine = [event for event in log if event.command_id == append.command_id]
            return Appended(position=mine[-1].position, recorded_at=mine[-1].recorded_at)
        self._check(append, log)
        for claim in append.releases:
            if not self._taken(claim):
                self._claims.pop((claim.tenant_id, claim.kind, claim.value), None)
        for claim in append.claims:
            self._claims[claim.tenant_id, claim.kind, claim.value] = Owner(append.tenant_id, claim.stream_id)
        log = self._logs.setdefault(append.tenant_id, [])
        log.extend(_records(append, len(log), at))
        if append.key:
            key = append.key
            kept = KeptCommand(key.body_digest, key.result_id, len(log), key.status, key.results)
            self._keys[append.tenant_id, key.digest] = kept
        return Appended(position=len(log), recorded_at=at)

    def _check(self, append: Append, log: Sequence[Recorded[Event]]) -> None:
        for stream in append.streams:
            if sum(event.stream_id == stream.stream_id for event in log) != stream.after:
                raise VersionConflictError
        for each in append.expects:
            if sum(event.stream_id == each.stream_id for event in log) != each.version:
                raise VersionConflictError
        for claim in append.claims:
            if self._taken(claim) and not any(map(claim.goes_over_from, filter(self._held, append.releases))):
                raise ClaimTakenError(claim)

    def _held(self, claim: Claim) -> bool:
        owner = self._claims.get((claim.tenant_id, claim.kind, claim.value))
        return owner is not None and owner.stream_id == claim.stream_id

    def _taken(self, claim: Claim) -> bool:
        owner = self._claims.get((claim.tenant_id, claim.kind, claim.value))
        return owner is not None and owner.stream_id != claim.stream_id

    async def load(
        self, tenant_id: UUID, stream_id: UUID, *, after_version: int = 0, up_to: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        return [
            event
            for event in self._logs.get(tenant_id, [])
            if event.stream_id == stream_id
            and event.version > after_version
            and (up_to is None or event.position <= up_to)
        ]

    async def load_several(self, tenant_id: UUID, after: Mapping[UUID, int]) -> Sequence[Recorded[Event]]:
        """See the port."""
        log = self._logs.get(tenant_id, [])
        found = [event for event in log if event.version > after.get(event.stream_id, event.version)]
        return sorted(found, key=lambda event: (event.stream_id, event.version))

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return self._logs.get(tenant_id, [])[after : after + limit]

    async def head(self, tenant_id: UUID) -> int:
        """See the port."""
        return len(self._logs.get(tenant_id, []))

    async def position_at(self, tenant_id: UUID, moment: datetime) -> int:
        """See the port."""
        return bisect_right(self._logs.get(tenant_id, []), moment, key=lambda event: event.recorded_at)

    async def holder(self, claim_tenant: UUID, kind: str, value: str) -> Owner | None:
        """See the port."""
        return self._claims.get((claim_tenant, kind, value))

    async def holders(self, tenant_id: UUID, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], UUID]:
        """See the port."""
        found = {asked: self._claims.get((tenant_id, *asked)) for asked in wanted}
        return {asked: owner.stream_id for asked, owner in found.items() if owner}

    async def kept_command(self, tenant_id: UUID, digest: bytes) -> KeptCommand | None:
        """See the port."""
        return self._keys.get((tenant_id, digest))


class MemorySnapshots:
    """Implements commands.ports.Snapshots, for one process."""

    def __init__(self, store: MemoryEventStore) -> None:
        self._store = store
        self._kept: dict[tuple[UUID, UUID], tuple[str, Snapshot]] = {}

    async def load(
        self, tenant_id: UUID, stream_id: UUID, fold: str, *, up_to: int | None = None
    ) -> tuple[Snapshot | None, Sequence[Recorded[Event]]]:
        """See the port."""
        of, snapshot = self._kept.get((tenant_id, stream_id), ("", None))
        if snapshot is None or of != fold or (up_to is not None and up_to < snapshot.position):
            return None, await self._store.load(tenant_id, stream_id, up_to=up_to)
        return snapshot, await self._store.load(tenant_id, stream_id, after_version=snapshot.version, up_to=up_to)

    def keep(self, tenant_id: UUID, stream_id: UUID, fold: str, snapshot: Snapshot) -> None:
        """See the port."""
        of, known = self._kept.get((tenant_id, stream_id), ("", None))
        if known is None or of != fold or known.version < snapshot.version:
            self._kept[tenant_id, stream_id] = (fold, snapshot)


def _records(append: Append, head: int, at: datetime) -> list[Recorded[Event]]:
    numbered = [
        (stream.stream_id, version, event, occurred_at)
        for stream in append.streams
        for version, event, occurred_at in stream.dated(append.occurred_at)
    ]
    return [
        Recorded(
            tenant_id=append.tenant_id,
            position=position,
            stream_id=stream_id,
            version=version,
            event=event,
            metadata=append.metadata,
            command_id=append.command_id,
            occurred_at=occurred_at,
            recorded_at=at,
        )
        for position, (stream_id, version, event, occurred_at) in enumerate(numbered, start=head + 1)
    ]
