"""What users are told of, what they have read of it, and how they want to be told: facts and states."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct, structs

from domain.event import Event


class Kind(StrEnum):
    """What users are told of."""

    LEAD_INACTIVE = "lead_inactive"
    """Nothing has happened with a lead of theirs for long."""
    LEAD_ASSIGNED = "lead_assigned"
    """Somebody gave them a lead."""
    MENTION = "mention"
    """Somebody named them in a note."""


class Mailed(StrEnum):
    """When users are told by mail."""

    INSTANT = "instant"
    DIGEST = "digest"
    OFF = "off"


class Preference(Struct, frozen=True):
    """How a user is told of a kind of thing."""

    app: bool = True
    mail: Mailed = Mailed.INSTANT


class NotificationRead(Event, topic="notification.read.v1"):
    """A user has read a notification; its id is the stream."""

    user_id: UUID


class InboxRead(Event, topic="inbox.read.v1"):
    """A user has read all notifications of events up to a position."""

    user_id: UUID
    up_to: int


class PreferencesSet(Event, topic="notification_preferences.set.v1"):
    """A user wants to be told like this from now on; kinds that are not named, as usual."""

    user_id: UUID
    kinds: dict[Kind, Preference]
    digest_hour: int | None = None


class Read(Struct, frozen=True, kw_only=True):
    """State of what was read: one notification, or all up to a position."""

    id: UUID
    version: int
    user_id: UUID
    up_to: int | None = None
    read_at: datetime
    deleted_at: datetime | None = None


class Preferences(Struct, frozen=True, kw_only=True):
    """State of a user's preferences; version 0 where none were ever set. `digest_hour` None is the tenant's."""

    id: UUID
    version: int = 0
    kinds: Mapping[Kind, Preference] = {}
    digest_hour: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None

    def of(self, kind: Kind) -> Preference:
        """How the user is told of a kind of thing."""
        return self.kinds.get(kind, Preference())


def notification_id(stream_id: UUID, version: int, user_id: UUID) -> UUID:
    """What a user is told by an event: the same, however often it is found out."""
    return uuid5(stream_id, f"{version}/{user_id}")


def inbox_id(user_id: UUID) -> UUID:
    """The stream of how far a user has read."""
    return uuid5(user_id, "inbox")


def preferences_id(user_id: UUID) -> UUID:
    """The stream of a user's preferences."""
    return uuid5(user_id, "notification_preferences")


def evolve_read(read: Read | None, event: Event, *, stream_id: UUID, at: datetime) -> Read:
    """Apply one event.

    Raises:
        TypeError: the event is not about reading.
    """
    version = read.version + 1 if read else 1
    match event:
        case NotificationRead(user_id=user_id):
            return Read(id=stream_id, version=version, user_id=user_id, read_at=read.read_at if read else at)
        case InboxRead(user_id=user_id, up_to=up_to):
            return Read(id=stream_id, version=version, user_id=user_id, up_to=up_to, read_at=at)
        case _:
            raise TypeError(f"{type(event).__name__} reads nothing")


def evolve_preferences(preferences: Preferences | None, event: Event, *, stream_id: UUID, at: datetime) -> Preferences:
    """Apply one event.

    Raises:
        TypeError: the event sets no preferences.
    """
    if not isinstance(event, PreferencesSet):
        raise TypeError(f"{type(event).__name__} sets no preferences")
    version, began = (preferences.version, preferences.created_at) if preferences else (0, at)
    values: dict[str, Any] = structs.asdict(event)
    del values["user_id"]
    return Preferences(id=stream_id, version=version + 1, created_at=began, updated_at=at, **values)
