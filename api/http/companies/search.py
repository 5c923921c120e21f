"""Companies over HTTP: found by a text."""

from functools import partial
from typing import Annotated

from litestar import get
from msgspec import Meta, Struct, structs

from api.http.answer import Answer
from api.http.companies import examples
from api.http.companies.reads import READ_MODELS
from api.http.companies.sight import company_told, sight_of
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from commands.sight import SEEING
from projections.companies import queries as company_queries
from projections.companies.queries import CompanyView


class CompanySearchQuery(Struct, forbid_unknown_fields=True):
    """What to look for."""

    q: Annotated[str, Meta(min_length=1, max_length=200, description="Part of a name or domain; may be misspelt.")]
    limit: Limit = 50
    cursor: Cursor | None = None


class FoundCompany(CompanyView, frozen=True, kw_only=True):
    """A company that a search found: how well it fits, and by which of its fields."""

    score: float
    matched: tuple[str, ...]


@get(
    "/companies/search",
    **operation(
        summary="Find companies by part of a name or domain, misspelt or not",
        description="Postgres answers; the best 400 can be paged through.",
        tag="companies",
        permission=SEEING,
        query=CompanySearchQuery,
        answers={200: Page[FoundCompany]},
        errors=("cursor.invalid",),
        example={"q": "analitical"},
        result={"data": [examples.COMPANY | {"score": 0.6, "matched": ["name"]}], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def search_companies(request: HttpRequest) -> Answer:
    """Companies that fit a text, best first."""
    sight_of(request, SEEING)
    query: CompanySearchQuery = query_of(request, CompanySearchQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    scope = ["companies/search", query.q]
    offset = services.cursors.read(query.cursor, tenant_id, scope) if query.cursor is not None else 0
    level = await settled(request, READ_MODELS)
    look = partial(company_queries.search, tenant_id=tenant_id, text=query.q)
    hits = (await services.reads.ask(tenant_id, look, at_least=level))[offset:]
    by_ids = partial(company_queries.by_ids, tenant_id=tenant_id, ids=[hit.id for hit in hits[: query.limit]])
    rows = {row.id: row for row in await services.reads.ask(tenant_id, by_ids, at_least=level)}
    told = company_told(principal_of(request))
    data = [
        FoundCompany(**structs.asdict(told(row.view())), score=hit.score, matched=hit.matched)
        for hit in hits[: query.limit]
        if (row := rows.get(hit.id)) and row.deleted_at is None
    ]
    more = len(hits) > query.limit
    next_cursor = services.cursors.make(tenant_id, scope, offset + query.limit) if more else None
    return Answer(Page(data=data, next_cursor=next_cursor), headers={"Search-Backend": "postgres"})
