"""What a security officer looks at: the security events of the log in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.event import Event, Recorded
from domain.second_factor import RecoveryCodeUsed, TotpConfirmed, TotpDisabled
from domain.security import RefreshReused, SecondFactorFailed, SignInFailed
from projections.history import ActorView, actor_view


class SecurityEventKind(StrEnum):
    """What happened."""

    SIGN_IN_FAILED = "sign_in_failed"
    REFRESH_REUSED = "refresh_reused"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"


class Severity(StrEnum):
    """How soon it should be looked at."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class _Told(Struct, frozen=True):
    event: type[Event]
    severity: Severity
    detail: str


_TOLD: Mapping[SecurityEventKind, _Told] = MappingProxyType(
    {
        SecurityEventKind.SIGN_IN_FAILED: _Told(
            SignInFailed, Severity.LOW, "somebody gave a wrong password for this user"
        ),
        SecurityEventKind.REFRESH_REUSED: _Told(
            RefreshReused, Severity.HIGH, "a refresh token of this user was used twice, so its session has ended"
        ),
        SecurityEventKind.SECOND_FACTOR_FAILED: _Told(
            SecondFactorFailed, Severity.HIGH, "somebody knew the password of this user and gave a wrong second factor"
        ),
        SecurityEventKind.TOTP_ENABLED: _Told(TotpConfirmed, Severity.LOW, "this user switched a second factor on"),
        SecurityEventKind.TOTP_DISABLED: _Told(
            TotpDisabled, Severity.MEDIUM, "this user switched the second factor off"
        ),
        SecurityEventKind.RECOVERY_CODE_USED: _Told(
            RecoveryCodeUsed, Severity.MEDIUM, "this user signed in with a recovery code"
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
    kind: SecurityEventKind
    severity: Severity
    actor: ActorView | None
    address: str | None
    detail: str
    user: Person | None
    correlation_id: str


def topics_of(kind: SecurityEventKind | None) -> tuple[str, ...]:
    """The topics of a kind, or of all."""
    return tuple(told.event.TOPIC for each, told in _TOLD.items() if kind in {None, each})


def users_of(recorded: Sequence[Recorded[Any]]) -> list[UUID]:
    """The users whom events are about."""
    return [_user_of(item) for item in recorded]


def told(recorded: Sequence[Recorded[Any]], names: Mapping[UUID, str]) -> list[SecurityEvent]:
    """Events in words, in the same order; `names` are those of users by id."""
    return [_one(item, names) for item in recorded]


def _one(item: Recorded[Any], names: Mapping[UUID, str]) -> SecurityEvent:
    kind = next(kind for kind, told in _TOLD.items() if isinstance(item.event, told.event))
    actor, user_id = actor_view(item, names), _user_of(item)
    return SecurityEvent(
        position=item.position,
        at=item.recorded_at,
        kind=kind,
        severity=_TOLD[kind].severity,
        actor=actor if actor.id else None,
        address=item.metadata.address,
        detail=_TOLD[kind].detail,
        user=Person(user_id, names.get(user_id)),
        correlation_id=item.metadata.correlation_id,
    )


def _user_of(item: Recorded[Any]) -> UUID:
    """Whom an event is about: it says so, or is one of the user's own."""
    user_id: UUID = getattr(item.event, "user_id", item.stream_id)
    return user_id
