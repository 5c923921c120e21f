"""What a security officer looks at: the security events of the log in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded
from domain.security import RefreshReused, SignInFailed
from projections.history import ActorView, actor_view


class Kind(StrEnum):
    """What happened."""

    SIGN_IN_FAILED = "sign_in_failed"
    REFRESH_REUSED = "refresh_reused"


class Severity(StrEnum):
    """How soon it should be looked at."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class _Told(Struct, frozen=True):
    event: type[Event]
    severity: Severity
    detail: str


_TOLD: Mapping[Kind, _Told] = MappingProxyType(
    {
        Kind.SIGN_IN_FAILED: _Told(
            SignInFailed, Severity.LOW, "somebody gave a wrong password, or a wrong second factor, for this user"
        ),
        Kind.REFRESH_REUSED: _Told(
            RefreshReused, Severity.HIGH, "a refresh token of this user was used twice, so its session has ended"
        ),
    }
)


class Person(Struct, frozen=True):
    """The user whom it is about."""

    id: UUID
    name: str | None


class SecurityEvent(Struct, frozen=True, kw_only=True):
    """One of them; `actor` is None where it is not known who it was."""

    position: int
    at: datetime
    kind: Kind
    severity: Severity
    actor: ActorView | None
    address: str | None
    detail: str
    user: Person | None
    correlation_id: str


def topics_of(kind: Kind | None) -> tuple[str, ...]:
    """The topics of a kind, or of all."""
    return tuple(told.event.TOPIC for each, told in _TOLD.items() if kind in {None, each})


def users_of(recorded: Sequence[Recorded[Any]]) -> list[UUID]:
    """The users whom events are about."""
    return [item.event.user_id for item in recorded]


def told(recorded: Sequence[Recorded[Any]], names: Mapping[UUID, str]) -> list[SecurityEvent]:
    """Events in words, in the same order; `names` are those of users by id."""
    return [_one(item, names) for item in recorded]


def _one(item: Recorded[Any], names: Mapping[UUID, str]) -> SecurityEvent:
    kind = next(kind for kind, told in _TOLD.items() if isinstance(item.event, told.event))
    actor = actor_view(item, names)
    return SecurityEvent(
        position=item.position,
        at=item.recorded_at,
        kind=kind,
        severity=_TOLD[kind].severity,
        actor=actor if actor.id else None,
        address=item.metadata.address,
        detail=_TOLD[kind].detail,
        user=Person(item.event.user_id, names.get(item.event.user_id)),
        correlation_id=item.metadata.correlation_id,
    )
