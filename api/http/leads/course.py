"""The course of every write to a lead: look up, read the body, decide, append, answer."""

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import json

from api.http import reading
from api.http.answer import Answer
from api.http.exchange import (
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
from api.http.leads.reach import within_reach
from api.http.telling import events_told, telling, telling_apart
from api.http.writing import written_answer
from commands.handle import Outcome, Read, UseCase
from commands.identity.access import Principal
from commands.leads.values import below
from commands.normalise import MOST_PROBLEMS
from commands.visible import CONTACTS, LEADS, view_of
from domain.contact import ContactRegistered
from domain.custom_field import RecordKind
from domain.errors import DomainError, FieldError
from domain.lead import Lead
from domain.lead_status import OPEN
from projections.leads import lead as lead_rows
from projections.leads import queries as lead_queries
from projections.leads.queries import LeadView

_READ_MODELS = (lead_rows.PROJECTION.checkpoint,)
_MOST_SECONDS = 0.25

Understand = Callable[[Any], Any]
"""From a body to the command."""


async def write(
    request: HttpRequest,
    case: UseCase[Any, Lead],
    body: type[Any],
    media: tuple[str, ...],
    understand: Understand = lambda found: found,
) -> Answer:
    """Carry it out, and answer with the lead. Without `media` there is no body; none will do where all may be left out.

    Raises:
        DomainError: it can't be done; nothing was changed.
    """
    lead_id = None if case.creates else path_id(request, "lead_id", "lead")
    query: WriteQuery = query_of(request, WriteQuery)
    raw, refusal = await body_or_refusal(request)
    services, caller = services_of(request), principal_of(request)
    case = within_reach(case, caller, request.route_handler.opt["operation"].permission)
    context = context_of(request, raw, dry_run=query.dry_run)
    read = _reader(request, raw, refusal, body, media, understand)
    async with alone(request, context):
        outcome = await services.handler.handle(context, case, read, stream_id=lead_id, if_match=if_match(request))
    made = await _view(request, outcome, is_new=case.creates)
    shown, location = telling(caller, LEADS, kind=RecordKind.LEAD)(made), f"/v1/leads/{outcome.stream_id}"
    return written_answer(outcome, shown, dry=query.dry_run, location=location, told=events_told(caller))


def _reader(
    request: HttpRequest,
    raw: bytes,
    refusal: DomainError | None,
    body: type[Any],
    media: tuple[str, ...],
    understand: Understand,
) -> Read[Any]:
    def read() -> Any:
        check_if_match(request)
        if refusal:
            raise refusal
        if not media:
            return understand(body()), ()
        if not raw and not reading.needs_something(body):
            return understand(body()), ()
        check_media(request, media)
        caller = principal_of(request)
        view = view_of(caller, LEADS)
        readable = reading.body(raw, body) if view.is_free else telling_apart(raw, body, view)
        beside = () if view_of(caller, CONTACTS).is_free else of_contact(json.decode(raw), caller)
        errors = (*beside, *readable.errors)[:MOST_PROBLEMS]
        return understand(readable.value), errors

    return read


def of_contact(members: Any, caller: Principal) -> list[FieldError]:
    """The refusal of each member that the caller must not write of the contact that comes with a lead."""
    inline = members.get("contact") if isinstance(members, dict) else None
    refused = view_of(caller, CONTACTS).writable(inline)[1] if isinstance(inline, dict) else []
    return below("/contact", tuple(refused))


async def _view(request: HttpRequest, outcome: Outcome[Lead], *, is_new: bool) -> LeadView:
    """The lead as clients see it; its sisters as far as the read model knows them."""
    state, tenant_id = outcome.state, principal_of(request).tenant_id
    came_along = any(isinstance(event, ContactRegistered) for event in outcome.events)
    has_no_twin = state.contact_id is None or came_along or state.status not in OPEN
    if state.deleted_at is not None or (is_new and has_no_twin):
        return lead_queries.view(state)
    if is_new and outcome.position:
        # Who adds a second one is told, also when the first one has only just come in.
        await services_of(request).progress.reached(tenant_id, _READ_MODELS, outcome.position, _MOST_SECONDS)
    contact_id = None if has_no_twin else state.contact_id
    ask = partial(lead_queries.beside, tenant_id=tenant_id, lead_id=state.id, contact_id=contact_id)
    is_duplicate, score = await services_of(request).reads.ask(tenant_id, ask)
    return lead_queries.view(state, is_duplicate=is_duplicate, score=score)
