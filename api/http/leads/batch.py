"""Leads over HTTP, many at once: added, with the moves that they have made already."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any

from litestar import post
from msgspec import Meta, Struct

from api.http.answer import Answer
from api.http.batching import BATCH_ERRORS, MOST, AllOrNothing, Batch, BatchResults, carry_out_batch, read_item
from api.http.contacts.batches import each, without_key
from api.http.exchange import HttpRequest, WriteQuery, principal_of, services_of
from api.http.leads import examples
from api.http.leads.course import of_contact
from api.http.leads.reach import SEEING, within_reach
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.batch import upsert
from commands.batch.items import Asked, ByKey, Item, Matching
from commands.batch.upsert import LeadMatch
from commands.handle import UseCase
from commands.identity.access import Principal
from commands.leads.input import ChangeLead, RegisterLead
from commands.registry import CHANGE_LEAD, REGISTER_LEAD
from commands.visible import LEADS, view_of
from domain import lead
from domain.errors import FieldError, InvalidError
from domain.lead import Lead

_WRITE = "leads.write"
_BEGINS_WITH = frozenset({"contact", "occurred_at", "moves"})
_Case = UseCase[Any, Lead]


class LeadBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Leads to add."""

    items: Annotated[list[RegisterLead], Meta(max_length=MOST, description=f"At most {MOST}.")]
    all_or_nothing: AllOrNothing = False
    match: LeadMatch | None = None


@post(
    "/leads/batch",
    status_code=200,
    **operation(
        summary="Add many leads at once",
        description=(
            "Each item is done by itself, in their order: one that is refused leaves the others alone, unless"
            " `all_or_nothing` is set. Items see what those before them did: two of a new company share it, and become"
            " one customer. `moves` tell what has happened to a lead already. With `match`, an item changes the lead"
            " that has one of its external ids, as a PATCH would (200); `contact`, `occurred_at` and `moves` are what a"
            " new one begins with, and say nothing about one that is there."
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
    if batch.match and view_of(caller, LEADS).hides(upsert.MEMBERS[batch.match]):
        raise InvalidError([FieldError("/match", "field.hidden", "is about a field that your roles hide")])
    register, change = (within_reach(case, caller, _WRITE) for case in (REGISTER_LEAD, CHANGE_LEAD))
    made = [_item(data, batch.match, caller, register, change) for data in batch.items]

    async def items() -> Sequence[Item]:
        return made

    find = each(services_of(request).store.holders)
    finding = Matching(kind="lead", evolve=lead.evolve, find=find, seen=upsert.seen_lead)
    return items, finding if batch.match else None


def _item(data: Any, match: str | None, caller: Principal, register: _Case, change: _Case) -> Item:
    view = view_of(caller, LEADS)
    added = read_item(data, RegisterLead, view)
    new = Asked(case=register, command=added.value, errors=(*of_contact(data, caller), *added.errors))
    if match is None:
        return new
    keys = upsert.keys_of(added.value, match)
    if not keys:
        return without_key(new, data, match)
    changed = read_item({name: each for name, each in data.items() if name not in _BEGINS_WITH}, ChangeLead, view)

    def asks(states: Sequence[Lead]) -> Asked:
        seen = [state for state in states if caller.reaches(SEEING, state.owner_id)]
        if len(seen) > 1:
            raise upsert.ambiguous("lead", match, [state.id for state in seen])
        if not seen:
            return new
        return Asked(case=change, command=changed.value, errors=changed.errors, stream_id=seen[0].id)

    lookups = {*register.lookups(added.value), *change.lookups(changed.value)}
    return ByKey(keys=keys, asks=asks, lookups=tuple(lookups), looks_at=register.looks_at(added.value))
