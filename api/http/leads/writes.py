"""Leads over HTTP: add, change, assign, delete."""

from litestar import delete, patch, post

from api.http.answer import Answer
from api.http.exchange import JSON, PATCH, HttpRequest, WriteQuery
from api.http.leads import examples
from api.http.leads.course import write
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.leads.input import AssignLead, ChangeLead, DeleteLead, RegisterLead
from commands.registry import ASSIGN_LEAD, CHANGE_LEAD, DELETE_LEAD, REGISTER_LEAD
from projections.leads.queries import LeadView

TAKEN = ("lead.external_ids_taken", "lead.custom_taken")
CHANGE_ERRORS = ("lead.not_found", "lead.deleted")


@post(
    "/leads",
    **operation(
        summary="Add a lead",
        description=(
            "Of a contact, a company, both or neither. `contact` makes one in the same step, or finds the one with"
            " these external ids; `company` is found by name, or made. Another open lead of the same contact does not"
            " keep this one out: both then have the flag `duplicate`. With history.backdate, `occurred_at` and `moves`"
            " tell what has happened already."
        ),
        tag="leads",
        permission="leads.write",
        body=RegisterLead,
        query=WriteQuery,
        answers={201: LeadView, 200: DryRun},
        errors=(*TAKEN, "contact.external_ids_taken", "contact.custom_taken", "lead.move_not_allowed"),
        example=examples.NEW_LEAD,
        result=examples.LEAD,
        results={200: examples.DRY_REGISTRATION},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def register_lead(request: HttpRequest) -> Answer:
    """Add a lead."""
    return await write(request, REGISTER_LEAD, RegisterLead, JSON)


@patch(
    "/leads/{lead_id:str}",
    **operation(
        summary="Change a lead",
        description=(
            "A merge patch (RFC 7396). With If-Match it is refused when someone else was faster. Another `owner_id`"
            " takes the permission leads.assign."
        ),
        tag="leads",
        permission="leads.write",
        body=ChangeLead,
        media=PATCH,
        query=WriteQuery,
        answers={200: (LeadView, DryRun)},
        errors=(*TAKEN, *CHANGE_ERRORS),
        example={"source": "fair"},
        result=examples.CHANGED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def change_lead(request: HttpRequest) -> Answer:
    """Change some fields."""
    return await write(request, CHANGE_LEAD, ChangeLead, PATCH)


@post(
    "/leads/{lead_id:str}/assign",
    status_code=200,
    **operation(
        summary="Give a lead to another owner",
        description="Null gives it to nobody. To the owner that it has: nothing changes.",
        tag="leads",
        permission="leads.assign",
        body=AssignLead,
        query=WriteQuery,
        answers={200: (LeadView, DryRun)},
        errors=CHANGE_ERRORS,
        example={"owner_id": None},
        result=examples.ASSIGNED,
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def assign_lead(request: HttpRequest) -> Answer:
    """Give it to another owner."""
    return await write(request, ASSIGN_LEAD, AssignLead, JSON)


@delete(
    "/leads/{lead_id:str}",
    # Litestar wants no body with 204, but a dry run has one; the answer sets its own status.
    status_code=200,
    **operation(
        summary="Delete a lead",
        description="Its history stays. It leaves the customer that it was converted to, and every figure.",
        tag="leads",
        permission="leads.delete",
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=(*CHANGE_ERRORS, "body.too_large"),
        results={200: examples.DRY_DELETION},
        writes=True,
        idempotent=True,
        scoped=True,
        if_match=True,
    ),
)
async def delete_lead(request: HttpRequest) -> Answer:
    """Delete it."""
    return await write(request, DELETE_LEAD, DeleteLead, ())
