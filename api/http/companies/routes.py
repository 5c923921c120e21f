"""Companies over HTTP: every route of theirs."""

from litestar import Router

from api.http.companies.reads import company_history, list_companies, read_company
from api.http.companies.search import search_companies
from api.http.companies.writes import change_company, delete_company, register_company, restore_company

ROUTER = Router(
    path="/v1",
    route_handlers=[
        register_company,
        list_companies,
        search_companies,
        read_company,
        change_company,
        delete_company,
        restore_company,
        company_history,
    ],
)
