"""Leads that somebody should look after again, over HTTP."""

from functools import partial
from uuid import UUID

from litestar import get
from msgspec import Struct

from api.http.answer import Answer
from api.http.as_of import AsOf, defined_then
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.leads import examples
from api.http.leads.reach import SEEING
from api.http.leads.reads import HIDING, LEAD, READ_MODELS
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import require_shown, telling
from api.http.tried import note_filters
from commands.visible import LEADS, view_of
from projections.leads import queries as lead_queries
from projections.leads.queries import Filters, Flag, LeadView


class FollowUpsQuery(Struct, forbid_unknown_fields=True):
    """Whose leads, of when, and the page of the list."""

    owner_id: UUID | None = None
    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/follow-ups",
    **operation(
        summary="List leads to follow up",
        description=(
            "Open leads that are flagged inactive: nothing has happened with them for as many days as the tenant has"
            f" set (GET /settings). The longest quiet ones come first. {HIDING}"
        ),
        tag="leads",
        permission=SEEING,
        query=FollowUpsQuery,
        answers={200: Page[LeadView]},
        errors=("cursor.invalid",),
        result={"data": [examples.LEAD | {"flags": ["inactive"]}], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_follow_ups(request: HttpRequest) -> Answer:
    """A page of flagged leads."""
    query: FollowUpsQuery = query_of(request, FollowUpsQuery)
    caller, services = principal_of(request), services_of(request)
    require_shown(view_of(caller, LEADS), {"owner_id": "owner_id"} if query.owner_id else {})
    filters, scope = Filters(flag=Flag.INACTIVE, owner_id=query.owner_id), ["follow-ups", query.owner_id, query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await settled(request, READ_MODELS, at_least=moment.position if moment else 0)
    page = partial(lead_queries.page, tenant_id=caller.tenant_id, filters=filters, sort="last_activity_at")
    page = partial(page, after=after, limit=query.limit, as_of=moment, owners=caller.owners(SEEING))
    rows, bound = await services.reads.ask(caller.tenant_id, page, at_least=level)
    if not rows:
        note_filters(request, query)
    next_cursor = cursor_after(request, scope, bound, moment)
    told = telling(caller, LEADS, kind=LEAD, defined=await defined_then(request, moment, rows, LEAD))
    return Answer(Page(data=[told(row.view()) for row in rows], next_cursor=next_cursor))
