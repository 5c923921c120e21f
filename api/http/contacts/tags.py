"""The tags of contacts over HTTP: which there are, and how many contacts have each."""

from functools import partial
from typing import Annotated

from litestar import get
from msgspec import Meta, Struct

from api.http.answer import Answer
from api.http.contacts import examples_acts as examples
from api.http.contacts.there import READ_MODELS
from api.http.exchange import HttpRequest, principal_of, query_of, services_of
from api.http.operation import operation
from api.http.read_after import settled
from api.http.shapes import Cursor, Limit, Page
from commands.sight import SEEING
from commands.visible import CONTACTS, view_of
from projections.contacts import tags as contact_tags
from projections.contacts.tags import TagCount, TagSort


class TagQuery(Struct, forbid_unknown_fields=True):
    """Which tags, and in which order."""

    q: Annotated[str, Meta(max_length=64, description="How the tags begin, case apart.")] = ""
    sort: TagSort = TagSort.COUNT_DESC
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/tags",
    **operation(
        summary="List the tags of contacts",
        description=(
            "Each with how many contacts have it, case apart, of those that the caller may read; none to whom roles"
            " hide tags."
        ),
        tag="contacts",
        permission=SEEING,
        query=TagQuery,
        answers={200: Page[TagCount]},
        errors=("cursor.invalid",),
        example={"q": "v"},
        result=examples.ALL_TAGS,
        read_after=True,
        scoped=True,
    ),
)
async def list_tags(request: HttpRequest) -> Answer:
    """A page of tags."""
    query: TagQuery = query_of(request, TagQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["tags", query.q, query.sort]
    after = services.cursors.read(query.cursor, caller.tenant_id, scope) if query.cursor is not None else None
    level = await settled(request, READ_MODELS)
    if view_of(caller, CONTACTS).hides("tags"):
        return Answer(Page[TagCount](data=[], next_cursor=None))
    page = partial(contact_tags.page, tenant_id=caller.tenant_id, begins=query.q, sort=query.sort, after=after)
    page = partial(page, limit=query.limit, owners=caller.owners(SEEING))
    tags, bound = await services.reads.ask(caller.tenant_id, page, at_least=level)
    next_cursor = services.cursors.make(caller.tenant_id, scope, bound) if bound else None
    return Answer(Page(data=tags, next_cursor=next_cursor))
