"""What an export reads: page after page of the contacts as of one position, so that nothing is held meanwhile."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from projections.contacts import past as contact_past
from projections.contacts.queries import Filters, Sort, Stored, page, selected
from projections.ports import Connection
from projections.position import Moment

PAGE = 400
"""Contacts that are in memory at a time; to write so many takes a few milliseconds, in which nothing else is done."""

_ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
_POSITION = "SELECT coalesce(max(position), 0) FROM read.checkpoint WHERE tenant_id = %s AND projection = %s"


class Wanted(Struct, frozen=True, kw_only=True):
    """Whose contacts, which of them, and as of when."""

    tenant_id: UUID
    filters: Filters
    as_of: Moment
    owners: Sequence[UUID] | None


async def latest(connection: Connection, tenant_id: UUID) -> Moment:
    """The last position that contacts can be read as of, whatever time it was recorded at."""
    found = await connection.execute(_POSITION, (tenant_id, contact_past.PROJECTION.checkpoint))
    return Moment(_ALWAYS, (await found.fetchone())[0])


async def systems(connection: Connection, wanted: Wanted) -> list[str]:
    """The systems that any of the contacts has an external id of, in alphabetical order."""
    source, conditions, parameters = selected(wanted.tenant_id, wanted.filters, wanted.as_of, wanted.owners)
    query = f"SELECT DISTINCT jsonb_object_keys(v.external_ids) FROM ({source} WHERE {' AND '.join(conditions)}) v"
    return sorted(row[0] for row in await (await connection.execute(query, parameters)).fetchall())


async def after(
    connection: Connection, wanted: Wanted, bound: list[str] | None
) -> tuple[list[Stored], list[str] | None]:
    """The page after a bound, in the order in which contacts were added."""
    return await page(
        connection,
        wanted.tenant_id,
        wanted.filters,
        Sort.CREATED_AT,
        after=bound,
        limit=PAGE,
        as_of=wanted.as_of,
        owners=wanted.owners,
    )
