"""Whose addresses are, from the read models of contacts and users."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

from commands.inbound.people import Found
from commands.ports import EventStore
from domain.errors import DomainError
from infra.postgres import TenantReads
from infra.progress import Progress
from projections.contacts import address as contact_address
from projections.identity import user, user_queries
from projections.position import Level

_CHECKPOINTS = (contact_address.PROJECTION.checkpoint, user.PROJECTION.checkpoint)
_MOST_SECONDS = 2.0


class PostgresDirectory:
    """Implements commands.inbound.people.Directory."""

    def __init__(self, store: EventStore, reads: TenantReads, progress: Progress) -> None:
        self._store = store
        self._reads = reads
        self._progress = progress

    async def find(self, tenant_id: UUID, addresses: Collection[str]) -> Found:
        """See the port."""
        if not addresses:
            return Found({}, {})
        level = Level(_CHECKPOINTS, await self._store.head(tenant_id))
        if not await self._progress.reached(tenant_id, level.checkpoints, level.position, _MOST_SECONDS):
            raise DomainError(
                "read_after.timeout",
                "whose addresses these are can't be told yet",
                hint="Send it again in a moment; nothing was saved.",
            )
        contacts = partial(
            contact_address.who_has, tenant_id=tenant_id, kind=contact_address.EMAIL, addresses=addresses
        )
        users = partial(user_queries.by_emails, tenant_id=tenant_id, emails=list(addresses))
        return Found(
            await self._reads.ask(tenant_id, contacts, at_least=level),
            await self._reads.ask(tenant_id, users, at_least=level),
        )
