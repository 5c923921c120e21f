"""API keys: how programs, and AI agents, act in a tenant under a name and roles of their own."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from domain.event import Event


class ApiKeyIssued(Event, topic="api_key.issued.v1"):
    """A key, under a name. Of its secret the digest alone is stored; `prefix` is how the key begins.

    `user_id` is for whom it acts: what is theirs, and their teams', is within its reach.
    """

    name: str
    roles: tuple[str, ...]
    user_id: UUID
    prefix: str
    digest: str
    expires_at: datetime | None = None


class ApiKeyRevoked(Event, topic="api_key.revoked.v1"):
    """A key opens nothing any more."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """State of a key; `version` counts the stream's events."""

    id: UUID
    version: int
    name: str
    roles: tuple[str, ...]
    user_id: UUID
    prefix: str
    digest: str
    expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


EVENTS = (ApiKeyIssued, ApiKeyRevoked)


def evolve(key: ApiKey | None, event: Event, *, stream_id: UUID, at: datetime) -> ApiKey:
    """Apply one event.

    Raises:
        TypeError: the event is none of a key's, or comes where it can't.
    """
    match key, event:
        case None, ApiKeyIssued():
            return ApiKey(id=stream_id, version=1, created_at=at, updated_at=at, **structs.asdict(event))
        case ApiKey(version=version), ApiKeyRevoked():
            return structs.replace(key, version=version + 1, updated_at=at, deleted_at=at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this key")
