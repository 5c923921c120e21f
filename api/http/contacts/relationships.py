"""What contacts are to each other, over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Router, delete, get, put
from msgspec import UNSET, Struct, UnsetType, structs

from api.http.answer import Answer
from api.http.as_of import AsOf
from api.http.contacts import examples_relationships as examples
from api.http.contacts.there import READ_MODELS, contact_now, contact_then, require_contact
from api.http.exchange import JSON, HttpRequest, WriteQuery, path_id, principal_of, query_of, services_of, write_headers
from api.http.operation import operation
from api.http.paging import cursor_after, page_asked
from api.http.read_after import settled
from api.http.reading import Readable
from api.http.shapes import Cursor, DryRun, Limit, Page, dry_run_answer
from api.http.telling import HIDING, events_told
from api.http.writing import NoBody, carry_out
from commands.contacts.related import ending_all, pair
from commands.contacts.relationship import REVERSES, EndRelationship, Kinds, SetRelationship
from commands.handle import UseCase
from commands.registry import END_RELATIONSHIP, SET_RELATIONSHIP
from commands.sight import SEEING
from commands.visible import CONTACTS, View, view_of
from domain import contact
from domain.contact import Name
from domain.errors import DomainError, FieldError
from domain.relationship import Relationship
from projections.contacts import family as contact_family
from projections.contacts import past as contact_past
from projections.contacts import relationship as relationship_rows
from projections.contacts import relationship_queries
from projections.contacts.family import by_family
from projections.contacts.relationship_queries import Related

_NOW = (relationship_rows.PROJECTION.checkpoint, contact_family.PROJECTION.checkpoint, *READ_MODELS)
_THEN = (*_NOW, contact_past.PROJECTION.checkpoint)
_WRITING = "contacts.write"
_OTHER_WAY = ", ".join(f"{kind}/{REVERSES[kind]}" for kind in ("parent", "manager", "assistant", "referred_by"))


class OtherContact(Struct, frozen=True, kw_only=True):
    """The contact at the other end; without its name for those who must not see names."""

    id: UUID
    name: Name | UnsetType = UNSET


class RelationshipView(Struct, frozen=True, kw_only=True):
    """A relationship seen from one contact: the other one is `kind` to it, and it is `reverse_kind` to that."""

    id: UUID
    version: int
    contact_id: UUID
    other_id: UUID
    other: OtherContact
    kind: str
    reverse_kind: str
    created_at: datetime
    updated_at: datetime


class RelationshipsQuery(Struct, forbid_unknown_fields=True):
    """Moment and page of a list of relationships."""

    as_of: AsOf | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@get(
    "/contacts/{contact_id:str}/relationships",
    **operation(
        summary="A contact's relationships to other contacts",
        description=(
            "Oldest first, from this contact's side whoever set them. Those to contacts that are deleted, or beyond the"
            f" reach of the caller's contacts.read, are left out. {HIDING}"
        ),
        tag="contacts",
        permission=SEEING,
        query=RelationshipsQuery,
        answers={200: Page[RelationshipView]},
        errors=("contact.not_found", "contact.deleted", "cursor.invalid"),
        result={"data": [examples.RELATIONSHIP], "next_cursor": None},
        read_after=True,
        scoped=True,
    ),
)
async def list_relationships(request: HttpRequest) -> Answer:
    """What others are to a contact."""
    contact_id = path_id(request, "contact_id", "contact")
    query: RelationshipsQuery = query_of(request, RelationshipsQuery)
    caller, services = principal_of(request), services_of(request)
    scope = ["relationships", contact_id, query.as_of]
    after, moment = await page_asked(request, query, scope)
    level = await (settled(request, _THEN, at_least=moment.position) if moment else settled(request, _NOW))
    await (contact_then(request, contact_id, moment) if moment else contact_now(request, contact_id, level))
    page = partial(relationship_queries.page, after=after, limit=query.limit, as_of=moment)
    owners, tenant_id = caller.owners(SEEING), caller.tenant_id
    ask = by_family(
        lambda connection, ids: page(connection, tenant_id, ids, owners=owners), tenant_id, contact_id, moment
    )
    rows, bound = await services.reads.ask(tenant_id, ask, at_least=level)
    next_cursor = cursor_after(request, scope, bound, moment)
    view = view_of(caller, CONTACTS)
    return Answer(Page(data=[related(row, contact_id, view) for row in rows], next_cursor=next_cursor))


@put(
    "/contacts/{contact_id:str}/relationships/{other_id:str}",
    **operation(
        summary="Set what two contacts are to each other",
        description=(
            "`kind` says what the other contact is to this one, `reverse_kind` what this one is to the other. Any words"
            " will do; they are kept in lower case. Without `reverse_kind` it follows from the kind where that has a"
            f" counterpart ({_OTHER_WAY} and so on), and else is the same. There is one relationship between two"
            " contacts: another kind takes the place of the one before. The answer is 201 where there was none."
        ),
        tag="contacts",
        permission=_WRITING,
        body=Kinds,
        query=WriteQuery,
        answers={200: (RelationshipView, DryRun), 201: RelationshipView},
        errors=("contact.not_found", "contact.deleted", "relationship.self"),
        example=examples.KINDS,
        result=examples.RELATIONSHIP,
        results={201: examples.RELATIONSHIP},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def set_relationship(request: HttpRequest) -> Answer:
    """Set it, from whichever end."""
    return await _write(request, SET_RELATIONSHIP, Kinds)


@delete(
    "/contacts/{contact_id:str}/relationships/{other_id:str}",
    status_code=200,  # as DELETE of a contact
    **operation(
        summary="End a relationship",
        tag="contacts",
        permission=_WRITING,
        query=WriteQuery,
        answers={204: None, 200: DryRun},
        errors=(
            "contact.not_found",
            "contact.deleted",
            "relationship.not_found",
            "relationship.deleted",
            "relationship.self",
            "body.too_large",
        ),
        results={200: examples.DRY_END},
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def end_relationship(request: HttpRequest) -> Answer:
    """End it, from whichever end."""
    return await _write(request, END_RELATIONSHIP, NoBody)


async def _write(request: HttpRequest, case: UseCase[Any, Relationship], body: type[Any]) -> Answer:
    contact_id, other_id = (path_id(request, name, "contact") for name in ("contact_id", "other_id"))

    async def admit(_: Relationship | None) -> None:
        await require_contact(request, contact_id, _WRITING)
        await require_contact(request, other_id)
        if contact_id == other_id:
            raise _to_oneself()

    caller, handler = principal_of(request), services_of(request).handler
    found = await pair(handler, caller.tenant_id, contact_id, other_id)

    async def understand(readable: Readable[Any]) -> tuple[Any, Sequence[FieldError]]:
        if body is NoBody:
            return EndRelationship(), readable.errors
        ids = {"contact_id": found.contact_id, "other_id": found.other_id}
        return SetRelationship(**ids, kinds=readable.value), readable.errors

    case = structs.replace(ending_all(case, found.others) if body is NoBody else case, admit=admit)
    dry_run, outcome = await carry_out(request, case, body, JSON, understand, stream_id=found.stream_id)
    headers = write_headers(outcome, location=f"/v1/contacts/{contact_id}/relationships/{other_id}")
    if case.status == 204 and not dry_run:  # noqa: PLR2004
        return Answer(None, status=204, headers=headers)
    other = await handler.state(caller.tenant_id, "contact", contact.evolve, other_id)
    seen = structs.replace(found.seen(outcome.state), other_id=other_id)
    shown = _view(seen, contact_id, other.name, view_of(caller, CONTACTS))
    return (
        dry_run_answer(outcome, shown, events_told(caller))
        if dry_run
        else Answer(shown, status=outcome.status, headers=headers)
    )


_SHARED = tuple(name for name in RelationshipView.__struct_fields__ if name not in {"contact_id", "other"})


def related(row: Related, contact_id: UUID, view: View) -> RelationshipView:
    """A relationship as it is told of a contact to somebody with this view of contacts."""
    return _view(row, contact_id, row.name, view)


def _view(found: Related | Relationship, contact_id: UUID, name: Name, view: View) -> RelationshipView:
    other = OtherContact(id=found.other_id, name=UNSET if view.hides("name") else name)
    members = {each: getattr(found, each) for each in _SHARED}
    return RelationshipView(contact_id=contact_id, other=other, **members)


def _to_oneself() -> DomainError:
    return DomainError(
        "relationship.self",
        "a contact has no relationship to itself",
        hint="Name another contact as the last part of the path.",
    )


ROUTER = Router(path="/v1", route_handlers=[list_relationships, set_relationship, end_relationship])
