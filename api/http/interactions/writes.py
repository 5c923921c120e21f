"""Interactions over HTTP: log, change, complete."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from litestar import patch, post
from msgspec import structs

from api.http.answer import Answer
from api.http.exchange import (
    JSON,
    PATCH,
    HttpRequest,
    WriteQuery,
    path_id,
    principal_of,
    services_of,
)
from api.http.interactions import examples
from api.http.operation import operation
from api.http.reach import admission
from api.http.reading import Readable
from api.http.shapes import DryRun
from api.http.telling import events_told, telling
from api.http.writing import Understand, carry_out, written_answer
from commands.decision import Decision, Given
from commands.handle import Outcome, UseCase
from commands.identity.access import Principal, lacking
from commands.interactions import interaction
from commands.interactions.input import ChangeInteraction, LogInteraction
from commands.registry import CHANGE_INTERACTION, LOG_INTERACTION
from commands.sight import SEEING
from commands.visible import INTERACTIONS, view_of
from domain import contact
from domain import interaction as domain
from domain.errors import FieldError
from domain.interaction import Interaction, InteractionChanged, InteractionLogged
from projections.interactions.queries import InteractionView, view

WRITING = "interactions.write"
READING = "interactions.read"
CHANGE_ERRORS = ("interaction.not_found",)


@post(
    "/interactions",
    **operation(
        summary="Log an interaction",
        description=(
            "Without type, contact_id or occurred_at it is stored all the same, flagged `incomplete`, and stands in the"
            " review queue. The same external_id again answers 200 with what was logged first. Without author_id it is"
            " the caller's."
        ),
        tag="interactions",
        permission=WRITING,
        body=LogInteraction,
        query=WriteQuery,
        answers={201: InteractionView, 200: (InteractionView, DryRun)},
        example=examples.NEW_INTERACTION,
        result=examples.INCOMPLETE,
        results={200: examples.DRY_LOG},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def log_interaction(request: HttpRequest) -> Answer:
    """An interaction more, or the one that has this external id."""
    try:
        return await write(request, LOG_INTERACTION, LogInteraction, JSON)
    except interaction.KnownError as known:
        return await first(request, known)


@patch(
    "/interactions/{interaction_id:str}",
    **operation(
        summary="Change an interaction",
        description="A merge patch (RFC 7396). With If-Match it is refused when someone else was faster.",
        tag="interactions",
        permission=WRITING,
        body=ChangeInteraction,
        media=PATCH,
        query=WriteQuery,
        answers={200: (InteractionView, DryRun)},
        errors=CHANGE_ERRORS,
        example={"outcome": "interested"},
        result=examples.INTERACTION | {"version": 2},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def change_interaction(request: HttpRequest) -> Answer:
    """Change some members."""
    return await write(request, CHANGE_INTERACTION, ChangeInteraction, PATCH)


async def write(
    request: HttpRequest,
    case: UseCase[Any, Interaction],
    body: type[Any],
    media: tuple[str, ...],
    understand: Understand | None = None,
) -> Answer:
    """Carry out a use case that this caller may, and answer with the interaction.

    Raises:
        DomainError: it can't be done; nothing was changed.
    """
    caller = principal_of(request)
    interaction_id = None if case.creates else path_id(request, "interaction_id", "interaction")
    dry, outcome = await carry_out(
        request,
        within_reach(case, caller),
        body,
        media,
        understand or partial(understood, request),
        stream_id=interaction_id,
        view=view_of(caller, INTERACTIONS),
    )
    return answer(caller, outcome, dry=dry)


def answer(caller: Principal, outcome: Outcome[Interaction], *, dry: bool) -> Answer:
    """The answer to a write: the interaction, as far as the caller may see it."""
    shown = telling(caller, INTERACTIONS, kind=None)(view(outcome.state))
    location = f"/v1/interactions/{outcome.stream_id}"
    return written_answer(outcome, shown, dry=dry, location=location, told=events_told(caller))


async def first(request: HttpRequest, known: interaction.KnownError) -> Answer:
    """What was logged under an external id before, as far as it is the caller's to read."""
    caller, services = principal_of(request), services_of(request)
    owner = await services.store.holder(caller.tenant_id, interaction.EXTERNAL_ID, known.external_id)
    if owner is None:
        raise known
    state = await services.handler.state(caller.tenant_id, "interaction", domain.evolve, owner.stream_id)
    if not caller.reaches(READING, state.author_id):
        raise known
    position = await services.store.head(caller.tenant_id)
    return answer(caller, Outcome(stream_id=state.id, state=state, position=position, status=200), dry=False)


async def understood(request: HttpRequest, readable: Readable[Any]) -> tuple[Any, Sequence[FieldError]]:
    """A body, and what it says of contacts that are not there for this caller."""
    caller, errors = principal_of(request), list(readable.errors)
    if not caller.may(SEEING):
        for at, kind, found in interaction.references(readable.value):
            if kind == "contact" and not await _is_seen(request, found):
                errors.append(FieldError(at, "contact.not_found", "is no contact of this tenant"))
    return readable.value, errors


async def _is_seen(request: HttpRequest, contact_id: UUID) -> bool:
    caller, services = principal_of(request), services_of(request)
    state = await services.handler.found(caller.tenant_id, "contact", contact.evolve, contact_id)
    return state is not None and caller.reaches(SEEING, state.owner_id)


def within_reach(case: UseCase[Any, Interaction], caller: Principal) -> UseCase[Any, Interaction]:
    """The same use case for a caller who may not write everybody's interactions.

    One that the caller can't read is missing, another is refused; and none is made, or given away, to where it would be
    out of reach.
    """
    if caller.may(WRITING) and caller.may(READING):
        return case

    def decide(command: Any, given: Given[Interaction]) -> Decision:
        decision = case.decide(command, given)
        for event in decision.events:
            authored = isinstance(event, InteractionLogged) or (
                isinstance(event, InteractionChanged) and "author_id" in event.changes()
            )
            if authored and not caller.reaches(WRITING, event.author_id):  # type: ignore[attr-defined]
                raise lacking(WRITING)
        return decision

    admit = admission("interaction", lambda found: found.author_id, caller, READING, WRITING)
    return structs.replace(case, admit=admit, decide=decide)
