"""Taking an import back, from the log: contacts that it made are deleted, fields that it wrote get back what they were.

What somebody has changed since stays as it is, field by field, and is listed. Nothing but the log is needed, so an
import can be taken back long after its file is gone.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from commands.batch.batches import Batches
from commands.batch.items import Asked, ByKey, Matching
from commands.batch.results import Result
from commands.contacts.input import AddressInput, ChangeContact, CompanyInput, DeleteContact, NameInput
from commands.decision import Context, Lookup
from commands.handle import UseCase
from commands.imports.errors import RowError, packed
from commands.imports.ports import UNDO, Parts, StoppedError
from commands.imports.rows import ID, keys_of
from commands.imports.undo_companies import makes_companies
from commands.ports import EventStore, StreamEvents
from commands.registry import DELETE_CONTACT
from commands.visible import View
from domain.contact import Contact, evolve
from domain.errors import DomainError
from domain.event import Event, Recorded
from domain.imports import Import, ImportUndoAdvanced, ImportUndone, UndoCounts

_PAGE = 500
_FIELDS = ("name", "emails", "phones", "company_id", "title", "tags", "owner_id", "lifecycle")
_BY_KEY = ("external_ids", "custom")
_VIEWED = {"company_id": "company"}


class Written(Struct, frozen=True):
    """A contact that the import has written: what it was before (None: it was made), and all that is there by now.

    `fields` are those that the import wrote, with the values of before and of after it.
    """

    contact: Contact
    before: Contact | None
    fields: dict[str, tuple[Any, Any]]
    others: bool


class Undoing(Struct, frozen=True):
    """What an import is taken back with. `change` is what the caller may do to contacts, `view` to their fields."""

    store: EventStore
    parts: Parts
    batches: Batches
    context: Context
    view: View
    change: UseCase[Any, Contact]
    delete: UseCase[Any, Contact] = DELETE_CONTACT

    async def go_on(
        self, state: Import, first: int, last: int, version: Callable[[], Awaitable[int]]
    ) -> tuple[Event, ...]:
        """Take back a page of what it wrote between two positions of the log; what that adds to the import's stream.

        Raises:
            StoppedError: another worker is ahead, or somebody changes a contact right now.
        """
        after = max(state.undone_to, first - 1)
        page = await self.store.read(self.context.tenant_id, after=after, limit=_PAGE)
        page = [item for item in page if item.position <= last]
        until = page[-1].position if len(page) == _PAGE else last
        mark = f"import:{state.id}"
        ids = {item.stream_id for item in page if item.metadata.causation_id == mark and _is_of_contact(item)}
        written = await self._written(ids, mark, after)
        listed: list[RowError] = []
        items = [self._item(each, listed) for each in written]
        events: list[Event] = []

        async def closing(results: Sequence[Result]) -> Sequence[StreamEvents]:
            refused = [*listed, *_refusals(written, results)]
            if refused:
                await self.parts.put(self.context.tenant_id, state.id, UNDO, state.version, packed(refused))
            counts = _counted(written, results, len(refused))
            if await version() != state.version:
                raise StoppedError
            events[:] = [ImportUndoAdvanced(position=until, counts=counts)]
            if until >= last and not makes_companies(state):
                events.append(ImportUndone())
            return (StreamEvents(state.id, state.version, tuple(events)),)

        async def find(_: UUID, keys: Any) -> dict[Lookup, list[UUID]]:
            return {key: [UUID(key[1])] for key in keys}

        matching = Matching(kind="contact", evolve=evolve, find=find, seen=keys_of)
        await self.batches.handle(self.context, items, matching=matching, closing=closing)
        return tuple(events)

    async def _written(self, ids: set[UUID], mark: str, after: int) -> list[Written]:
        """The contacts whose first event of the import is in this page; those of pages before are done with."""
        recorded = await self.store.load_several(self.context.tenant_id, dict.fromkeys(ids, 0))
        streams: dict[UUID, list[Recorded[Event]]] = {}
        for item in recorded:
            streams.setdefault(item.stream_id, []).append(item)
        found = []
        for events in streams.values():
            first = next(item for item in events if item.metadata.causation_id == mark)
            if first.position > after and (one := _history(events, mark)) is not None:
                found.append(one)
        return found

    def _item(self, one: Written, listed: list[RowError]) -> ByKey:
        contact = one.contact
        kept = _changed_since(one)
        if one.before is None and one.others:
            patch = None
        else:
            kept += [name for name in one.fields if name not in kept and not self._may_write(name)]
            patch = None if one.before is None else _patch(one, kept)
        listed += [_refusal(contact.id, name) for name in kept]

        def asks(states: Sequence[Contact]) -> Asked:
            now = next(iter(states), None)
            if now is None or now.version != contact.version:
                raise StoppedError
            if one.before is None and not one.others:
                return Asked(case=self.delete, command=DeleteContact(), stream_id=contact.id)
            return Asked(case=self.change, command=patch or ChangeContact(), stream_id=contact.id)

        return ByKey(keys=((ID, str(contact.id)),), asks=asks, lookups=self.change.lookups(patch or ChangeContact()))

    def _may_write(self, name: str) -> bool:
        return self.view.access(_VIEWED.get(name, name)).value == "write"


def _is_of_contact(item: Recorded[Event]) -> bool:
    return item.event.TOPIC.startswith("contact.")


def _history(events: Sequence[Recorded[Event]], mark: str) -> Written | None:
    """What the import has done to a contact; None when the contact is gone."""
    state: Contact | None = None
    before: Contact | None = None
    fields: dict[str, tuple[Any, Any]] = {}
    mine = others = False
    for item in events:
        if item.erased:
            return None
        after = evolve(state, item.event, stream_id=item.stream_id, at=item.recorded_at)
        if item.metadata.causation_id == mark:
            before = state if not mine else before
            mine = True
            for name, (old, new) in _differences(state, after).items():
                fields[name] = (fields[name][0] if name in fields else old, new)
        elif mine:
            others = True
        state = after
    if state is None or state.deleted_at is not None:
        return None
    return Written(state, before, fields, others)


def values_of(contact: Contact | None) -> dict[str, Any]:
    """A contact's fields, those with keys one by one."""
    if contact is None:
        return {}
    found = {name: getattr(contact, name) for name in _FIELDS}
    for name in _BY_KEY:
        found |= {f"{name}.{key}": value for key, value in getattr(contact, name, {}).items()}
    return found


def _differences(before: Contact | None, after: Contact) -> dict[str, tuple[Any, Any]]:
    old, new = values_of(before), values_of(after)
    return {name: (old.get(name), new.get(name)) for name in {*old, *new} if old.get(name) != new.get(name)}


def _changed_since(one: Written) -> list[str]:
    """Fields that somebody has changed since; of a contact that the import made, also those that were added."""
    now = values_of(one.contact)
    changed = sorted(name for name, (_, wrote) in one.fields.items() if now.get(name) != wrote)
    if one.before is None and one.others:
        changed += sorted(name for name in now if name not in one.fields and now[name])
        return changed or ["id"]
    return changed


def _patch(one: Written, kept: Sequence[str]) -> ChangeContact:
    """What gives the fields their values of before."""
    members: dict[str, Any] = {}
    for name, (old, _) in one.fields.items():
        if name in kept:
            continue
        root, _, key = name.partition(".")
        if key:
            members.setdefault(root, {})[key] = old
        elif name == "company_id":
            members["company"] = None if old is None else CompanyInput(id=old)
        elif name == "name":
            members["name"] = NameInput(**structs.asdict(old))
        elif name in {"emails", "phones"}:
            members[name] = [AddressInput(value=each.value, kind=each.kind, primary=each.primary) for each in old]
        elif name == "tags":
            members["tags"] = list(old)
        else:
            members[name] = old
    return ChangeContact(**members)


def _refusal(contact_id: UUID, name: str) -> RowError:
    text = f"of contact {contact_id} was changed since, and stays as it is"
    return RowError(
        0, name, "import.changed_since", text, "Set it by hand, if that is what is wanted.", str(contact_id)
    )


def _refusals(written: Sequence[Written], results: Sequence[Result]) -> list[RowError]:
    """Contacts that could not be set back at all: a value of before is taken by now, or it is out of reach."""
    found = []
    for one, result in zip(written, results, strict=True):
        if result.error:
            error: DomainError = result.error
            text = f"contact {one.contact.id} stays as it is: {error.detail}"
            found.append(RowError(0, "", error.code, text, error.hint, str(one.contact.id)))
    return found


def _counted(written: Sequence[Written], results: Sequence[Result], refused: int) -> UndoCounts:
    done = [one for one, result in zip(written, results, strict=True) if result.events]
    deleted = sum(one.before is None and not one.others for one in done)
    return UndoCounts(deleted=deleted, restored=len(done) - deleted, refused=refused)
