"""Moves of leads over HTTP: one route for each act of the table in domain/lead.py."""

from typing import Any

from litestar import post
from litestar.handlers import HTTPRouteHandler
from msgspec import structs

from api.http.answer import Answer
from api.http.exchange import JSON, HttpRequest, WriteQuery
from api.http.leads import examples
from api.http.leads.course import write
from api.http.leads.writes import CHANGE_ERRORS
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.leads.input import ConvertInput, MoveInput, MoveLead
from commands.registry import MOVE_LEAD
from domain.lead_status import Act
from projections.leads.queries import LeadView

_TOLD = {
    Act.QUALIFY: ("Qualify a lead", "It is worth working on."),
    Act.NURTURE: ("Nurture a lead", "It is not ready yet, and is kept warm."),
    Act.LOSE: ("Lose a lead", "It came to nothing; `reason` says why."),
    Act.CONVERT: (
        "Convert a lead to a customer",
        (
            "It becomes the customer of its company: the lead's own, the one named here, or its contact's; without one,"
            " of its contact, else by itself. The lead names the customer, and the customer the lead."
        ),
    ),
    Act.REOPEN: ("Reopen a lost lead", "It is new again."),
    Act.UNDO_CONVERT: (
        "Undo a conversion",
        "The lead is where it was before, and leaves its customer; a customer without leads is gone (410).",
    ),
}
_CONVERTING = frozenset({Act.CONVERT, Act.UNDO_CONVERT})


def _route(act: Act) -> HTTPRouteHandler:
    summary, description = _TOLD[act]
    body: type[Any] = ConvertInput if act is Act.CONVERT else MoveInput

    def understand(found: Any) -> MoveLead:
        return MoveLead(act=act, **structs.asdict(found))

    async def move_lead(request: HttpRequest) -> Answer:
        return await write(request, MOVE_LEAD, body, JSON, understand)

    declared = operation(
        summary=summary,
        description=f"{description} Where it is so already, nothing changes. `occurred_at` may be in the past for who"
        " has history.backdate, but not before the move before.",
        tag="leads",
        permission="leads.convert" if act in _CONVERTING else "leads.write",
        body=body,
        query=WriteQuery,
        answers={200: (LeadView, DryRun)},
        errors=("lead.move_not_allowed", *CHANGE_ERRORS),
        example=examples.MOVES[act.value][0],
        result=examples.moved(act.value),
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    )
    return post(f"/leads/{{lead_id:str}}/{act.value}", status_code=200, **declared)(move_lead)


MOVES = [_route(act) for act in Act]
