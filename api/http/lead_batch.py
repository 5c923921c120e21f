"""Leads over HTTP, many at once: added, with the moves that they have made already."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

from litestar import post
from msgspec import Meta, Struct

from api.http import examples_leads as examples
from api.http.answer import Answer
from api.http.batching import BATCH_ERRORS, MOST, AllOrNothing, Batch, BatchResults, carry_out_batch, read_item
from api.http.exchange import HttpRequest, WriteQuery, principal_of
from api.http.lead_course import of_contact
from api.http.lead_reach import within_reach
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.batch import Asked, Item, Matching
from commands.lead_input import RegisterLead
from commands.registry import REGISTER_LEAD
from commands.visible import LEADS, view_of

_WRITE = "leads.write"


class LeadBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Leads to add."""

    items: Annotated[list[RegisterLead], Meta(max_length=MOST, description=f"At most {MOST}.")]
    all_or_nothing: AllOrNothing = False


@post(
    "/leads/batch",
    status_code=200,
    **operation(
        summary="Add many leads at once",
        description=(
            "Each item is done by itself, in their order: one that is refused leaves the others alone, unless"
            " `all_or_nothing` is set. Items see what those before them did: two of a new company share it, and become"
            " one customer. `moves` tell what has happened to a lead already."
        ),
        tag="leads",
        permission=_WRITE,
        body=LeadBatch,
        query=WriteQuery,
        answers={200: (BatchResults, DryRun)},
        errors=BATCH_ERRORS,
        example=examples.LEAD_BATCH,
        result=examples.RESULTS,
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def batch_leads(request: HttpRequest) -> Answer:
    """Leads, item by item."""
    return await carry_out_batch(request, LeadBatch, partial(_leads, request))


async def _leads(request: HttpRequest, batch: Batch) -> tuple[Callable[[], Awaitable[Sequence[Item]]], Matching | None]:
    caller = principal_of(request)
    case, view = within_reach(REGISTER_LEAD, caller, _WRITE), view_of(caller, LEADS)
    made: list[Item] = []
    for data in batch.items:
        readable = read_item(data, RegisterLead, view)
        errors = (*of_contact(data, caller), *readable.errors)
        made.append(Asked(case=case, command=readable.value, errors=errors))

    async def items() -> Sequence[Item]:
        return made

    return items, None
