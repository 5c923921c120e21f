"""Who is there, for contacts that are not: over the read models of duplicates."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

from commands.auto_merge import AutoMerge, Sure
from commands.folded import FoldedStates
from commands.handle import Handler
from commands.ports import EventStore
from domain.contact import Contact
from infra import clock
from infra.access.authorization import PostgresAuthorization
from infra.event_store.finder import find
from infra.postgres import APPEND, PROJECTOR, TenantConnections
from infra.wiring import Wiring
from projections import match_finding, match_people
from projections.duplicate_queries import page
from projections.match_finding import Like
from projections.match_people import score_of
from projections.ports import Connection
from projections.rescoring import Rescorer

_AT_ONCE = 50
_NOBODY = UUID(int=0)
_MERGING: LiteralString = "SELECT tenant_id, merge_at FROM read.auto_merging_v1()"
_COMPANIES: LiteralString = """
SELECT id, name FROM read.company_v1 WHERE tenant_id = %s AND id = ANY(%s) AND deleted_at IS NULL
"""


class PostgresPeople:
    """Finds those whom contacts that are not there are like."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def like(self, tenant_id: UUID, contacts: Sequence[Contact]) -> Sequence[UUID | None]:
        """For each of some new contacts, the one that is there and is most probably the same person."""
        return [found.contact_id if found else None for found in await self.most_like(tenant_id, contacts)]

    async def most_like(self, tenant_id: UUID, contacts: Sequence[Contact]) -> Sequence[Like | None]:
        """The same, with how probable it is."""
        async with self._connections.of(tenant_id) as connection:
            finder = await match_finding.finder(connection, tenant_id)
            names = await _names(connection, tenant_id, {c.company_id for c in contacts if c.company_id})
            people = [
                match_people.of_contact(finder.keys, each, names.get(each.company_id) if each.company_id else None)
                for each in contacts
            ]
            return await finder.find(connection, people)


async def _names(connection: Connection, tenant_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    return dict(await (await connection.execute(_COMPANIES, (tenant_id, list(ids)))).fetchall())


class PostgresSurePairs:
    """Implements commands.auto_merge.SurePairs, as the projector's role."""

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
