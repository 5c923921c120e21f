"""Given these events, when that is asked, then this happens: contacts without a store, a clock or a server."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

import msgspec

from commands.contacts import contact as commands
from commands.contacts import tags as contact_tags
from commands.contacts.input import ChangeContact, ChangeTags, DeleteContact, RegisterContact, RestoreContact
from commands.decision import Decision, Given
from commands.ports import Claim
from domain import contact as domain
from domain.contact import (
    Contact,
    ContactChanged,
    ContactDeleted,
    ContactRegistered,
    ContactRestored,
    Email,
    Name,
    Phone,
)
from domain.custom_field import CustomField, CustomFieldDefined, FieldType, RecordKind, stream_of
from domain.custom_field import evolve as evolve_custom_field
from domain.errors import DomainError, FieldError
from domain.event import Event

TENANT = UUID("019b0000-0000-7000-8000-000000000001")
CALLER = UUID("019b0000-0000-7000-8000-000000000002")
ADA = UUID("019b0000-0000-7000-8000-000000000003")
START = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

Command = RegisterContact | ChangeContact | DeleteContact | RestoreContact | ChangeTags


def some_id(number: int) -> UUID:
    """The same id for the same number, every time."""
    return uuid5(TENANT, str(number))


def register(**members: Any) -> RegisterContact:
    """A registration as a client would send it."""
    return msgspec.convert(members, RegisterContact)


def change(**members: Any) -> ChangeContact:
    """A merge patch as a client would send it."""
    return msgspec.convert(members, ChangeContact)


def delete() -> DeleteContact:
    """A deletion."""
    return DeleteContact()


def restore() -> RestoreContact:
    """A restoration."""
    return RestoreContact()


def tag(**members: Any) -> ChangeTags:
    """Tags on and off as a client would send them."""
    return msgspec.convert(members, ChangeTags)


def registered(display: str = "Ada Lovelace", **fields: Any) -> ContactRegistered:
    """The event that starts a contact."""
    given_name, _, family = display.partition(" ")
    name = Name(given=given_name or None, family=family or None, display=display or None)
    members: dict[str, Any] = {"name": name, "owner_id": CALLER} | fields
    return ContactRegistered(**members)


def changed(**fields: Any) -> ContactChanged:
    """The event that changes a contact."""
    return ContactChanged(**fields)


def deleted() -> ContactDeleted:
    """The event that ends a contact."""
    return ContactDeleted()


def custom_field(key: str, kind: str = "text", *more: Event, **members: Any) -> CustomField:
    """The state of a custom field of contacts: defined with these members, then whatever more has happened."""
    first = CustomFieldDefined(kind=RecordKind.CONTACT, key=key, label=key.title(), type=FieldType(kind), **members)
    stream_id, state = stream_of(TENANT, "contact", key), None
    for event in (first, *more):
        state = evolve_custom_field(state, event, stream_id=stream_id, at=START)
    assert state is not None
    return state


def emails(*values: str) -> tuple[Email, ...]:
    """Addresses; the first is the primary one."""
    return tuple(Email(value, primary=n == 0) for n, value in enumerate(values))


def phones(*values: str) -> tuple[Phone, ...]:
    """Numbers; the first is the primary one."""
    return tuple(Phone(value, primary=n == 0) for n, value in enumerate(values))


def external_id(system: str, value: str) -> Claim:
    """The claim behind an external id of the contact that these stories are about."""
    return Claim(TENANT, f"contact.external_id/{system}", value, ADA)


def restored() -> ContactRestored:
    """The event that brings a contact back."""
    return ContactRestored()


class Story:
    """What is known before something is asked."""

    def __init__(self, events: tuple[Event, ...]) -> None:
        self._events = events
        self._found: dict[tuple[str, str], UUID] = {}
        self._unreadable: tuple[FieldError, ...] = ()
        self._custom: dict[str, CustomField] = {}

    @property
    def state(self) -> Contact | None:
        """The events, folded; each is recorded a minute after the one before."""
        state = None
        for minutes, event in enumerate(self._events):
            state = domain.evolve(state, event, stream_id=ADA, at=START + timedelta(minutes=minutes))
        return state

    def found(self, kind: str, value: object, held_by: UUID) -> Self:
        """A look-up that has an answer."""
        self._found[kind, str(value)] = held_by
        return self

    def unreadable(self, *errors: FieldError) -> Self:
        """Members of the body that could not be read."""
        self._unreadable = errors
        return self

    def with_field(self, key: str, kind: str = "text", **members: Any) -> Self:
        """A custom field of contacts; `members` as its events have them."""
        self._custom[key] = custom_field(key, kind, **members)
        return self

    def when(self, command: Command) -> "Told":
        """Ask."""
        ids: Iterator[UUID] = map(some_id, range(1, 100))
        known: Given[Contact] = Given(
            tenant_id=TENANT,
            stream_id=ADA,
            state=self.state,
            now=START,
            new_id=lambda: next(ids),
            caller=CALLER,
            found=self._found,
            errors=self._unreadable,
            custom=self._custom,
        )
        try:
            return Told(_decide(command, known), None)
        except DomainError as refusal:
            return Told(None, refusal)


class Told:
    """What came of it."""

    def __init__(self, decision: Decision | None, refusal: DomainError | None) -> None:
        self._decision = decision
        self.refusal = refusal

    @property
    def decision(self) -> Decision:
        """What was decided, which must not be a refusal."""
        assert self._decision is not None, f"was refused: {self.refusal and self.refusal.errors}"
        return self._decision

    def then(self, *events: Event) -> Self:
        """These events, and no others, of the contact itself."""
        assert self.decision.events == events
        return self

    def then_nothing(self) -> None:
        """Nothing to store at all."""
        assert self.decision == Decision()

    def then_refused(self, code: str, errors: Mapping[str, str] | None = None) -> None:
        """A refusal with this code and these bad fields: pointer to code."""
        assert self.refusal is not None, f"was not refused: {self._decision}"
        assert self.refusal.code == code
        assert {error.pointer: error.code for error in self.refusal.errors} == (errors or {})

    def claims(self, *claims: Claim) -> Self:
        """These unique values are taken."""
        assert self.decision.claims == claims
        return self

    def releases(self, *claims: Claim) -> Self:
        """These unique values are freed."""
        assert self.decision.releases == claims
        return self


def given(*events: Event) -> Story:
    """What has happened to the contact so far; nothing when it is not there yet."""
    return Story(events)


def ada(**fields: Any) -> Story:
    """A contact with something in every field."""
    known: dict[str, Any] = {
        "emails": emails("ada@engines.example", "countess@home.example"),
        "phones": phones("+442079460018"),
        "company_id": some_id(901),
        "title": "Countess",
        "tags": ("math",),
        "external_ids": {"erp": "7", "shop": "x"},
    }
    return given(registered("Ada Lovelace", **known | fields))


def _decide(command: Command, known: Given[Contact]) -> Decision:
    match command:
        case RegisterContact():
            return commands.register(command, known)
        case ChangeContact():
            return commands.change(command, known)
        case DeleteContact():
            return commands.delete(command, known)
        case RestoreContact():
            return commands.restore(command, known)
        case ChangeTags():
            return contact_tags.change(command, known)
