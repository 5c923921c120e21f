"""Interactions over HTTP, many at once."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import post
from msgspec import Meta, Struct

from api.http.answer import Answer
from api.http.batching import BATCH_ERRORS, MOST, AllOrNothing, Batch, BatchResults, carry_out_batch, read_item
from api.http.exchange import HttpRequest, WriteQuery, principal_of, services_of
from api.http.interactions import examples
from api.http.interactions.writes import READING, WRITING, understood, within_reach
from api.http.operation import operation
from api.http.shapes import DryRun
from commands.batch.items import Asked, ByKey, Item, Matching
from commands.decision import Lookup
from commands.identity.access import Principal
from commands.interactions import interaction
from commands.interactions.input import LogInteraction
from commands.registry import FIND_INTERACTION, LOG_INTERACTION
from commands.visible import INTERACTIONS, view_of
from domain.interaction import Interaction, evolve


class InteractionBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Interactions to log."""

    items: Annotated[list[LogInteraction], Meta(max_length=MOST, description=f"At most {MOST}.")]
    all_or_nothing: AllOrNothing = False


@post(
    "/interactions/batch",
    status_code=200,
    **operation(
        summary="Log many interactions at once",
        description=(
            "Each item is done by itself, in their order: one that is refused leaves the others alone, unless"
            " `all_or_nothing` is set. One whose external_id was logged before is 200 with the id of the first one."
        ),
        tag="interactions",
        permission=WRITING,
        body=InteractionBatch,
        query=WriteQuery,
        answers={200: (BatchResults, DryRun)},
        errors=BATCH_ERRORS,
        example=examples.BATCH,
        result=examples.RESULTS,
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def batch_interactions(request: HttpRequest) -> Answer:
    """Interactions, item by item."""
    return await carry_out_batch(request, InteractionBatch, partial(_interactions, request))


async def _interactions(
    request: HttpRequest, batch: Batch
) -> tuple[Callable[[], Awaitable[Sequence[Item]]], Matching | None]:
    async def items() -> Sequence[Item]:
        return [await _item(request, data) for data in batch.items]

    return items, Matching(kind="interaction", evolve=evolve, find=partial(_find, request), seen=_seen)


async def _item(request: HttpRequest, data: Any) -> Item:
    caller = principal_of(request)
    command, errors = await understood(request, read_item(data, LogInteraction, view_of(caller, INTERACTIONS)))
    new = Asked(case=within_reach(LOG_INTERACTION, caller), command=command, errors=errors)
    if not command.external_id:
        return new
    keys = ((interaction.EXTERNAL_ID, interaction.external_id(command.external_id)),)
    lookups = tuple(LOG_INTERACTION.lookups(command))
    looks_at = tuple(LOG_INTERACTION.looks_at(command))
    return ByKey(keys=keys, asks=partial(_first_or_new, caller, new), lookups=lookups, looks_at=looks_at)


def _first_or_new(caller: Principal, new: Asked, known: Sequence[Interaction]) -> Asked:
    """What was logged first under the same id; it is as good as missing to whom it may not be told."""
    if not known or not caller.reaches(READING, known[0].author_id):
        return new
    return Asked(case=FIND_INTERACTION, command=None, stream_id=known[0].id)


async def _find(request: HttpRequest, tenant_id: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
    held = await services_of(request).store.holders(tenant_id, keys)
    return {key: [stream_id] for key, stream_id in held.items()}


def _seen(state: Interaction) -> Iterable[Lookup]:
    return ((interaction.EXTERNAL_ID, state.external_id),) if state.external_id else ()
