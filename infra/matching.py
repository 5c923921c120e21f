"""What a worker keeps the list of duplicates good with."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from commands.contacts.auto_merge import AutoMerge, Sure
from commands.folded import FoldedStates
from commands.handle import Handler
from commands.ports import EventStore
from infra import clock
from infra.access.authorization import PostgresAuthorization
from infra.event_store.finder import find
from infra.postgres import APPEND, PROJECTOR, TenantConnections
from infra.wiring import Wiring
from projections.duplicates.people import score_of
from projections.duplicates.queries import page
from projections.duplicates.rescoring import Rescorer

_AT_ONCE = 50
_NOBODY = UUID(int=0)
_MERGING: LiteralString = "SELECT tenant_id, merge_at FROM read.auto_merging_v1()"


class PostgresSurePairs:
    """Implements commands.contacts.auto_merge.SurePairs, as the projector's role."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def some(self) -> Sequence[Sure]:
        """See the port."""
        # The question is about all tenants; the connection needs one.
        async with self._connections.of(_NOBODY) as connection:
            tenants = await (await connection.execute(_MERGING)).fetchall()
        found: list[Sure] = []
        for tenant_id, merge_at in tenants:
            async with self._connections.of(tenant_id) as connection:
                pairs, _ = await page(connection, tenant_id, least=score_of(merge_at), after=None, limit=_AT_ONCE)
            found += [Sure(tenant_id, pair.id, pair.contact_ids) for pair in pairs]
        return found


async def comparing(wired: Wiring, store: EventStore) -> tuple[Rescorer, AutoMerge]:
    """What a worker keeps the list of duplicates good with. A statement may take as long as a large tenant takes."""
    scratch = TenantConnections(await wired.pool(PROJECTOR, size=1, durable=False, statement_seconds=0))
    pairs = PostgresSurePairs(TenantConnections(await wired.pool(PROJECTOR, size=1)))
    custom = PostgresAuthorization(await wired.pool(APPEND, size=1)).custom
    handler = Handler(store, clock.now, clock.new_id, find(store), FoldedStates(store), custom)
    return Rescorer(scratch), AutoMerge(pairs, handler, store, clock.new_id)
