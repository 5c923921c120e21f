"""Interactions over HTTP: completing one, with a contact made of who it was with."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from litestar import post
from msgspec import json, structs

from api.http.answer import Answer
from api.http.exchange import JSON, HttpRequest, WriteQuery, principal_of
from api.http.interactions import examples
from api.http.interactions.writes import CHANGE_ERRORS, WRITING, understood, write
from api.http.leads.course import of_contact
from api.http.operation import operation
from api.http.reading import Readable
from api.http.shapes import DryRun
from commands.decision import Decision, Given
from commands.handle import UseCase
from commands.identity.access import Principal, lacking
from commands.interactions.input import CompleteInteraction
from commands.normalise import MOST_PROBLEMS
from commands.registry import COMPLETE_INTERACTION
from commands.visible import CONTACTS, view_of
from domain.contact import ContactRegistered
from domain.errors import FieldError
from domain.interaction import Interaction
from projections.interactions.queries import InteractionView

_ADDING_CONTACTS = "contacts.write"


@post(
    "/interactions/{interaction_id:str}/complete",
    status_code=200,
    **operation(
        summary="Complete an interaction",
        description=(
            "Gives what was missing, and anything else; once nothing is missing, the flag is gone. `contact` makes the"
            " contact that it was with in the same step (see `suggested_contact`), for which contacts.write is needed."
        ),
        tag="interactions",
        permission=WRITING,
        body=CompleteInteraction,
        query=WriteQuery,
        answers={200: (InteractionView, DryRun)},
        errors=(*CHANGE_ERRORS, "contact.external_ids_taken", "contact.custom_taken"),
        example=examples.COMPLETING,
        result=examples.INTERACTION | {"version": 2},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def complete_interaction(request: HttpRequest) -> Answer:
    """Fill in what was missing."""
    case = _adding(COMPLETE_INTERACTION, principal_of(request))
    return await write(request, case, CompleteInteraction, JSON, partial(_understood, request))


async def _understood(request: HttpRequest, readable: Readable[Any]) -> tuple[Any, Sequence[FieldError]]:
    """The body, of which the contact has members that the caller may not write."""
    command, errors = await understood(request, readable)
    caller = principal_of(request)
    if getattr(command, "contact", None) is None or view_of(caller, CONTACTS).is_free:
        return command, errors
    beside = of_contact(json.decode(request.scope["state"]["body"]), caller)
    return command, (*beside, *errors)[:MOST_PROBLEMS]


def _adding(case: UseCase[Any, Interaction], caller: Principal) -> UseCase[Any, Interaction]:
    """The same use case, where the contact that is made may be made by the caller."""

    def decide(command: Any, given: Given[Interaction]) -> Decision:
        decision = case.decide(command, given)
        for stream in decision.before:
            for event in stream.events:
                if isinstance(event, ContactRegistered) and not caller.reaches(_ADDING_CONTACTS, event.owner_id):
                    raise lacking(_ADDING_CONTACTS)
        return decision

    return structs.replace(case, decide=decide)
