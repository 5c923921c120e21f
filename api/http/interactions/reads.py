"""Interactions over HTTP: lists, one, the review queue, and what is to be done next."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Router, get
from msgspec import Struct, structs

from api.http.answer import Answer
from api.http.as_of import AsOf, moment_of
from api.http.contacts.reads import ReadQuery
from api.http.exchange import HttpRequest, etag, path_id, principal_of, query_of, services_of
from api.http.interactions import examples
from api.http.interactions.batch import batch_interactions
from api.http.interactions.complete import complete_interaction
from api.http.interactions.writes import READING, change_interaction, log_interaction
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import caught_up, settled
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import require_shown, telling
from api.http.tried import note_filters
from commands.visible import INTERACTIONS, view_of
from domain import interaction as domain
from domain.errors import NotFoundError
from domain.interaction import Channel, Direction, Interaction, Type
from projections.contacts import family as contact_family
from projections.interactions import interaction
from projections.interactions import lists as interaction_lists
from projections.interactions import queries as interaction_queries
from projections.interactions.lists import Filters, Sort
from projections.interactions.queries import InteractionView, Stored
from projections.position import Level, Moment

READ_MODELS = (interaction.PROJECTION.checkpoint,)
_LISTED = (*READ_MODELS, contact_family.PROJECTION.checkpoint)
_HIDING = "Interactions beyond the reach of the caller's interactions.read are missing; hidden fields are absent."


class ListQuery(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Filters, order and page of a list of interactions. `from` is included, `to` is not."""

    contact_id: UUID | None = None
    company_id: UUID | None = None
    lead_id: UUID | None = None
    author_id: UUID | None = None
    type: Type | None = None
    channel: Channel | None = None
    direction: Direction | None = None
    outcome: str | None = None
    thread_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: AsOf | None = None
    sort: Sort = Sort.OCCURRED_AT_DESC
    limit: Limit = 50
    cursor: Cursor | None = None


class QueueQuery(Struct, forbid_unknown_fields=True):
    """Of when, and the page of the review queue."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class NextQuery(Struct, forbid_unknown_fields=True):
    """Whose next actions, until when, as of when, and the page."""

    owner_id: UUID | None = None
    due_before: datetime | None = None
    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/interactions",
    **operation(
        summary="List interactions",
        description=(
            "By when they happened, or were told while nobody knows. `contact_id` finds those of contacts that were"
            f" merged into it, too. {_HIDING}"
        ),
        tag="interactions",
        permission=READING,
        query=ListQuery,
        answers={200: Page[InteractionView]},
        errors=("cursor.invalid",),
        result={"data": [examples.INTERACTION], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_interactions(request: HttpRequest) -> Answer:
    """A page of interactions."""
    query: ListQuery = query_of(request, ListQuery)
    filters = Filters(**{name: getattr(query, name) for name in Filters.__struct_fields__})
    used = [name for name, value in structs.asdict(filters).items() if value is not None]
    require_shown(view_of(principal_of(request), INTERACTIONS), {name: name for name in used})
    read = partial(interaction_lists.page, filters=filters, sort=query.sort)
    return await _page(request, query, ["interactions", filters, query.sort], read)


@get(
    "/review-queue",
    **operation(
        summary="Interactions of which something is missing",
        description=f"The oldest first; each says what is `missing`. Completing one takes it off. {_HIDING}",
        tag="interactions",
        permission=READING,
        query=QueueQuery,
        answers={200: Page[InteractionView]},
        errors=("cursor.invalid",),
        result={"data": [examples.INCOMPLETE], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def review_queue(request: HttpRequest) -> Answer:
    """A page of the review queue."""
    return await _page(request, query_of(request, QueueQuery), ["review-queue"], interaction_lists.to_review)


@get(
    "/next-actions",
    **operation(
        summary="What is to be done next",
        description=f"Interactions with a next action, the most urgent first; the owner is who logged it. {_HIDING}",
        tag="interactions",
        permission=READING,
        query=NextQuery,
        answers={200: Page[InteractionView]},
        errors=("cursor.invalid",),
        result={"data": [examples.INTERACTION], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def next_actions(request: HttpRequest) -> Answer:
    """A page of what is to be done."""
    query: NextQuery = query_of(request, NextQuery)
    require_shown(view_of(principal_of(request), INTERACTIONS), {"next_action": "next_action"})
    read = partial(interaction_lists.next_actions, author_id=query.owner_id, due_before=query.due_before)
    return await _page(request, query, ["next-actions", query.owner_id, query.due_before], read)


@get(
    "/interactions/{interaction_id:str}",
    **operation(
        summary="Read an interaction",
        description=_HIDING,
        tag="interactions",
        permission=READING,
        query=ReadQuery,
        answers={200: InteractionView},
        errors=("interaction.not_found",),
        result=examples.INTERACTION,
        read_after=True,
        scoped=True,
    ),
)
async def read_interaction(request: HttpRequest) -> Answer:
    """One interaction."""
    interaction_id = path_id(request, "interaction_id", "interaction")
    query: ReadQuery = query_of(request, ReadQuery)
    told = telling(principal_of(request), INTERACTIONS, kind=None)
    if moment := await moment_of(request, query.as_of):
        was = await _then(request, interaction_id, moment)
        return Answer(told(interaction_queries.view(was)), headers={"ETag": etag(was.version)})
    found = await _stored(request, interaction_id, await settled(request, READ_MODELS))
    # One that is not the caller's to read is missing, in the same time too; and a moment ago it may have become so.
    if found is None and (level := await caught_up(request, READ_MODELS)):
        found = await _stored(request, interaction_id, level)
    if found is None:
        raise NotFoundError("interaction")
    return Answer(told(interaction_queries.view(found)), headers={"ETag": etag(found.version)})


Read = Callable[..., Awaitable[tuple[list[Stored], list[str] | None]]]


async def _page(request: HttpRequest, query: Any, scope: list[Any], read: Read) -> Answer:
    """A page of a list, which `scope` defines and `read` reads."""
    caller, services = principal_of(request), services_of(request)
    scope = [*scope, query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await settled(request, _LISTED, at_least=moment.position if moment else 0)
    asked = partial(read, tenant_id=caller.tenant_id, after=after, limit=query.limit, as_of=moment)
    asked = partial(asked, authors=caller.owners(READING))
    rows, bound = await services.reads.ask(caller.tenant_id, asked, at_least=level)
    if not rows:
        note_filters(request, query)
    told = telling(caller, INTERACTIONS, kind=None)
    next_cursor = cursor_after(request, scope, bound, moment)
    return Answer(Page(data=[told(interaction_queries.view(row)) for row in rows], next_cursor=next_cursor))


async def _stored(request: HttpRequest, interaction_id: UUID, level: Level | None) -> Stored | None:
    """The interaction, where there is one that the caller may read."""
    caller = principal_of(request)
    query = partial(interaction_queries.by_id, tenant_id=caller.tenant_id, interaction_id=interaction_id)
    found = await services_of(request).reads.ask(caller.tenant_id, query, at_least=level)
    return found if found and caller.reaches(READING, found.author_id) else None


async def _then(request: HttpRequest, interaction_id: UUID, moment: Moment) -> Interaction:
    """An interaction folded from its events up to a moment, for who may read it now. Raises NotFoundError."""
    await settled(request, ())
    caller = principal_of(request)
    state = partial(services_of(request).handler.state, caller.tenant_id, "interaction", domain.evolve, interaction_id)
    if not caller.may(READING) and not caller.reaches(READING, (await state()).author_id):
        raise NotFoundError("interaction")
    found: Interaction = await state(up_to=moment.position)
    return found


ROUTER = Router(
    path="/v1",
    route_handlers=[
        log_interaction,
        batch_interactions,
        list_interactions,
        review_queue,
        next_actions,
        read_interaction,
        change_interaction,
        complete_interaction,
    ],
)
