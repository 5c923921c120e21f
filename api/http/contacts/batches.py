"""Contacts and companies over HTTP, many at once: added, or changed where they are there."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, post
from msgspec import Meta, Struct

from api.http.answer import Answer
from api.http.batching import BATCH_ERRORS, MOST, AllOrNothing, Batch, BatchResults, carry_out_batch, read_item
from api.http.companies.sight import sight_of
from api.http.companies.writes import placed
from api.http.contacts import examples_batches as examples
from api.http.contacts.reach import within_reach, within_sight
from api.http.contacts.there import READ_MODELS
from api.http.exchange import HttpRequest, WriteQuery, principal_of, services_of
from api.http.operation import operation
from api.http.read_after import caught_up
from api.http.shapes import DryRun
from commands.batch import upsert
from commands.batch.items import Asked, ByKey, Item, Matching
from commands.batch.upsert import MEMBERS, CompanyMatch, Match
from commands.companies.input import Ancestor, ChangeCompany, Placed, RegisterCompany
from commands.contacts.input import ChangeContact, RegisterContact
from commands.decision import Lookup
from commands.handle import UseCase
from commands.registry import CHANGE_COMPANY, CHANGE_CONTACT, REGISTER_COMPANY, REGISTER_CONTACT
from commands.sight import SEEING
from commands.visible import CONTACTS, View, view_of
from domain import company, contact
from domain.contact import Contact
from domain.errors import DomainError, FieldError, InvalidError
from projections.contacts import queries as contact_queries

_WRITE = "contacts.write"
_ITEMS = Meta(max_length=MOST, description=f"At most {MOST}.")
_TOLD = (
    "Each item is done by itself, in their order: one that is refused leaves the others alone, unless `all_or_nothing`"
    " is set. What is done is saved at once. Items see what those before them did: two that name a new company share"
    " it. With `match`, an item changes the record that is found by that member, as a PATCH would (200), and adds one"
    " where none is found (201). An Idempotency-Key stands for the whole batch, and is kept when anything was done."
)


class ContactBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Contacts to add, or to change where they are found."""

    items: Annotated[list[RegisterContact], _ITEMS]
    all_or_nothing: AllOrNothing = False
    match: Match | None = None


class CompanyBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Companies to add, or to change where they are found."""

    items: Annotated[list[RegisterCompany], _ITEMS]
    all_or_nothing: AllOrNothing = False
    match: CompanyMatch | None = None


@post(
    "/contacts/batch",
    status_code=200,
    **operation(
        summary="Add or change many contacts at once",
        description=f"{_TOLD} An e-mail finds who has it among others; one that several have is ambiguous.",
        tag="contacts",
        permission=_WRITE,
        body=ContactBatch,
        query=WriteQuery,
        answers={200: (BatchResults, DryRun)},
        errors=(*BATCH_ERRORS, "read_after.timeout"),
        example=examples.CONTACT_BATCH,
        result=examples.RESULTS,
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def batch_contacts(request: HttpRequest) -> Answer:
    """Contacts, item by item."""
    return await carry_out_batch(request, ContactBatch, partial(_contacts, request))


@post(
    "/companies/batch",
    status_code=200,
    **operation(
        summary="Add or change many companies at once",
        description=_TOLD,
        tag="companies",
        permission=_WRITE,
        body=CompanyBatch,
        query=WriteQuery,
        answers={200: (BatchResults, DryRun)},
        errors=BATCH_ERRORS,
        example=examples.COMPANY_BATCH,
        result=examples.COMPANY_RESULTS,
        writes=True,
        idempotent=True,
        scoped=True,
    ),
)
async def batch_companies(request: HttpRequest) -> Answer:
    """Companies, item by item."""
    sight_of(request, _WRITE, writing=True)
    return await carry_out_batch(request, CompanyBatch, partial(_companies, request))


async def _contacts(
    request: HttpRequest, batch: Batch
) -> tuple[Callable[[], Awaitable[Sequence[Item]]], Matching | None]:
    caller = principal_of(request)
    view = view_of(caller, CONTACTS)
    _check_seen(view, batch.match)
    register, change = (
        within_sight(within_reach(case, caller, _WRITE), view) for case in (REGISTER_CONTACT, CHANGE_CONTACT)
    )
    cases: _Cases = (register, change)
    made = [_contact(request, data, batch.match, view, cases) for data in batch.items]

    async def items() -> Sequence[Item]:
        return made

    find = partial(_by_email, request) if batch.match == Match.EMAIL else services_of(request).store.holders
    mark = upsert.EMAIL_MARK if batch.match == Match.EMAIL else None
    finding = Matching(kind="contact", evolve=contact.evolve, find=each(find), seen=upsert.seen_contact, mark=mark)
    return items, finding if batch.match else None


_Cases = tuple[UseCase[Any, Contact], UseCase[Any, Contact]]


def _contact(request: HttpRequest, data: Any, match: str | None, view: View, cases: _Cases) -> Item:
    register, change = cases
    added = read_item(data, RegisterContact, view)
    new = Asked(case=register, command=added.value, errors=added.errors)
    if match is None:
        return new
    keys = upsert.keys_of(added.value, match)
    if not keys:
        return without_key(new, data, match)
    changed = read_item(data, ChangeContact, view)
    caller = principal_of(request)

    def asks(states: Sequence[Contact]) -> Asked:
        seen = [state for state in states if caller.reaches(SEEING, state.owner_id)]
        if len(seen) > 1:
            raise upsert.ambiguous("contact", match, [state.id for state in seen])
        if not seen:
            return new
        command = upsert.as_change(changed.value, seen[0]) if match == Match.EMAIL else changed.value
        return Asked(case=change, command=command, errors=changed.errors, stream_id=seen[0].id)

    lookups = {*register.lookups(added.value), *change.lookups(changed.value)}
    return ByKey(keys=keys, asks=asks, lookups=tuple(lookups))


async def _companies(
    request: HttpRequest, batch: Batch
) -> tuple[Callable[[], Awaitable[Sequence[Item]]], Matching | None]:
    view = sight_of(request, _WRITE)

    async def items() -> Sequence[Item]:
        place = partial(_placed, request, {})
        return [await _company(data, batch.match, view, place) for data in batch.items]

    find = each(services_of(request).store.holders)
    finding = Matching(kind="company", evolve=company.evolve, find=find, seen=upsert.seen_company)
    return items, finding if batch.match else None


_Place = Callable[[RegisterCompany | ChangeCompany], Awaitable[Placed[Any]]]


async def _placed(
    request: HttpRequest, lines: dict[object, Sequence[Ancestor]], command: RegisterCompany | ChangeCompany
) -> Placed[Any]:
    """A command with the companies above it, which are looked up once for all items with the same parent."""
    if command.parent_id not in lines:
        lines[command.parent_id] = (await placed(request, command)).line
    return Placed(command, lines[command.parent_id])


async def _company(data: Any, match: str | None, view: View, place: _Place) -> Item:
    added = read_item(data, RegisterCompany, view)
    new = Asked(case=REGISTER_COMPANY, command=await place(added.value), errors=added.errors)
    if match is None:
        return new
    keys = upsert.keys_of(added.value, match)
    if not keys:
        return without_key(new, data, match)
    changed = read_item(data, ChangeCompany, view)
    change = await place(changed.value)

    def asks(states: Sequence[Any]) -> Asked:
        if len(states) > 1:
            raise upsert.ambiguous("company", match, [state.id for state in states])
        if not states:
            return new
        return Asked(case=CHANGE_COMPANY, command=change, errors=changed.errors, stream_id=states[0].id)

    return ByKey(keys=keys, asks=asks)


def without_key(new: Asked, data: Any, match: str) -> Asked:
    """An item that nothing can be found by. What it has there and is not valid, the decision tells."""
    has_some = isinstance(data, dict) and any(data.get(name) for name in {MEMBERS[match], f"{MEMBERS[match]}s"})
    return new if has_some else Asked(case=new.case, command=new.command, errors=(*new.errors, upsert.missing(match)))


def _check_seen(view: View, match: str | None) -> None:
    """Refuse to find contacts by what the caller must not see."""
    if match and view.hides(MEMBERS[match]):
        raise InvalidError([FieldError("/match", "field.hidden", "is about a field that your roles hide")])


def each(
    find: Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, Any]]],
) -> Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, Sequence[UUID]]]]:
    """A look-up of records by their keys, where each key has at most one, or a list."""

    async def found(tenant_id: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
        answers = await find(tenant_id, keys)
        return {key: held if isinstance(held, list) else [held] for key, held in answers.items()}

    return found


async def _by_email(request: HttpRequest, tenant_id: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
    """The contacts with some e-mails, as of the log's end: what was added a moment ago must not be added again."""
    level = await caught_up(request, READ_MODELS)
    if level is None:
        raise DomainError(
            "read_after.timeout",
            "what contacts are found by does not include the last changes yet",
            hint="Send the batch again in a moment; nothing was saved.",
        )
    query = partial(contact_queries.by_emails, emails=[email for _, email in keys])
    found = await services_of(request).reads.ask(tenant_id, query, at_least=level)
    return {(upsert.EMAIL, email): ids for email, ids in found.items()}


ROUTER = Router(path="/v1", route_handlers=[batch_contacts, batch_companies])
