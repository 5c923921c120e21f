"""Who is there, for contacts that are not: over the read models of duplicates."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

from domain.contact import Contact
from infra.postgres import TenantConnections
from projections import match_finding, match_people
from projections.match_finding import Like
from projections.ports import Connection

_COMPANIES: LiteralString = """
SELECT id, name FROM read.company_v1 WHERE tenant_id = %s AND id = ANY(%s) AND deleted_at IS NULL
"""


class PostgresPeople:
    """Implements commands.import_portion.People."""

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
