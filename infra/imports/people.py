"""Whom rows are like: over the read models of duplicates, and within the rows themselves."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from commands.imports.portion import Alike
from domain.contact import Contact
from infra.postgres import TenantConnections
from projections.duplicates import finding as match_finding
from projections.duplicates import people as match_people
from projections.duplicates.finding import Finder, Like
from projections.duplicates.rules import rules_of


class PostgresLikeness:
    """Implements commands.imports.portion.People."""

    def __init__(self, connections: TenantConnections) -> None:
        self._connections = connections

    async def alike(self, tenant_id: UUID, contacts: Sequence[Contact]) -> Sequence[Alike | None]:
        """See the port."""
        async with self._connections.of(tenant_id) as connection:
            finder = await match_finding.finder(connection, tenant_id)
            unasked = (await rules_of(connection, tenant_id)).auto_merge
            people = [match_people.of_contact(finder.keys, each) for each in contacts]
            there = await finder.find(connection, people)
        before = await asyncio.to_thread(finder.among, people)
        return [_alike(finder, one, other, unasked=unasked) for one, other in zip(there, before, strict=True)]


def _alike(finder: Finder, there: Like | None, before: tuple[int, float] | None, *, unasked: bool) -> Alike | None:
    if there and (before is None or there.probability >= before[1]):
        return Alike(there.contact_id, None, there.sure and unasked)
    return Alike(None, before[0], before[1] >= finder.merge_at and unasked) if before else None
