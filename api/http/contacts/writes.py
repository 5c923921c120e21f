"""Contacts over HTTP: add, change, delete."""

from typing import Any

from litestar import delete, patch, post

from api.http import examples, reading
from api.http.answer import Answer
from api.http.contacts.reach import within_reach, within_sight
from api.http.exchange import (
    JSON,
    PATCH,
    HttpRequest,
    WriteQuery,
    alone,
    body_or_refusal,
    check_if_match,
    check_media,
    context_of,
    if_match,
    path_id,
    principal_of,
    query_of,
    services_of,
)
from api.http.operation import operation
from api.http.shapes import DryRun
from api.http.telling import events_told, telling, telling_apart
from api.http.writing import written_answer
from commands.contacts.input import ChangeContact, DeleteContact, RegisterContact
from commands.handle import Outcome, Read, UseCase
from commands.registry import CHANGE_CONTACT, DELETE_CONTACT, REGISTER_CONTACT
from commands.visible import CONTACTS, view_of
from domain import company
from domain.company import CompanyRegistered
from domain.contact import Contact
from domain.errors import DomainError
from projections.contacts import queries as contact_queries
from projections.contacts.queries import CompanyRef, ContactView


@post(
    "/contacts",
    **operation(
        summary="Add a contact",
        description="At least one of name, email and phone is needed. `company` is found by name, or made.",
        tag="contacts",
        permission="contacts.write",
        body=RegisterContact,
        query=WriteQuery,
        answers={201: ContactView, 200: DryRun},
        errors=("contact.external_ids_taken", "contact.custom_taken"),
        example=examples.NEW_CONTACT,
        result=examples.CONTACT,
        results={200: examples.DRY_REGISTRATION},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def register_contact(request: HttpRequest) -> Answer:
    """Add a contact."""
    return await write_contact(request, REGISTER_CONTACT, RegisterContact, JSON)


@patch(
    "/contacts/{contact_id:str}",
    **operation(
        summary="Change a contact",
        description="A merge patch (RFC 7396). With If-Match it is refused when someone else was faster.",
        tag="contacts",
        permission="contacts.write",
        body=ChangeContact,
        media=PATCH,
        query=WriteQuery,
        answers={200: (ContactView, DryRun)},
        errors=(
            "contact.not_found",
            "contact.deleted",
            "contact.external_ids_taken",
            "contact.custom_taken",
            "contact.merged",
        ),
        example={"title": "Countess", "tags": ["vip"]},
        result=examples.CONTACT | {"version": 2, "title": "Countess", "tags": ["vip"]},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def change_contact(request: HttpRequest) -> Answer:
    """Change some fields."""
    return await write_contact(request, CHANGE_CONTACT, ChangeContact, PATCH)


@delete(
    "/contacts/{contact_id:str}",
    # Litestar wants no body with 204, but a dry run has one; the answer sets its own status.
    status_code=200,
    **operation(
        summary="Delete a contact",
        tag="contacts",
        permission="contacts.delete",
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=("contact.not_found", "contact.deleted", "contact.merged", "body.too_large"),
        results={200: examples.DRY_DELETION},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def delete_contact(request: HttpRequest) -> Answer:
    """Delete it; its history stays."""
    return await write_contact(request, DELETE_CONTACT, DeleteContact, ())


async def write_contact(
    request: HttpRequest, case: UseCase[Any, Contact], body: type[Any], media: tuple[str, ...]
) -> Answer:
    """The course of every write to a contact: look up, read the body, decide, append, answer."""
    contact_id = None if case.creates else path_id(request, "contact_id", "contact")
    query: WriteQuery = query_of(request, WriteQuery)
    raw, refusal = await body_or_refusal(request)
    services = services_of(request)
    caller = principal_of(request)
    case = within_reach(case, caller, request.route_handler.opt["operation"].permission)
    case = within_sight(case, view_of(caller, CONTACTS))
    read = _reader(request, raw, refusal, body, media)
    context = context_of(request, raw, dry_run=query.dry_run)
    async with alone(request, context):
        outcome = await services.handler.handle(context, case, read, stream_id=contact_id, if_match=if_match(request))
        made = await _view(request, outcome)
    shown, location = telling(caller, CONTACTS)(made), f"/v1/contacts/{outcome.stream_id}"
    return written_answer(outcome, shown, dry=query.dry_run, location=location, told=events_told(caller))


def _reader(
    request: HttpRequest, raw: bytes, refusal: DomainError | None, body: type[Any], media: tuple[str, ...]
) -> Read[Any]:
    def read() -> Any:
        check_if_match(request)
        if refusal:
            raise refusal
        if not media or (not raw and not body.__struct_fields__):
            return body(), ()
        check_media(request, media)
        view = view_of(principal_of(request), CONTACTS)
        readable = reading.body(raw, body) if view.is_free else telling_apart(raw, body, view)
        return readable.value, readable.errors

    return read


async def _view(request: HttpRequest, outcome: Outcome[Contact]) -> ContactView:
    state = outcome.state
    if state.company_id is None:
        return contact_queries.view(state, None)
    for event in outcome.events:
        if isinstance(event, CompanyRegistered):
            return contact_queries.view(state, CompanyRef(state.company_id, event.name))
    services = services_of(request)
    found = await services.handler.state(principal_of(request).tenant_id, "company", company.evolve, state.company_id)
    return contact_queries.view(state, contact_queries.employer(found))
