"""A portion of rows: all of it is decided together, and written in one append with how far the import has got."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct, structs

from commands.batch.batches import Batches, Closing, FindAll
from commands.batch.items import Asked, ByKey, Matching
from commands.batch.results import Result
from commands.batch.upsert import EMAIL_MARK
from commands.cells import unguarded
from commands.decision import Context, Lookup
from commands.folded import FoldedStates
from commands.identity.access import Principal, lacking
from commands.identity.accounts import EMAIL_CLAIM, login_name
from commands.imports import policy as import_policy
from commands.imports import rows as import_rows
from commands.imports.errors import RowError, errors_of
from commands.imports.file import Portion
from commands.imports.met import Met
from commands.imports.policy import SkippedError
from commands.imports.ports import Parts, Queue
from commands.imports.rows import EMAIL, EXTERNAL, ID, PHONE, Columns, Wish
from commands.ports import Clock, EventStore, NewId
from commands.sight import SEEING
from domain.contact import Contact, ContactRegistered, evolve
from domain.custom_field import CustomField, RecordKind
from domain.event import Event
from domain.imports import Import, Policy
from domain.tenant import PLATFORM

PERMISSION = "contacts.import"
MOST_COMPARED = 10_000
"""Rows of a file that is looked at for likeness before it is written: for a larger one that would take longer than all
else, and the list of duplicates has it soon after."""
_MARK = structs.replace(EMAIL_MARK, sparing=True)
_AT_ONCE = 50
"""Rows between two looks at what else there is to do."""


class Addresses(Protocol):
    """Who has an e-mail or a phone."""

    async def who_has(
        self, tenant_id: UUID, emails: Collection[str], phones: Collection[str], *, at_least: int
    ) -> Mapping[Lookup, Sequence[UUID]]:
        """Contacts by (contact.email or contact.phone, address); a read model's answer, so some may be out of date.

        It includes the log up to a position; StoreUnavailableError where it does not.
        """
        ...


class Alike(Struct, frozen=True):
    """Who a new contact probably is: a contact that is there, or an earlier one of the same list, by its place.

    `sure` when it is probable enough to be taken for the same, and the tenant has contacts merged without being asked.
    """

    contact_id: UUID | None
    earlier: int | None
    sure: bool


class People(Protocol):
    """Who is there, for rows that say it otherwise."""

    async def alike(self, tenant_id: UUID, contacts: Sequence[Contact]) -> Sequence[Alike | None]:
        """For each of some new contacts, whom it probably is; None where nobody is likely."""
        ...


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a row. `match` is the contact that was there."""

    number: int
    action: str
    contact: Contact | None = None
    match: UUID | None = None
    matched_by: str | None = None
    company: str | None = None
    suggested: bool = False
    events: tuple[Event, ...] = ()
    errors: tuple[RowError, ...] = ()


class Deciding(Struct, frozen=True):
    """What rows are decided with."""

    batches: Batches
    store: EventStore
    find: FindAll
    addresses: Addresses
    people: People
    new_id: NewId
    clock: Clock

    async def user_named(self, tenant_id: UUID, cell: str) -> UUID | None:
        """The user whom a cell names by e-mail or id."""
        if "@" in cell:
            holder = await self.store.holder(PLATFORM, EMAIL_CLAIM, login_name(cell))
            return holder.stream_id if holder and holder.tenant_id == tenant_id else None
        try:
            asked = ("user", str(UUID(cell)))
        except ValueError:
            return None
        return (await self.find(tenant_id, [asked])).get(asked)


class Imports(Struct, frozen=True):
    """What files are taken in and tried with.

    `batches` decides on states that are in no store. A file has at most `most_bytes`.
    """

    parts: Parts
    queue: Queue
    deciding: Deciding
    batches: Callable[[FoldedStates], Batches]
    most_bytes: int


class Rows:
    """Decides the rows of one import, for whoever started it."""

    def __init__(self, tools: Deciding, state: Import, caller: Principal, columns: Columns) -> None:
        self._tools = tools
        self._state = state
        self._caller = caller
        self._columns = columns
        self._owners: dict[str, UUID | None] = {}
        refusal = lacking(PERMISSION)
        self._register = import_policy.REGISTER
        self._change = import_policy.CHANGE
        if not caller.may(PERMISSION):
            self._register = import_policy.within(self._register, self._reaches, refusal)
            self._change = import_policy.within(self._change, self._reaches, refusal)

    async def decide(
        self,
        context: Context,
        portion: Portion,
        *,
        met: Met,
        closing: Callable[[Sequence[Outcome]], Awaitable[Sequence[Any]]] | None = None,
    ) -> list[Outcome]:
        """What becomes of each row, and unless the context says otherwise it is written.

        `met` says whom earlier portions have met, and is told whom this one has; `closing` is told what becomes of the
        rows before it is written, and gives what goes with it.

        Raises:
            DomainError, StoreUnavailableError: see commands.batch.batches.
        """
        wishes = await self._wishes(portion)
        await self._compare(wishes)
        matched: dict[int, tuple[UUID, str]] = {}
        items = [self._item(wish, matched) for wish in wishes]
        mark = None if self._state.policy is Policy.CREATE else _MARK
        matching = Matching(kind="contact", evolve=evolve, find=self._finder(met), seen=import_rows.keys_of, mark=mark)
        found: list[Outcome] = []

        async def told(results: Sequence[Result]) -> Sequence[Any]:
            found[:] = [
                self._outcome(wish, result, matched, portion) for wish, result in zip(wishes, results, strict=True)
            ]
            return await closing(found) if closing else ()

        close: Closing = told
        outcome = await self._tools.batches.handle(context, items, matching=matching, closing=close)
        if not found:
            await told(outcome.results)
        met.remember(outcome.position, [each.contact for each in found if each.contact is not None and each.events])
        return found

    async def _wishes(self, portion: Portion) -> list[Wish]:
        columns = await self._with_owners(portion)
        made = []
        for place, cells in enumerate(portion.rows):
            if cells:
                made.append(import_rows.wish(portion.first + place, cells, columns))
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)  # others are served meanwhile
        return made

    async def _compare(self, wishes: Sequence[Wish]) -> None:
        """Find who is probably there under another spelling; the surest of them are as good as the same."""
        for wish in wishes:
            wish.new_id = self._tools.new_id()
        if self._state.rows > MOST_COMPARED:
            return
        named = [wish for wish in wishes if not wish.problems]
        now = self._tools.clock()
        tentative = [import_rows.tentative(wish, wish.new_id, now) for wish in named]
        for wish, alike in zip(named, await self._tools.people.alike(self._caller.tenant_id, tentative), strict=True):
            if alike is None:
                continue
            found = alike.contact_id or (named[alike.earlier].new_id if alike.earlier is not None else None)
            wish.suggested = found is not None
            if alike.sure and found is not None:
                wish.keys = (*wish.keys, (ID, str(found)))

    async def _with_owners(self, portion: Portion) -> Columns:
        place = self._columns.owner_place
        if place is None:
            return self._columns
        cells = {unguarded(row[place]) for row in portion.rows if place < len(row)} - {""}
        for cell in cells - self._owners.keys():
            self._owners[cell] = await self._tools.user_named(self._caller.tenant_id, cell)
        owners = {cell: owner for cell, owner in self._owners.items() if owner is not None}
        return structs.replace(self._columns, owners=owners)

    def _item(self, wish: Wish, matched: dict[int, tuple[UUID, str]]) -> ByKey:
        def asks(states: Sequence[Contact]) -> Asked:
            seen = [state for state in states if self._caller.reaches(SEEING, state.owner_id)]
            contact = None
            if self._state.policy is not Policy.CREATE:
                contact = import_policy.about(wish, seen)
            matched.pop(wish.number, None)
            if contact is not None:
                keys = set(import_rows.keys_of(contact))
                by = next(key[0].removeprefix("contact.") for key in wish.keys if key in keys)
                matched[wish.number] = contact.id, "likeness" if by == "id" and not wish.contact_id else by
            return import_policy.asked(wish, contact, self._state.policy, self._register, self._change)

        return ByKey(keys=wish.keys, asks=asks, lookups=self._register.lookups(wish.command))

    def _finder(self, met: Met) -> Callable[[UUID, Collection[Lookup]], Awaitable[Mapping[Lookup, Sequence[UUID]]]]:
        async def find(tenant_id: UUID, keys: Collection[Lookup]) -> Mapping[Lookup, Sequence[UUID]]:
            if self._state.policy is Policy.CREATE:
                return {}
            emails = [value for kind, value in keys if kind == EMAIL]
            phones = [value for kind, value in keys if kind == PHONE]
            found: dict[Lookup, list[UUID]] = {}
            having = await self._tools.addresses.who_has(tenant_id, emails, phones, at_least=met.applied)
            for answers in (having, met.whom(keys)):
                for key, ids in answers.items():
                    found.setdefault(key, []).extend(ids)
            external = [key for key in keys if key[0].startswith(EXTERNAL)]
            for key, holder in (await self._tools.find(tenant_id, external) if external else {}).items():
                found[key] = [holder]
            found |= {key: [UUID(key[1])] for key in keys if key[0] == ID}
            return found

        return find

    def _outcome(
        self, wish: Wish, result: Result, matched: Mapping[int, tuple[UUID, str]], portion: Portion
    ) -> Outcome:
        match, by = matched.get(wish.number, (None, None))
        if isinstance(result.error, SkippedError):
            return Outcome(number=wish.number, action="skip", match=match, matched_by=by)
        if result.error:
            cells = portion.rows[wish.number - portion.first]
            errors = tuple(errors_of(wish, result.error, self._columns.names, cells))
            return Outcome(number=wish.number, action="fail", match=match, matched_by=by, errors=errors)
        action = self._action(result)
        return Outcome(
            number=wish.number,
            action=action,
            contact=result.state,
            match=match,
            matched_by=by,
            company=wish.members.get("company"),
            suggested=action == "create" and wish.suggested,
            events=result.events,
        )

    def _action(self, result: Result) -> str:
        if not result.events:
            return "skip"
        if any(isinstance(event, ContactRegistered) for event in result.events):
            return "create"
        return "update" if self._state.policy is Policy.UPDATE else "merge"

    def _reaches(self, owner_id: UUID | None) -> bool:
        return self._caller.reaches(PERMISSION, owner_id)


def customs_of(caller: Principal) -> dict[str, CustomField]:
    """The tenant's own fields of contacts that there are now."""
    return {key: each for key, each in caller.custom.get(RecordKind.CONTACT, {}).items() if each.deleted_at is None}


def columns_of(state: Import, caller: Principal) -> Columns:
    """The columns of an import as it stands."""
    types = {key: each.rule.type.value for key, each in customs_of(caller).items()}
    return import_rows.columns(state.columns, state.mapping, orders=state.dates, types=types, country=state.country)
