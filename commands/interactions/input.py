"""What can be asked of interactions: the commands and their parts, as they come in."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commands.contacts.input import RegisterContact
from domain.interaction import Channel, Direction, Type

Moment = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[int, Meta(ge=0, le=31_536_000)]
Size = Annotated[int, Meta(ge=0, le=2**53)]


class ParticipantInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody who took part: a contact, or a name or address; `role` is a word like host or cc."""

    contact_id: UUID | None = None
    name: str | None = None
    address: str | None = None
    role: str | None = None


class AttachmentInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A file that came with it, which is not kept itself; `size` in bytes."""

    name: str | None = None
    media_type: str | None = None
    size: Size | None = None


class NextActionInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to do next, and by when."""

    text: str
    due_at: Moment


class LogInteraction(Struct, forbid_unknown_fields=True, kw_only=True):
    """What passed between us and a contact. What is not known yet may be left out, and is asked for later."""

    type: Type | None = None
    channel: Channel | None = None
    direction: Direction | None = None
    occurred_at: Moment | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None
    lead_id: UUID | None = None
    participants: list[ParticipantInput] | None = None
    attachments: list[AttachmentInput] | None = None
    subject: str | None = None
    body: str | None = None
    outcome: str | None = None
    duration_seconds: Seconds | None = None
    next_action: NextActionInput | None = None
    thread_id: str | None = None
    external_id: str | None = None
    author_id: UUID | None = None


class ChangeInteraction(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch (RFC 7396): absent members stay, null clears, lists and the next action are replaced."""

    type: Type | UnsetType | None = UNSET
    channel: Channel | UnsetType | None = UNSET
    direction: Direction | UnsetType | None = UNSET
    occurred_at: Moment | UnsetType | None = UNSET
    contact_id: UUID | UnsetType | None = UNSET
    company_id: UUID | UnsetType | None = UNSET
    lead_id: UUID | UnsetType | None = UNSET
    participants: list[ParticipantInput] | UnsetType | None = UNSET
    attachments: list[AttachmentInput] | UnsetType | None = UNSET
    subject: str | UnsetType | None = UNSET
    body: str | UnsetType | None = UNSET
    outcome: str | UnsetType | None = UNSET
    duration_seconds: Seconds | UnsetType | None = UNSET
    next_action: NextActionInput | UnsetType | None = UNSET
    thread_id: str | UnsetType | None = UNSET
    author_id: UUID | UnsetType | None = UNSET


class CompleteInteraction(ChangeInteraction, forbid_unknown_fields=True, kw_only=True):
    """The same, where the contact that it was with may be made in the same step, or found by its external ids."""

    contact: RegisterContact | None = None
