"""Contacts over HTTP: two that are one are merged, and taken apart again."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Router, post
from msgspec import Struct

from api.http import reading
from api.http.answer import Answer
from api.http.contacts import examples_merge as examples
from api.http.contacts.reach import within_reach
from api.http.exchange import (
    JSON,
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
from api.http.reading import Readable
from api.http.shapes import DryRun
from api.http.telling import events_told, telling
from api.http.writing import written_answer
from commands.contacts.merge import MergeContact, UnmergeContact
from commands.contacts.merging import Admit, Merging
from commands.handle import Outcome, UseCase
from commands.identity.access import Principal, lacking
from commands.registry import MERGE_CONTACT, UNMERGE_CONTACT
from commands.sight import SEEING
from commands.visible import CONTACTS, view_of
from domain import company, contact
from domain.contact import Contact
from domain.errors import FieldError, NotFoundError
from projections.contacts import queries as contact_queries
from projections.contacts.queries import ContactView

MERGING = "contacts.merge"
_ERRORS = ("contact.not_found", "contact.deleted", "contact.merged")

Understand = Callable[[Merging, Readable[Any]], Awaitable[tuple[Any, Sequence[FieldError]]]]


class Unmerged(Struct, frozen=True, rename={"other": "from"}):
    """The two contacts of one: the one that stayed, and the one that had gone into it."""

    into: ContactView
    other: ContactView


@post(
    "/contacts/{contact_id:str}/merge",
    status_code=200,
    **operation(
        summary="Merge another contact into this one",
        description=(
            "What this contact has stays, what it lacks comes from the other, lists are united; `choose` says"
            " otherwise, by field (`email` and `phone` choose the primary one, `custom.KEY` one custom field). The"
            " other is gone then: 410 contact.merged, with `merged_into`. `?dry_run=true` shows what would become of"
            " it. docs/merge.md has every rule. The permission, and its scope, is needed for both."
        ),
        tag="contacts",
        permission=MERGING,
        body=MergeContact,
        query=WriteQuery,
        answers={200: (ContactView, DryRun)},
        errors=_ERRORS,
        example=examples.MERGE,
        result=examples.SURVIVOR,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def merge_contacts(request: HttpRequest) -> Answer:
    """Two become one."""
    view = view_of(principal_of(request), CONTACTS)
    dry_run, outcome = await _carry_out(
        request, MERGE_CONTACT, MergeContact, lambda to, body: to.merge(body.value, view, body.errors)
    )
    return _answer(request, outcome, await _seen(request, outcome.state), dry_run=dry_run)


@post(
    "/contacts/{contact_id:str}/unmerge",
    status_code=200,
    **operation(
        summary="Take a contact that was merged into this one out of it again",
        description=(
            "The other is as it was when it was merged. This one is as it would be without it: what came by the merge"
            " leaves again, what was changed since stays. docs/merge.md has every rule."
        ),
        tag="contacts",
        permission=MERGING,
        body=UnmergeContact,
        query=WriteQuery,
        answers={200: (Unmerged, DryRun)},
        errors=(*_ERRORS, "contact.not_merged", "contact.external_ids_taken"),
        example=examples.UNMERGE,
        result=examples.UNMERGED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def unmerge_contacts(request: HttpRequest) -> Answer:
    """One becomes two again."""
    store = services_of(request).store
    dry_run, outcome = await _carry_out(
        request, UNMERGE_CONTACT, UnmergeContact, lambda to, body: to.unmerge(body.value, store, body.errors)
    )
    other = await _other(request, outcome, dry_run=dry_run)
    made = Unmerged(await _seen(request, outcome.state), await _seen(request, other))
    return _answer(request, outcome, made, dry_run=dry_run)


async def _carry_out(
    request: HttpRequest, case: UseCase[Any, Contact], body: type[Any], understand: Understand
) -> tuple[bool, Outcome[Contact]]:
    """Whether it was a dry run, and what came of it."""
    into_id = path_id(request, "contact_id", "contact")
    query: WriteQuery = query_of(request, WriteQuery)
    raw, refusal = await body_or_refusal(request)
    caller, handler = principal_of(request), services_of(request).handler
    to = Merging(handler, caller.tenant_id, into_id, _admitting(caller))

    async def read() -> tuple[Any, Sequence[FieldError]]:
        check_if_match(request)
        if refusal:
            raise refusal
        check_media(request, JSON)
        return await understand(to, reading.body(raw, body))

    case = within_reach(case, caller, MERGING)
    context = context_of(request, raw, dry_run=query.dry_run)
    async with alone(request, context):
        outcome = await handler.handle(context, case, read, stream_id=into_id, if_match=if_match(request))
    return query.dry_run, outcome


def _admitting(caller: Principal) -> Admit:
    """What refuses the other contact to a caller who may not merge it."""

    def admit(other: Contact) -> None:
        if not caller.reaches(SEEING, other.owner_id):
            raise NotFoundError("contact")
        if not caller.reaches(MERGING, other.owner_id):
            raise lacking(MERGING)

    return admit


async def _other(request: HttpRequest, outcome: Outcome[Contact], *, dry_run: bool) -> Contact:
    """The contact that is itself again, by the request's body, which was good."""
    services, tenant_id = services_of(request), principal_of(request).tenant_id
    from_id = msgspec.json.decode(request.scope["state"]["body"], type=UnmergeContact).from_id
    load = partial(services.handler.state, tenant_id, "contact", contact.evolve, from_id)
    if not dry_run:
        return await load(up_to=outcome.position)
    found = await load()
    for event in outcome.events[1:]:  # the first is the survivor's
        found = contact.evolve(found, event, stream_id=from_id, at=services.clock())
    return found


async def _seen(request: HttpRequest, state: Contact) -> ContactView:
    if state.company_id is None:
        return contact_queries.view(state, None)
    load = services_of(request).handler.state
    found = await load(principal_of(request).tenant_id, "company", company.evolve, state.company_id)
    return contact_queries.view(state, contact_queries.employer(found))


def _answer(request: HttpRequest, outcome: Outcome[Contact], made: ContactView | Unmerged, *, dry_run: bool) -> Answer:
    caller = principal_of(request)
    told = telling(caller, CONTACTS)
    shown = {"into": told(made.into), "from": told(made.other)} if isinstance(made, Unmerged) else told(made)
    return written_answer(outcome, shown, dry=dry_run, told=events_told(caller))


ROUTER = Router(path="/v1", route_handlers=[merge_contacts, unmerge_contacts])
