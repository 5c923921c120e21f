"""Who has anything to do with a company, from the read models."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

from commands.imports.ports import StoppedError
from infra.imports.addresses import Asking
from infra.progress import Progress
from projections.companies import uses as company_uses

_PATIENCE_SECONDS = 10.0


class PostgresUses:
    """Implements commands.imports.undo_companies.Uses."""

    def __init__(self, reads: Asking, progress: Progress) -> None:
        self._reads = reads
        self._progress = progress

    async def used(self, tenant_id: UUID, company_ids: Collection[UUID], position: int) -> Collection[UUID]:
        """See the port."""
        if not await self._progress.reached(tenant_id, company_uses.READ_MODELS, position, _PATIENCE_SECONDS):
            raise StoppedError
        found: Collection[UUID] = await self._reads.ask(
            tenant_id, partial(company_uses.used, tenant_id=tenant_id, ids=company_ids)
        )
        return found
