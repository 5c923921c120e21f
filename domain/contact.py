"""A contact: a person that the tenant knows. Facts, state and the rules of both."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field, structs

from domain.contact_union import united
from domain.event import Event
from domain.personal import Personal


class Name(Struct, frozen=True):
    """A person's name; `display` is how it is shown, whatever order the culture has."""

    given: str | None = None
    family: str | None = None
    display: str | None = None


class Email(Struct, frozen=True):
    """An e-mail address in normal form; of a contact's several, one is primary."""

    value: str
    kind: str = "work"
    primary: bool = False


class Phone(Struct, frozen=True):
    """A phone number as E.164; of a contact's several, one is primary."""

    value: str
    kind: str = "work"
    primary: bool = False


class Lifecycle(StrEnum):
    """How far the relationship has come."""

    SUBSCRIBER = "subscriber"
    LEAD = "lead"
    PROSPECT = "prospect"
    OPPORTUNITY = "opportunity"
    CUSTOMER = "customer"
    EVANGELIST = "evangelist"
    PARTNER = "partner"
    FORMER = "former"
    OTHER = "other"


class ContactRegistered(Event, topic="contact.registered.v1", data_class="contact"):
    """A contact became known."""

    name: Personal[Name]
    emails: Personal[tuple[Email, ...]] = ()
    phones: Personal[tuple[Phone, ...]] = ()
    company_id: UUID | None = None
    title: Personal[str | None] = None
    tags: Personal[tuple[str, ...]] = ()
    owner_id: UUID | None = None
    external_ids: Personal[dict[str, str]] = field(default_factory=dict)
    lifecycle: Lifecycle = Lifecycle.LEAD
    custom: Personal[dict[str, Any]] = field(default_factory=dict)


class ContactChanged(Event, topic="contact.changed.v1", data_class="contact"):
    """Fields of a contact got new values; what is absent stayed as it was, None cleared it."""

    name: Personal[Name] | UnsetType = UNSET
    emails: Personal[tuple[Email, ...]] | UnsetType = UNSET
    phones: Personal[tuple[Phone, ...]] | UnsetType = UNSET
    company_id: UUID | UnsetType | None = UNSET
    title: Personal[str | None] | UnsetType = UNSET
    tags: Personal[tuple[str, ...]] | UnsetType = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    external_ids: Personal[dict[str, str]] | UnsetType = UNSET
    lifecycle: Lifecycle | UnsetType = UNSET
    custom: Personal[dict[str, Any]] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that changed, by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class ContactDeleted(Event, topic="contact.deleted.v1"):
    """A contact was deleted; its history stays."""


class ContactRestored(Event, topic="contact.restored.v1"):
    """A deleted contact was brought back, as it was."""


class Side(StrEnum):
    """Of two contacts that are merged, the one that goes and the one that stays."""

    FROM = "from"
    INTO = "into"


class ContactMerged(Event, topic="contact.merged.v1"):
    """A contact turned out to be another one, into which it went."""

    into: UUID


class ContactAbsorbed(Event, topic="contact.absorbed.v1", data_class="contact"):
    """Another contact was merged into this one: what it held then, and whose value was chosen, by field.

    What that makes of this contact is for `evolve` to say; these are the personal data of `subject_id`, the other one.
    """

    subject_id: UUID
    choose: dict[str, Side] = field(default_factory=dict)
    name: Personal[Name] = Name()
    emails: Personal[tuple[Email, ...]] = ()
    phones: Personal[tuple[Phone, ...]] = ()
    company_id: UUID | None = None
    title: Personal[str | None] = None
    tags: Personal[tuple[str, ...]] = ()
    owner_id: UUID | None = None
    external_ids: Personal[dict[str, str]] = field(default_factory=dict)
    lifecycle: Lifecycle = Lifecycle.LEAD
    custom: Personal[dict[str, Any]] = field(default_factory=dict)
    former_ids: Personal[tuple[tuple[str, str], ...]] = ()


class ContactUnmerged(Event, topic="contact.unmerged.v1"):
    """A contact is itself again, as it was when it was merged into another."""

    into: UUID


class ContactSeparated(Event, topic="contact.separated.v1", data_class="contact"):
    """Another contact, merged into this one, was taken out again: the fields that have another value without it."""

    from_id: UUID
    name: Personal[Name] | UnsetType = UNSET
    emails: Personal[tuple[Email, ...]] | UnsetType = UNSET
    phones: Personal[tuple[Phone, ...]] | UnsetType = UNSET
    company_id: UUID | UnsetType | None = UNSET
    title: Personal[str | None] | UnsetType = UNSET
    tags: Personal[tuple[str, ...]] | UnsetType = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    external_ids: Personal[dict[str, str]] | UnsetType = UNSET
    lifecycle: Lifecycle | UnsetType = UNSET
    custom: Personal[dict[str, Any]] | UnsetType = UNSET
    former_ids: Personal[tuple[tuple[str, str], ...]] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that changed, by name."""
        return {name: value for name in HELD if (value := getattr(self, name)) is not UNSET}


HELD = tuple(name for name in ContactSeparated.__struct_fields__ if name != "from_id")
"""What a contact holds, by field: all that goes into another one with it."""


class Contact(Struct, frozen=True, kw_only=True):
    """State of a contact; `version` counts the stream's events.

    One that was merged is gone like a deleted one, and `merged_into` says where; `merged_from` are those that went
    into this one and are still in it, `former_ids` (system, value) what they, or it, were known by besides.
    """

    id: UUID
    version: int
    name: Name
    emails: tuple[Email, ...] = ()
    phones: tuple[Phone, ...] = ()
    company_id: UUID | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    owner_id: UUID | None = None
    external_ids: dict[str, str] = field(default_factory=dict)
    lifecycle: Lifecycle = Lifecycle.LEAD
    custom: dict[str, Any] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    merged_into: UUID | None = None
    merged_from: tuple[UUID, ...] = ()
    former_ids: tuple[tuple[str, str], ...] = ()


MERGING = (ContactMerged, ContactAbsorbed, ContactUnmerged, ContactSeparated)
EVENTS = (ContactRegistered, ContactChanged, ContactDeleted, ContactRestored, *MERGING)


def evolve(contact: Contact | None, event: Event, *, stream_id: UUID, at: datetime) -> Contact:
    """Apply one event, recorded at `at`.

    Raises:
        TypeError: the event is none of a contact's, or comes where it can't (a change of what isn't there).
    """
    match contact, event:
        case None, ContactRegistered():
            return Contact(id=stream_id, version=1, created_at=at, updated_at=at, **structs.asdict(event))
        case Contact(version=version), ContactChanged():
            return structs.replace(contact, version=version + 1, updated_at=at, **event.changes())
        case Contact(version=version), ContactDeleted():
            return structs.replace(contact, version=version + 1, updated_at=at, deleted_at=at)
        case Contact(version=version), ContactRestored():
            return structs.replace(contact, version=version + 1, updated_at=at, deleted_at=None)
        case Contact(version=version), _ if isinstance(event, MERGING):
            return structs.replace(contact, version=version + 1, **_by_merging(contact, event, at))
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this contact")


def _by_merging(contact: Contact, event: Event, at: datetime) -> dict[str, Any]:
    """What becomes of a contact by merging and by the opposite."""
    match event:
        case ContactMerged(into=into):
            return {"deleted_at": at, "updated_at": at, "merged_into": into}
        case ContactUnmerged():
            return {"deleted_at": None, "updated_at": at, "merged_into": None}
        case ContactAbsorbed(subject_id=from_id):
            merged_from = (*contact.merged_from, from_id)
            return {**united(contact, event, event.choose), "updated_at": at, "merged_from": merged_from}
        case ContactSeparated(from_id=from_id):
            merged_from = tuple(each for each in contact.merged_from if each != from_id)
            return {**event.changes(), "updated_at": at, "merged_from": merged_from}
        case _:
            raise TypeError(f"{type(event).__name__} merges nothing")
