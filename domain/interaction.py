"""An interaction: a call, a mail, a meeting or whatever else passed between us and a contact, as it was told."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET, Struct, UnsetType, structs

from domain.event import Event
from domain.personal import Personal


class Type(StrEnum):
    """What it was."""

    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"
    MESSAGE = "message"
    WEB_VISIT = "web_visit"
    TASK = "task"
    NOTE = "note"
    SYSTEM = "system"


class Channel(StrEnum):
    """By which way it went."""

    PHONE = "phone"
    EMAIL = "email"
    IN_PERSON = "in_person"
    VIDEO = "video"
    CHAT = "chat"
    SMS = "sms"
    WEB = "web"
    SOCIAL = "social"
    OTHER = "other"


class Direction(StrEnum):
    """Who came to whom; `internal` is among ourselves."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Participant(Struct, frozen=True, omit_defaults=True):
    """Somebody who took part: a contact, or a name or address that may be none yet."""

    contact_id: UUID | None = None
    name: str | None = None
    address: str | None = None
    role: str | None = None


class Attachment(Struct, frozen=True, omit_defaults=True):
    """A file that came with it, of which only this is kept: `size` in bytes, `media_type` like image/png."""

    name: str | None = None
    media_type: str | None = None
    size: int | None = None


class NextAction(Struct, frozen=True):
    """What was agreed to do next, and by when."""

    text: str
    due_at: datetime


class InteractionLogged(Event, topic="interaction.logged.v1", data_class="interaction"):
    """Something passed between us and a contact. `subject_id` is the contact, whose data the words are.

    `thread_id` is shared by what answers one another; `conversation_id` stands for it in what is counted, which
    outlasts a person's data. `revision` counts how often a calendar has told it.
    `outcome` is a word of the tenant's own vocabulary, which is counted by: no person's data, and never sealed.
    """

    subject_id: UUID | None = None
    type: Type | None = None
    channel: Channel = Channel.OTHER
    direction: Direction = Direction.INTERNAL
    occurred_at: datetime | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None
    lead_id: UUID | None = None
    author_id: UUID | None = None
    outcome: str | None = None
    duration_seconds: int | None = None
    due_at: datetime | None = None
    revision: int | None = None
    conversation_id: UUID | None = None
    participants: Personal[tuple[Participant, ...]] = ()
    attachments: Personal[tuple[Attachment, ...]] = ()
    subject: Personal[str | None] = None
    body: Personal[str | None] = None
    next_action: Personal[str | None] = None
    thread_id: Personal[str | None] = None
    external_id: Personal[str | None] = None


class InteractionChanged(Event, topic="interaction.changed.v1", data_class="interaction"):
    """Members of an interaction got other values; what is absent stayed as it was, None cleared it."""

    subject_id: UUID | None = None
    type: Type | UnsetType | None = UNSET
    channel: Channel | UnsetType = UNSET
    direction: Direction | UnsetType = UNSET
    occurred_at: datetime | UnsetType | None = UNSET
    contact_id: UUID | UnsetType | None = UNSET
    company_id: UUID | UnsetType | None = UNSET
    lead_id: UUID | UnsetType | None = UNSET
    author_id: UUID | UnsetType | None = UNSET
    outcome: str | UnsetType | None = UNSET
    duration_seconds: int | UnsetType | None = UNSET
    due_at: datetime | UnsetType | None = UNSET
    revision: int | UnsetType | None = UNSET
    conversation_id: UUID | UnsetType | None = UNSET
    participants: Personal[tuple[Participant, ...]] | UnsetType = UNSET
    attachments: Personal[tuple[Attachment, ...]] | UnsetType = UNSET
    subject: Personal[str | None] | UnsetType = UNSET
    body: Personal[str | None] | UnsetType = UNSET
    next_action: Personal[str | None] | UnsetType = UNSET
    thread_id: Personal[str | None] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The members that changed, by name."""
        found = {name: value for name, value in structs.asdict(self).items() if value is not UNSET}
        del found["subject_id"]
        return found


class Interaction(Struct, frozen=True, kw_only=True):
    """State of an interaction; `version` counts the stream's events.

    `occurred_at` is when it happened, `recorded_at` when it was told. `next_action` and `due_at` come together.
    """

    id: UUID
    version: int
    type: Type | None = None
    channel: Channel = Channel.OTHER
    direction: Direction = Direction.INTERNAL
    occurred_at: datetime | None = None
    recorded_at: datetime
    contact_id: UUID | None = None
    company_id: UUID | None = None
    lead_id: UUID | None = None
    author_id: UUID | None = None
    outcome: str | None = None
    duration_seconds: int | None = None
    due_at: datetime | None = None
    revision: int | None = None
    conversation_id: UUID | None = None
    participants: tuple[Participant, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    subject: str | None = None
    body: str | None = None
    next_action: str | None = None
    thread_id: str | None = None
    external_id: str | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


NEEDED = ("type", "contact_id", "occurred_at")
"""What must be known of an interaction for it to be complete."""

EVENTS = (InteractionLogged, InteractionChanged)


def conversation(tenant_id: UUID, thread_id: str) -> UUID:
    """What stands for a thread of a tenant: a digest, so whoever knows what one is called knows which one it is."""
    return uuid5(tenant_id, f"thread:{thread_id}")


def missing(interaction: Interaction) -> tuple[str, ...]:
    """What is still to be found out of an interaction; it stands in the review queue until nothing is."""
    return tuple(name for name in NEEDED if getattr(interaction, name) is None)


class Suggested(Struct, frozen=True):
    """Who would be the contact of an interaction, if they were one."""

    name: str | None
    email: str


_OTHERS = {Direction.INBOUND: {"to", "cc", "attendee"}, Direction.OUTBOUND: {"from", "organizer"}}
"""Roles of those who are not the other side, by direction."""


def suggested(interaction: Interaction) -> Suggested | None:
    """Who may be made the contact that is missing: the first of the other side who is none, and has an e-mail."""
    if interaction.contact_id is not None:
        return None
    others = _OTHERS.get(interaction.direction, set())
    for each in interaction.participants:
        if each.contact_id is None and "@" in (each.address or "") and each.role not in others:
            return Suggested(each.name, each.address or "")
    return None


def evolve(interaction: Interaction | None, event: Event, *, stream_id: UUID, at: datetime) -> Interaction:
    """Apply one event, recorded at `at`.

    Raises:
        TypeError: the event is none of an interaction's, or comes where it can't.
    """
    match interaction, event:
        case None, InteractionLogged():
            told = structs.asdict(event)
            del told["subject_id"]
            return Interaction(id=stream_id, version=1, recorded_at=at, created_at=at, updated_at=at, **told)
        case Interaction(version=version), InteractionChanged():
            return structs.replace(interaction, version=version + 1, updated_at=at, **event.changes())
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this interaction")
