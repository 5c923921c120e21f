"""Companies over HTTP: add, change, delete, restore."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from litestar import delete, patch, post

from api.http.answer import Answer
from api.http.companies import examples
from api.http.companies.sight import company_told, sight_of
from api.http.exchange import (
    JSON,
    PATCH,
    HttpRequest,
    WriteQuery,
    path_id,
    principal_of,
    services_of,
)
from api.http.operation import operation
from api.http.reading import Readable
from api.http.shapes import DryRun
from api.http.telling import events_told
from api.http.writing import NoBody, carry_out, written_answer
from commands.companies.input import ChangeCompany, DeleteCompany, Placed, RegisterCompany, RestoreCompany
from commands.companies.line import line_from
from commands.handle import UseCase
from commands.registry import CHANGE_COMPANY, DELETE_COMPANY, REGISTER_COMPANY, RESTORE_COMPANY
from commands.visible import View
from domain import company
from domain.company import Company
from domain.errors import FieldError
from projections.companies import queries as company_queries
from projections.companies.queries import CompanyView

_WRITE = "contacts.write"
_DELETE = "contacts.delete"
_TAKEN = ("company.name_taken", "company.external_ids_taken", "company.custom_taken")
_THERE = ("company.not_found", "company.deleted")


@post(
    "/companies",
    **operation(
        summary="Add a company",
        description=(
            "No two companies have the same name, however it is spelt: a contact that names one finds it. A company is"
            " nobody's own, so any scope of the permission will do."
        ),
        tag="companies",
        permission=_WRITE,
        body=RegisterCompany,
        query=WriteQuery,
        answers={201: CompanyView, 200: DryRun},
        errors=_TAKEN,
        example=examples.NEW_COMPANY,
        result=examples.COMPANY,
        results={200: examples.DRY_COMPANY},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def register_company(request: HttpRequest) -> Answer:
    """Add a company."""
    return await _write(request, REGISTER_COMPANY, RegisterCompany, JSON, sight_of(request, _WRITE, writing=True))


@patch(
    "/companies/{company_id:str}",
    **operation(
        summary="Change a company",
        description=(
            "A merge patch (RFC 7396). Contacts show another name from then on, and are found by it. `parent_id` names"
            " the company that this one belongs to, which must not be below it."
        ),
        tag="companies",
        permission=_WRITE,
        body=ChangeCompany,
        media=PATCH,
        query=WriteQuery,
        answers={200: (CompanyView, DryRun)},
        errors=(*_TAKEN, *_THERE),
        example=examples.COMPANY_PATCH,
        result=examples.COMPANY_CHANGED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def change_company(request: HttpRequest) -> Answer:
    """Change some fields."""
    return await _write(request, CHANGE_COMPANY, ChangeCompany, PATCH, sight_of(request, _WRITE))


@delete(
    "/companies/{company_id:str}",
    status_code=200,  # as DELETE of a contact
    **operation(
        summary="Delete a company",
        description=(
            "Its name is free again. Contacts stay, and show no company until it is restored. Needs the permission for"
            " everybody's contacts."
        ),
        tag="companies",
        permission=_DELETE,
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=(*_THERE, "body.too_large"),
        results={200: examples.DRY_COMPANY_DELETION},
        writes=True,
        idempotent=True,
        if_match=True,
    ),
)
async def delete_company(request: HttpRequest) -> Answer:
    """Delete it; its history stays."""
    return await _write(request, DELETE_COMPANY, NoBody, JSON, sight_of(request, _DELETE, writing=True))


@post(
    "/companies/{company_id:str}/restore",
    status_code=200,
    **operation(
        summary="Bring a deleted company back",
        description=(
            "As it was; contacts that work for it show it again. Refused where another company has its name, or one of"
            " its external ids, by now. A company that is not deleted stays as it is."
        ),
        tag="companies",
        permission=_WRITE,
        body=NoBody,
        query=WriteQuery,
        answers={200: (CompanyView, DryRun)},
        errors=(*_TAKEN, "company.not_found"),
        example={},
        result=examples.COMPANY_RESTORED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def restore_company(request: HttpRequest) -> Answer:
    """Back as it was."""
    return await _write(request, RESTORE_COMPANY, NoBody, JSON, sight_of(request, _WRITE, writing=True))


async def _write(
    request: HttpRequest, case: UseCase[Any, Company], body: type[Any], media: tuple[str, ...], view: View
) -> Answer:
    company_id = None if case.creates else path_id(request, "company_id", "company")

    async def understand(readable: Readable[Any]) -> tuple[Any, Sequence[FieldError]]:
        if body is NoBody:
            return RestoreCompany() if case.revives else DeleteCompany(), readable.errors
        return await placed(request, readable.value), readable.errors

    dry_run, outcome = await carry_out(request, case, body, media, understand, stream_id=company_id, view=view)
    shown = company_told(principal_of(request))(company_queries.view(outcome.state))
    told, location = events_told(principal_of(request)), f"/v1/companies/{outcome.stream_id}"
    return written_answer(outcome, shown, dry=dry_run, location=location, told=told)


async def placed(request: HttpRequest, command: RegisterCompany | ChangeCompany) -> Placed[Any]:
    """A command with the companies above it."""
    load = partial(services_of(request).handler.state, principal_of(request).tenant_id, "company", company.evolve)

    async def one(company_id: UUID) -> Company:
        return await load(company_id)

    return Placed(command, await line_from(one, command.parent_id))
