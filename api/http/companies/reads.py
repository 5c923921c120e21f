"""Companies over HTTP: lists, one, and its history."""

from datetime import datetime
from functools import partial
from uuid import UUID

from litestar import get
from msgspec import Struct, structs

from api.http.answer import Answer
from api.http.as_of import AsOf, defined_then, moment_of
from api.http.companies import examples
from api.http.companies.sight import COMPANY, company_told, sight_of
from api.http.exchange import HttpRequest, etag, path_id, principal_of, query_of, services_of
from api.http.histories import HistoryQuery, history_page
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import caught_up, settled
from api.http.shapes import Cursor, Limit, Page
from api.http.tried import note_filters
from commands.companies.values import domain as host_of
from commands.normalise import Problems
from commands.sight import SEEING
from domain import company
from domain.errors import GoneError, NotFoundError
from projections import history
from projections.companies import company as company_rows
from projections.companies import queries as company_queries
from projections.companies.queries import CompanyFilters, CompanySort, CompanyView, Stored
from projections.contacts import past as contact_past
from projections.position import Level, Moment

READ_MODELS = (company_rows.PROJECTION.checkpoint,)
_PAST = (contact_past.PROJECTION.checkpoint, *READ_MODELS)


class CompaniesQuery(Struct, forbid_unknown_fields=True):
    """Filters, order and page of a list of companies."""

    parent_id: UUID | None = None
    domain: str | None = None
    industry: str | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None
    as_of: AsOf | None = None
    sort: CompanySort = CompanySort.CREATED_AT
    limit: Limit = 50
    cursor: Cursor | None = None


class CompanyQuery(Struct, forbid_unknown_fields=True):
    """Of when a company is read."""

    as_of: AsOf | None = None


@get(
    "/companies",
    **operation(
        summary="List companies",
        description="Companies are nobody's own: any scope of the permission shows all of them.",
        tag="companies",
        permission=SEEING,
        query=CompaniesQuery,
        answers={200: Page[CompanyView]},
        errors=("cursor.invalid",),
        result={"data": [examples.COMPANY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_companies(request: HttpRequest) -> Answer:
    """A page of companies."""
    sight_of(request, SEEING)
    query: CompaniesQuery = query_of(request, CompaniesQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    filters = CompanyFilters(**{name: getattr(query, name) for name in CompanyFilters.__struct_fields__})
    if filters.domain:
        filters = structs.replace(filters, domain=host_of(filters.domain, "", Problems()) or filters.domain)
    scope = ["companies", filters, query.sort, query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await (settled(request, _PAST, at_least=moment.position) if moment else settled(request, READ_MODELS))
    page = partial(company_queries.page, tenant_id=tenant_id, filters=filters, sort=query.sort, after=after)
    rows, bound = await services.reads.ask(tenant_id, partial(page, limit=query.limit, as_of=moment), at_least=level)
    next_cursor = cursor_after(request, scope, bound, moment)
    if not rows:
        note_filters(request, query)
    told = company_told(principal_of(request), await defined_then(request, moment, rows, COMPANY))
    return Answer(Page(data=[told(row.view()) for row in rows], next_cursor=next_cursor))


@get(
    "/companies/{company_id:str}",
    **operation(
        summary="Read a company",
        tag="companies",
        permission=SEEING,
        query=CompanyQuery,
        answers={200: CompanyView},
        errors=("company.not_found", "company.deleted"),
        result=examples.COMPANY,
        read_after=True,
        scoped=True,
    ),
)
async def read_company(request: HttpRequest) -> Answer:
    """One company."""
    sight_of(request, SEEING)
    company_id = path_id(request, "company_id", "company")
    query: CompanyQuery = query_of(request, CompanyQuery)
    moment = await moment_of(request, query.as_of)
    found = await company_then(request, company_id, moment) if moment else await company_now(request, company_id)
    told = company_told(principal_of(request), await defined_then(request, moment, [found], COMPANY))
    return Answer(told(found), headers={"ETag": etag(found.version)})


@get(
    "/companies/{company_id:str}/history",
    **operation(
        summary="Who changed what of a company, and when",
        description="Newest first. A deleted company keeps its history. Those who acted go by today's names.",
        tag="companies",
        permission=SEEING,
        query=HistoryQuery,
        answers={200: Page[history.Entry]},
        errors=("company.not_found", "cursor.invalid"),
        result={"data": [examples.COMPANY_ENTRY], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def company_history(request: HttpRequest) -> Answer:
    """A company's history, from its events."""
    sight_of(request, SEEING)
    company_id = path_id(request, "company_id", "company")
    return await history_page(request, "company", company.evolve, company_id)


async def company_now(request: HttpRequest, company_id: UUID) -> CompanyView:
    """A company as it is now. Raises NotFoundError, GoneError."""
    found = await _stored(request, company_id, await settled(request, READ_MODELS))
    if found is None and (level := await caught_up(request, READ_MODELS)):  # it may have been made a moment ago
        found = await _stored(request, company_id, level)
    if found is None:
        raise NotFoundError("company")
    if found.deleted_at is not None:
        raise GoneError("company")
    return found.view()


async def company_then(request: HttpRequest, company_id: UUID, moment: Moment) -> CompanyView:
    """A company folded from its events up to a moment. Raises as `company_now`."""
    await settled(request, ())
    found = await services_of(request).handler.state(
        principal_of(request).tenant_id, "company", company.evolve, company_id, up_to=moment.position
    )
    if found.deleted_at is not None:
        raise GoneError("company")
    return company_queries.view(found)


async def _stored(request: HttpRequest, company_id: UUID, level: Level | None) -> Stored | None:
    tenant_id = principal_of(request).tenant_id
    query = partial(company_queries.by_ids, tenant_id=tenant_id, ids=[company_id])
    rows = await services_of(request).reads.ask(tenant_id, query, at_least=level)
    return rows[0] if rows else None
