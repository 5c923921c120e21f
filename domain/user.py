"""A user: a person who signs in to one tenant."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from domain import second_factor
from domain.event import Event
from domain.personal import Personal
from domain.second_factor import SecondFactor


class Status(StrEnum):
    """Whether a user may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    INVITED = "invited"


class SignOut(StrEnum):
    """Why all sessions of a user ended at once."""

    ASKED = "asked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  a reason, no password
    PASSWORD_RESET = "password_reset"  # noqa: S105  as above


class UserRegistered(Event, topic="user.registered.v1", data_class="user"):
    """A user joined the tenant, with a password (stored as its hash only)."""

    name: Personal[str]
    email: Personal[str]
    password_hash: Personal[str]
    roles: tuple[str, ...]


class Link(Struct, frozen=True):
    """What a mail offers: to whoever has the token with this digest, until it expires."""

    digest: str
    expires_at: datetime


class UserInvited(Event, topic="user.invited.v1", data_class="user"):
    """Somebody was asked by mail to join the tenant."""

    email: Personal[str]
    roles: tuple[str, ...]
    link: Link


class UserJoined(Event, topic="user.joined.v1", data_class="user"):
    """Somebody who was invited joined, with a password of their own choice."""

    name: Personal[str]
    password_hash: Personal[str]


class UserResetRequested(Event, topic="user.reset_requested.v1"):
    """A user who may have forgotten the password was sent a mail about it."""

    link: Link


class UserChanged(Event, topic="user.changed.v1", data_class="user"):
    """Members of a user's profile got new values; what is absent stayed, None cleared it."""

    name: Personal[str] | UnsetType = UNSET
    title: Personal[str | None] | UnsetType = UNSET
    phone: Personal[str | None] | UnsetType = UNSET
    timezone: Personal[str | None] | UnsetType = UNSET
    locale: Personal[str | None] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The members that changed, by name."""
        return {name: value for name, value in structs.asdict(self).items() if value is not UNSET}


class UserRolesChanged(Event, topic="user.roles_changed.v1"):
    """A user holds these roles from now on, and no others."""

    roles: tuple[str, ...]


class UserSuspended(Event, topic="user.suspended.v1"):
    """A user may not do anything until restored; every session is over."""


class UserRestored(Event, topic="user.restored.v1"):
    """A user who was suspended may sign in again."""


class UserPasswordChanged(Event, topic="user.password_changed.v1", data_class="user"):
    """A user has another password."""

    password_hash: Personal[str]


class UserPasswordRehashed(Event, topic="user.password_rehashed.v1", data_class="user"):
    """The same password under another hash: the policy for hashes has changed, or it came from elsewhere."""

    password_hash: Personal[str]


class UserSignedOut(Event, topic="user.signed_out.v1"):
    """Every session that a user had by then is over."""

    reason: SignOut


class User(Struct, frozen=True, kw_only=True):
    """State of a user; `version` counts the stream's events.

    `epoch` counts what ended all sessions: one that began in an earlier epoch is over.
    """

    id: UUID
    version: int
    name: str
    email: str
    password_hash: str
    roles: tuple[str, ...]
    status: Status = Status.ACTIVE
    title: str | None = None
    phone: str | None = None
    timezone: str | None = None
    locale: str | None = None
    epoch: int = 0
    link: Link | None = None
    second_factor: SecondFactor | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    @property
    def totp_enabled(self) -> bool:
        """Whether a second factor is asked for."""
        return self.second_factor is not None and self.second_factor.confirmed


EVENTS = (
    *(UserInvited, UserJoined, UserResetRequested),
    *(UserRegistered, UserChanged, UserRolesChanged, UserSuspended, UserRestored),
    *(UserPasswordChanged, UserPasswordRehashed, UserSignedOut),
    *second_factor.EVENTS,
)


def evolve(user: User | None, event: Event, *, stream_id: UUID, at: datetime) -> User:
    """Apply one event.

    Raises:
        TypeError: the event is none of a user's, or comes where it can't.
    """
    if isinstance(event, UserRegistered) and user is None:
        return User(id=stream_id, version=1, created_at=at, updated_at=at, **structs.asdict(event))
    if isinstance(event, UserInvited) and user is None:
        return User(
            id=stream_id,
            version=1,
            created_at=at,
            updated_at=at,
            name="",
            password_hash="",
            status=Status.INVITED,
            **structs.asdict(event),
        )
    if user is None:
        raise TypeError(f"{type(event).__name__} comes before its user")
    return structs.replace(user, version=user.version + 1, updated_at=at, **_changes(user, event))


def _changes(user: User, event: Event) -> dict[str, Any]:
    match event:
        case UserChanged():
            return event.changes()
        case UserRolesChanged(roles=roles):
            return {"roles": roles}
        case UserSuspended():
            return {"status": Status.SUSPENDED, "epoch": user.epoch + 1}
        case UserRestored():
            return {"status": Status.ACTIVE if user.password_hash else Status.INVITED}
        case UserSignedOut():
            return {"epoch": user.epoch + 1}
        case _:
            return _credentials(user, event)


def _credentials(user: User, event: Event) -> dict[str, Any]:
    match event:
        case UserJoined(name=name, password_hash=password_hash):
            return {"name": name, "password_hash": password_hash, "status": Status.ACTIVE, "link": None}
        case UserResetRequested(link=link):
            return {"link": link}
        case UserPasswordChanged(password_hash=password_hash):
            return {"password_hash": password_hash, "link": None}
        case UserPasswordRehashed(password_hash=password_hash):
            return {"password_hash": password_hash}
        case _:
            return {"second_factor": second_factor.evolve(user.second_factor, event)}
