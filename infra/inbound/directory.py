"""Whose addresses are, and what is there of a series: from read models, as of the log's end."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from commands.inbound.people import Found
from commands.ports import EventStore
from domain.errors import DomainError
from infra.postgres import TenantReads
from infra.progress import Progress
from projections.contacts import address as contact_address
from projections.identity import user, user_queries
from projections.interactions import interaction
from projections.interactions import queries as interaction_queries
from projections.position import Level

_CHECKPOINTS = (contact_address.PROJECTION.checkpoint, user.PROJECTION.checkpoint)
_MOST_SECONDS = 2.0
_MOST_MEETINGS = 5000


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
        level = await self._level(tenant_id, _CHECKPOINTS)
        contacts = partial(
            contact_address.who_has, tenant_id=tenant_id, kind=contact_address.EMAIL, addresses=addresses
        )
        users = partial(user_queries.by_emails, tenant_id=tenant_id, emails=list(addresses))
        return Found(
            await self._reads.ask(tenant_id, contacts, at_least=level),
            await self._reads.ask(tenant_id, users, at_least=level),
        )

    async def series(
        self, tenant_id: UUID, threads: Collection[str], sees: Callable[[UUID | None], bool]
    ) -> Mapping[str, Sequence[str]]:
        """See the port."""
        if not threads:
            return {}
        level = await self._level(tenant_id, (interaction.PROJECTION.checkpoint,))
        ask = partial(interaction_queries.in_threads, tenant_id=tenant_id, threads=list(threads), most=_MOST_MEETINGS)
        found: dict[str, list[str]] = {}
        for thread, external_id, author_id in await self._reads.ask(tenant_id, ask, at_least=level):
            if sees(author_id):
                found.setdefault(thread, []).append(external_id)
        return found

    async def _level(self, tenant_id: UUID, checkpoints: tuple[str, ...]) -> Level:
        """These read models as of the log's end."""
        level = Level(checkpoints, await self._store.head(tenant_id))
        if not await self._progress.reached(tenant_id, level.checkpoints, level.position, _MOST_SECONDS):
            raise DomainError(
                "read_after.timeout",
                "what is there of it already can't be told yet",
                hint="Send it again in a moment; nothing was saved.",
            )
        return level
