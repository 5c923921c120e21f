"""How the rows of reports are called."""

from functools import partial
from uuid import UUID

from msgspec import structs

from api.http.exchange import HttpRequest, principal_of, services_of
from commands.sight import SEEING
from commands.visible import CONTACTS, view_of
from projections.contacts import queries as contact_queries
from projections.identity import user_queries
from projections.position import Level
from projections.reports.figures import GroupBy, ReportRow


async def labelled(
    request: HttpRequest, group_by: GroupBy, rows: list[ReportRow], level: Level | None
) -> list[ReportRow]:
    """The rows with the names of users, and of those contacts whose name the caller may see."""
    caller, reads = principal_of(request), services_of(request).reads
    if group_by not in {GroupBy.OWNER, GroupBy.CONTACT}:
        return [structs.replace(row, label=row.key) for row in rows]
    ids = [UUID(row.key) for row in rows if row.key]
    names: dict[UUID, str | None] = {}
    if ids and group_by is GroupBy.OWNER:
        query = partial(user_queries.names, tenant_id=caller.tenant_id, ids=ids)
        names |= await reads.ask(caller.tenant_id, query, at_least=level)
    elif ids and not view_of(caller, CONTACTS).hides("name"):
        asked = partial(contact_queries.by_ids, tenant_id=caller.tenant_id, ids=ids)
        for each in await reads.ask(caller.tenant_id, asked, at_least=level):
            if each.deleted_at is None and caller.reaches(SEEING, each.owner_id):
                names[each.id] = each.name.display or None
    return [structs.replace(row, label=names.get(UUID(row.key)) if row.key else None) for row in rows]
