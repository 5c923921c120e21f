"""A log and a broker that do as they are told, and ears for announcements."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from domain.event import SYSTEM, Event, Metadata, Recorded
from projections.ports import Behind, Parked

NOW = datetime(2026, 1, 2, tzinfo=UTC)
_METADATA = Metadata(actor=SYSTEM, correlation_id="test")


class FakeLog:
    """Implements projections.ports.Log; counts what is read, and how often somebody asked where logs end."""

    def __init__(self) -> None:
        self.events: dict[UUID, list[Recorded[Event]]] = {}
        self.reads = 0
        self.looks = 0

    def add(self, tenant_id: UUID, stream_id: UUID, *events: Event) -> list[Recorded[Event]]:
        """Append events; gives them as they would be delivered."""
        log = self.events.setdefault(tenant_id, [])
        version = sum(item.stream_id == stream_id for item in log)
        made = [
            Recorded(
                tenant_id=tenant_id, position=len(log) + n, stream_id=stream_id, version=version + n, event=event,
                metadata=_METADATA, command_id=uuid4(), occurred_at=NOW, recorded_at=NOW,
            )
            for n, event in enumerate(events, start=1)
        ]  # fmt: skip
        log += made
        return made

    async def read(self, tenant_id: UUID, *, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        self.reads += 1
        await asyncio.sleep(0)
        return self.events.get(tenant_id, [])[after : after + limit]

    async def stream(self, tenant_id: UUID, stream_id: UUID, *, after: int, until: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        log = self.events.get(tenant_id, [])
        return [item for item in log if item.stream_id == stream_id and after < item.position <= until]

    async def streams(
        self, tenant_id: UUID, kinds: Collection[str], *, after: tuple[UUID, int], until: int, limit: int
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        log = sorted(self.events.get(tenant_id, []), key=lambda item: (item.stream_id, item.version))
        return [
            item
            for item in log
            if (item.stream_id, item.version) > after
            and item.position <= until
            and item.event.TOPIC.partition(".")[0] in kinds
        ][:limit]

    async def behind(self, projections: Sequence[str]) -> Sequence[Behind]:
        """See the port: everybody, who is level costs one look."""
        del projections
        self.looks += 1
        return await self.tenants()

    async def tenants(self) -> Sequence[Behind]:
        """See the port."""
        return [Behind(tenant_id, len(log)) for tenant_id, log in self.events.items()]

    async def parked(self, projections: Sequence[str]) -> Sequence[Parked]:
        """See the port: of everybody, so none that a test does not ask for."""
        del projections
        return ()


class FakeDeliveries:
    """Implements projections.ports.Deliveries: brings what it was given, as it was given."""

    def __init__(self) -> None:
        self._batches: asyncio.Queue[Sequence[Recorded[Event]]] = asyncio.Queue()
        self.asked: list[tuple[str, UUID]] = []

    def bring(self, *events: Recorded[Event]) -> None:
        """One batch."""
        self._batches.put_nowait(events)

    async def fetch(self, *, most: int, wait: float) -> Sequence[Recorded[Event]]:
        """See the port."""
        del most
        try:
            async with asyncio.timeout(wait):
                return await self._batches.get()
        except TimeoutError:
            return ()

    def pause(self, tenant_id: UUID) -> None:
        """See the port."""
        self.asked.append(("pause", tenant_id))

    def resume(self, tenant_id: UUID) -> None:
        """See the port."""
        self.asked.append(("resume", tenant_id))


class Heard:
    """Implements projections.ports.Announcements: keeps what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[UUID, tuple[str, ...], int]] = []

    async def applied(self, tenant_id: UUID, checkpoints: Sequence[str], position: int) -> None:
        """See the port."""
        self.said.append((tenant_id, tuple(checkpoints), position))
