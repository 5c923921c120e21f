"""Contacts over HTTP: found by filters, by a text, or by both; in an order, or best first."""

from typing import Annotated

from litestar import post
from msgspec import Meta, Struct, structs

from api.http import reading
from api.http.answer import Answer
from api.http.contacts import examples_search as examples
from api.http.contacts.filter_values import fields_of
from api.http.contacts.filters import FilterGroup, Reader, SortKey
from api.http.contacts.search import FoundContact, found_page, within
from api.http.exchange import JSON, HttpRequest, NoQuery, check_media, principal_of, query_of, raw_body, services_of
from api.http.operation import operation
from api.http.shapes import Cursor, Limit, Page
from api.http.telling import HIDING
from api.http.tried import note_named
from commands.normalise import Problems
from commands.visible import CONTACTS, view_of
from projections.contacts.filters import Order
from projections.contacts.search import Sought

_DEFAULT = (Order("created_at"),)


class SearchBody(Struct, forbid_unknown_fields=True):
    """What to look for. Without `q` and `sort` the contacts come in the order in which they were made."""

    q: Annotated[str, Meta(min_length=1, max_length=200, description="As in GET.")] | None = None
    filter_groups: list[FilterGroup] = []
    sort: list[SortKey] = []
    limit: Limit = 50
    cursor: Cursor | None = None


@post(
    "/contacts/search",
    **operation(
        summary="Find contacts by filters, sorted",
        description=(
            "Groups are alternatives; the filters of a group must all hold. Texts are compared without case and "
            "accents. With `q` too, what fits it comes best first, unless `sort` is given. The header Search-Backend "
            f"tells which search answered. {HIDING} Filtering or sorting by a hidden field is refused."
        ),
        tag="contacts",
        permission="contacts.read",
        body=SearchBody,
        query=NoQuery,
        answers={200: Page[FoundContact]},
        errors=("cursor.invalid", "search.unavailable"),
        example=examples.SEARCH,
        result=examples.SELECTED,
        read_after=True,
        scoped=True,
    ),
    status_code=200,
)
async def select_contacts(request: HttpRequest) -> Answer:
    """Contacts for which filters hold."""
    query_of(request, NoQuery)
    check_media(request, JSON)
    caller = principal_of(request)
    read = reading.body(await raw_body(request), SearchBody)
    body, problems = read.value, Problems(read.errors)
    if body.q is not None and not body.q.isprintable():
        problems.add("/q", "text.control_character", "holds a control character; remove it")
    reader = Reader(fields_of(caller.custom.get("contact", {})), view_of(caller, CONTACTS), problems)
    where, order = reader.condition(body.filter_groups or ()), reader.order(body.sort or ())
    problems.raise_if_any()
    scope = ["contacts/select", body.q, body.filter_groups, body.sort]
    place = services_of(request).cursors.read(body.cursor, caller.tenant_id, scope) if body.cursor is not None else None
    sought = Sought(body.q, 0, body.limit + 1, within(caller), where, order)
    if body.q is None or order:
        sought = structs.replace(sought, order=order or _DEFAULT, after=tuple(place) if place else None)
    elif place:
        sought = structs.replace(sought, offset=place)
    page, backend = await found_page(request, sought, scope)
    if not page.data:
        note_named(request, reader.named)
    return Answer(page, headers={"Search-Backend": backend})
