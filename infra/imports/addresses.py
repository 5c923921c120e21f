"""Who has an e-mail or a phone, from the read model."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from commands.decision import Lookup
from commands.imports.rows import EMAIL, PHONE
from projections.contacts import address as contact_address
from projections.position import Level

CHECKPOINTS = (contact_address.PROJECTION.checkpoint,)


class Asking(Protocol):
    """The part of infra.postgres.TenantReads that is used here."""

    async def ask(self, tenant_id: UUID, query: Any, *, at_least: Level | None = None) -> Any:
        """What a query finds."""
        ...


class PostgresAddresses:
    """Implements commands.imports.portion.Addresses."""

    def __init__(self, reads: Asking) -> None:
        self._reads = reads

    async def who_has(
        self, tenant_id: UUID, emails: Collection[str], phones: Collection[str], *, at_least: int
    ) -> Mapping[Lookup, Sequence[UUID]]:
        """See the port."""
        found: dict[Lookup, Sequence[UUID]] = {}
        level = Level(CHECKPOINTS, at_least) if at_least else None
        for key, kind, values in (
            (EMAIL, contact_address.EMAIL, emails),
            (PHONE, contact_address.PHONE, phones),
        ):
            if values:
                query = partial(contact_address.who_has, tenant_id=tenant_id, kind=kind, addresses=values)
                having: dict[str, list[UUID]] = await self._reads.ask(tenant_id, query, at_least=level)
                found |= {(key, address): ids for address, ids in having.items()}
        return found
