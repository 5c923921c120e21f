"""A user: a person who signs in to one tenant."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.event import Event


class UserRegistered(Event, topic="user.registered.v1"):
    """A user joined the tenant, with a password of their own choice (stored as its hash only)."""

    name: str
    email: str
    password_hash: str
    roles: tuple[str, ...]


class User(Struct, frozen=True, kw_only=True):
    """State of a user; `version` counts the stream's events."""

    id: UUID
    version: int
    name: str
    email: str
    password_hash: str
    roles: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


def evolve(user: User | None, event: Event, *, stream_id: UUID, at: datetime) -> User:
    """Apply one event.

    Raises:
        TypeError: the event is none of a user's.
    """
    match user, event:
        case None, UserRegistered(name=name, email=email, password_hash=password_hash, roles=roles):
            return User(
                id=stream_id,
                version=1,
                name=name,
                email=email,
                password_hash=password_hash,
                roles=roles,
                created_at=at,
                updated_at=at,
            )
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this user")
