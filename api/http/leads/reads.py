"""Leads over HTTP: lists, one, and its history."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import get
from msgspec import Meta, Struct

from api.http.answer import Answer
from api.http.as_of import AsOf, defined_then, moment_of
from api.http.contacts.reads import ReadQuery
from api.http.exchange import HttpRequest, etag, path_id, principal_of, query_of, services_of
from api.http.histories import HistoryQuery, history_page
from api.http.leads import examples
from api.http.leads.reach import SEEING, require_sight
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import caught_up, settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import require_shown, telling
from api.http.tried import note_filters
from commands.visible import LEADS, view_of
from domain import lead
from domain.custom_field import RecordKind
from domain.errors import GoneError, NotFoundError
from domain.lead_status import Status
from projections import history
from projections.contacts import family as contact_family
from projections.contacts.family import by_family
from projections.leads import lead as lead_rows
from projections.leads import queries as lead_queries
from projections.leads import score as lead_score
from projections.leads.queries import Filters, Flag, LeadView, Sort, Stored
from projections.ports import Connection
from projections.position import Level, Moment

READ_MODELS = tuple(each.PROJECTION.checkpoint for each in (lead_rows, contact_family, lead_score))
LEAD = RecordKind.LEAD
Rows = tuple[list[Stored], list[str] | None]
HIDING = "Leads beyond the reach of the caller's leads.read are missing; fields that roles hide are absent."


class LeadsQuery(Struct, forbid_unknown_fields=True):
    """Filters, order and page of a list of leads."""

    status: Status | None = None
    owner_id: UUID | None = None
    flag: Flag | None = None
    source: str | None = None
    min_score: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None
    as_of: AsOf | None = None
    sort: Sort = Sort.CREATED_AT
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/leads",
    **operation(
        summary="List leads",
        description=(
            f"{HIDING} Filtering by a hidden field is refused. `contact_id` finds leads of contacts that were merged"
            " into it too. `score` follows a lead's events a moment later, which Read-After waits for, and is that of"
            " today also as of a past moment."
        ),
        tag="leads",
        permission=SEEING,
        query=LeadsQuery,
        answers={200: Page[LeadView]},
        errors=("cursor.invalid",),
        result={"data": [examples.LEAD], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_leads(request: HttpRequest) -> Answer:
    """A page of leads."""
    query: LeadsQuery = query_of(request, LeadsQuery)
    caller, services = principal_of(request), services_of(request)
    tenant_id = caller.tenant_id
    filters = Filters(**{name: getattr(query, name) for name in Filters.__struct_fields__})
    asked = [name for name in Filters.__struct_fields__ if getattr(query, name) is not None]
    require_shown(view_of(caller, LEADS), {name: "contact" if name == "flag" else name for name in asked})
    scope = ["leads", filters, query.sort, query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await settled(request, READ_MODELS, at_least=moment.position if moment else 0)
    page = partial(lead_queries.page, tenant_id=tenant_id, filters=filters, sort=query.sort, after=after)
    page = partial(page, limit=query.limit, as_of=moment, owners=caller.owners(SEEING))
    ask: Callable[[Connection], Awaitable[Rows]] = page
    if query.contact_id:
        ask = by_family(lambda of, ids: page(of, contacts=ids), tenant_id, query.contact_id, moment)
    rows, bound = await services.reads.ask(tenant_id, ask, at_least=level)
    next_cursor = cursor_after(request, scope, bound, moment)
    if not rows:
        note_filters(request, query)
    told = telling(caller, LEADS, kind=LEAD, defined=await defined_then(request, moment, rows, LEAD))
    return Answer(Page(data=[told(row.view()) for row in rows], next_cursor=next_cursor))


@get(
    "/leads/{lead_id:str}",
    **operation(
        summary="Read a lead",
        description=HIDING,
        tag="leads",
        permission=SEEING,
        query=ReadQuery,
        answers={200: LeadView},
        errors=("lead.not_found", "lead.deleted"),
        result=examples.LEAD,
        read_after=True,
        scoped=True,
    ),
)
async def read_lead(request: HttpRequest) -> Answer:
    """One lead."""
    lead_id = path_id(request, "lead_id", "lead")
    query: ReadQuery = query_of(request, ReadQuery)
    caller = principal_of(request)
    moment = await moment_of(request, query.as_of)
    if moment:
        found = await lead_then(request, lead_id, moment)
    else:
        found = await lead_now(request, lead_id, await settled(request, READ_MODELS))
    told = telling(caller, LEADS, kind=LEAD, defined=await defined_then(request, moment, [found], LEAD))
    return Answer(told(found.view()), headers={"ETag": etag(found.version)})


@get(
    "/leads/{lead_id:str}/history",
    **operation(
        summary="Who changed and moved a lead, and when",
        description=(
            "Newest first; `at` is when it was recorded, status_since when a move occurred. A deleted lead keeps its"
            " history. Changes of fields that the caller's roles hide are left out."
        ),
        tag="leads",
        permission=SEEING,
        query=HistoryQuery,
        answers={200: Page[history.Entry]},
        errors=("lead.not_found", "cursor.invalid"),
        result={"data": [examples.ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def lead_history(request: HttpRequest) -> Answer:
    """A lead's history, from its events."""
    lead_id = path_id(request, "lead_id", "lead")
    return await history_page(request, "lead", lead.evolve, lead_id, require_sight)


async def lead_now(request: HttpRequest, lead_id: UUID, level: Level | None) -> Stored:
    """A lead as it is now.

    Raises:
        NotFoundError: it is not there, or not for this caller.
        GoneError: it was deleted.
    """
    found = await _stored(request, lead_id, level)
    # One that is not the caller's to read is missing, in the same time too; and a moment ago it may have become so.
    if found is None and (level := await caught_up(request, READ_MODELS)):
        found = await _stored(request, lead_id, level)
    if found is None:
        raise NotFoundError("lead")
    if found.deleted_at is not None:
        raise GoneError("lead")
    return found


async def lead_then(request: HttpRequest, lead_id: UUID, moment: Moment) -> Stored:
    """A lead as it was at a moment, for who may read it now. Raises as `lead_now`."""
    level = await settled(request, READ_MODELS, at_least=moment.position)
    await require_sight(request, lead_id)
    tenant_id = principal_of(request).tenant_id
    query = partial(lead_queries.by_ids, tenant_id=tenant_id, ids=[lead_id], as_of=moment)
    found = await services_of(request).reads.ask(tenant_id, query, at_least=level)
    if not found:
        raise NotFoundError("lead")
    if found[0].deleted_at is not None:
        raise GoneError("lead")
    return found[0]


async def _stored(request: HttpRequest, lead_id: UUID, level: Level | None) -> Stored | None:
    """The lead, where there is one that the caller may read."""
    caller = principal_of(request)
    query = partial(lead_queries.by_ids, tenant_id=caller.tenant_id, ids=[lead_id])
    rows = await services_of(request).reads.ask(caller.tenant_id, query, at_least=level)
    return rows[0] if rows and caller.reaches(SEEING, rows[0].owner_id) else None
