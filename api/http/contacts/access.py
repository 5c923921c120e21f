"""Who could see a contact at a moment, and why, over HTTP."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from msgspec import Meta, Struct

from api.http import examples
from api.http.answer import Answer
from api.http.as_of import moment_of
from api.http.exchange import HttpRequest, path_id, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from commands.sight import SEEING, Sight, place, who_sees
from domain import contact
from domain.contact import Contact
from projections.position import Moment


class SightView(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"sources": "from"}):
    """Somebody who could see it: the permission, how far it reached, and the roles that gave it.

    `api_key_id` is there where it is a key that could, on behalf of the user.
    """

    user_id: UUID
    permission: str
    scope: str
    sources: tuple[str, ...]
    api_key_id: UUID | None = None


class AccessQuery(Struct, forbid_unknown_fields=True):
    """Moment and page of who could see a contact."""

    on: Annotated[datetime, Meta(tz=True, description="At this moment; without it, now.")] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/contacts/{contact_id:str}/access",
    **operation(
        summary="Who could see a contact at a moment, and why",
        description=(
            "From the log: the roles, teams, suspensions, keys and the contact's owner of that moment. A contact that"
            " was not there yet is missing, and one that was deleted by then is gone."
        ),
        tag="audit",
        permission="audit.read",
        query=AccessQuery,
        answers={200: Page[SightView]},
        errors=("contact.not_found", "contact.deleted", "contact.merged", "cursor.invalid"),
        result={"data": [examples.SIGHT], "next_cursor": None},
        read_after=True,
    ),
)
async def read_access(request: HttpRequest) -> Answer:
    """Everybody who could, in the order of their ids."""
    contact_id = path_id(request, "contact_id", "contact")
    query: AccessQuery = query_of(request, AccessQuery)
    tenant_id, services = principal_of(request).tenant_id, services_of(request)
    scope = ["contact_access", contact_id, query.on]
    cursor = services.cursors.read(query.cursor, tenant_id, scope) if query.cursor is not None else None
    after, position = cursor or (("", ""), None)
    await settled(request, ())
    moment = await _moment(request, query.on, position)
    load = partial(services.handler.state, tenant_id, up_to=moment.position)
    found: Contact = await load("contact", contact.evolve, contact_id)
    if found.deleted_at is not None:
        raise await services.handler.gone(tenant_id, "contact", contact.evolve, found, up_to=moment.position)
    access = await services.past_access.at(tenant_id, moment.position)
    sights = [one for one in who_sees(tenant_id, access, found.owner_id, moment.time) if place(one) > tuple(after)]
    page = sights[: query.limit]
    bound = (place(page[-1]), moment.position) if len(sights) > len(page) else None
    next_cursor = services.cursors.make(tenant_id, scope, bound) if bound else None
    return Answer(Page(data=[_view(one) for one in page], next_cursor=next_cursor))


async def _moment(request: HttpRequest, on: datetime | None, position: int | None) -> Moment:
    """The moment that is asked about: the log's end, when none is named."""
    if moment := await moment_of(request, on, position, name="on"):
        return moment
    services = services_of(request)
    if position is None:
        position = await services.store.head(principal_of(request).tenant_id)
    return Moment(services.clock(), position)


def _view(sight: Sight) -> SightView:
    return SightView(
        user_id=sight.user_id,
        permission=SEEING,
        scope=sight.scope.word,
        sources=sight.roles,
        api_key_id=sight.key_id,
    )


ROUTER = Router(path="/v1", route_handlers=[read_access])
