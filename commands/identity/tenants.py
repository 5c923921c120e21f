"""What the operator of the platform does to a tenant as a whole."""

from uuid import UUID

from commands.ports import Append, Clock, EventStore, NewId, StreamEvents, VersionConflictError
from domain.errors import NotFoundError
from domain.event import SYSTEM, Event, Metadata
from domain.tenant import PLATFORM, Tenant, TenantRestored, TenantSuspended, evolve

_TRIES = 5


def suspend(tenant: Tenant) -> Event | None:
    """Let nobody of it in any more; None where that is so already."""
    return None if tenant.suspended else TenantSuspended()


def restore(tenant: Tenant) -> Event | None:
    """Let them go on; None where they may already."""
    return TenantRestored() if tenant.suspended else None


async def tenant_of(store: EventStore, tenant_id: UUID) -> Tenant:
    """A tenant. Raises NotFoundError, also for the platform's own."""
    tenant: Tenant | None = None
    for item in await store.load(tenant_id, tenant_id) if tenant_id != PLATFORM else ():
        tenant = evolve(tenant, item.event, stream_id=item.stream_id, at=item.recorded_at)
    if tenant is None:
        raise NotFoundError("tenant")
    return tenant


class TenantKeeping:
    """Suspends and restores tenants: for every process from the very next request on (domain/authorization.py)."""

    def __init__(self, store: EventStore, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def suspend(self, tenant_id: UUID) -> bool:
        """Whether that changed anything. Raises NotFoundError."""
        return await self._change(tenant_id, restored=False)

    async def restore(self, tenant_id: UUID) -> bool:
        """Whether that changed anything. Raises NotFoundError."""
        return await self._change(tenant_id, restored=True)

    async def _change(self, tenant_id: UUID, *, restored: bool) -> bool:
        decide, tries = (restore if restored else suspend), 0
        while True:
            tenant = await tenant_of(self._store, tenant_id)
            event, tries = decide(tenant), tries + 1
            if event is None:
                return False
            try:
                await self._store.append(self._append(tenant, event))
            except VersionConflictError:
                if tries == _TRIES:
                    raise
                continue
            return True

    def _append(self, tenant: Tenant, event: Event) -> Append:
        command_id = self._new_id()
        return Append(
            tenant_id=tenant.id,
            command_id=command_id,
            metadata=Metadata(actor=SYSTEM, correlation_id=f"operator-{command_id.hex}"),
            streams=(StreamEvents(tenant.id, tenant.version, (event,)),),
            occurred_at=self._clock(),
        )
