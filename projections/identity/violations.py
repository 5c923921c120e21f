"""What the platform's operator is told of attempts across tenants: the security events of the platform's own log."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.event import Actor, Event, Recorded
from domain.security import CrossTenantAttempted, CrossTenantAttemptsCounted, NamedIdsUnseen
from domain.tenant import PLATFORM
from projections.audit import AuditLog, Wanted


class Kind(StrEnum):
    """What happened."""

    ATTEMPTED = "cross_tenant_attempted"
    COUNTED = "cross_tenant_attempts_counted"
    UNSEEN = "named_ids_unseen"


_EVENTS: dict[Kind, type[Event]] = {
    Kind.ATTEMPTED: CrossTenantAttempted,
    Kind.COUNTED: CrossTenantAttemptsCounted,
    Kind.UNSEEN: NamedIdsUnseen,
}


class By(Struct, frozen=True):
    """Who: a user or an API key of a tenant; the system, without an id, for several of the tenant together."""

    kind: str
    id: UUID | None
    tenant_id: UUID


class Target(Struct, frozen=True):
    """The record of another tenant."""

    kind: str
    id: UUID
    tenant_id: UUID


class Violation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of them; of what was only counted, or not looked at, there is no target, but how many and since when."""

    position: int
    at: datetime
    kind: Kind
    actor: By
    target: Target | None = None
    operation: str | None = None
    address: str | None = None
    correlation_id: str | None = None
    count: int = 1
    since: datetime | None = None


async def newest(log: AuditLog, *, kind: Kind | None, since: datetime | None, limit: int) -> list[Violation]:
    """The last `limit` ones, newest first; `since` is included."""
    wanted = Wanted(topics=topics_of(kind), since=since)
    found: list[Recorded[Event]] = []
    before: int | None = None
    while True:
        trail = await log.trail(PLATFORM, wanted, before=before, limit=limit - len(found))
        found += trail.recorded
        if trail.before is None or len(found) >= limit:
            return told(found)
        before = trail.before


def topics_of(kind: Kind | None) -> tuple[str, ...]:
    """The topics of a kind, or of all."""
    return tuple(event.TOPIC for each, event in _EVENTS.items() if kind in {None, each})


def told(recorded: Sequence[Recorded[Any]]) -> list[Violation]:
    """Events as the operator sees them, in the same order."""
    return [_one(item) for item in recorded]


def _one(item: Recorded[Any]) -> Violation:
    event, metadata = item.event, item.metadata
    if isinstance(event, CrossTenantAttemptsCounted | NamedIdsUnseen):
        return Violation(
            position=item.position,
            at=item.occurred_at,
            kind=Kind.COUNTED if isinstance(event, CrossTenantAttemptsCounted) else Kind.UNSEEN,
            actor=_by(metadata.actor, event.actor_tenant),
            count=event.count,
            since=event.since,
        )
    return Violation(
        position=item.position,
        at=item.occurred_at,
        kind=Kind.ATTEMPTED,
        actor=_by(metadata.actor, event.actor_tenant),
        target=Target(event.target_kind, event.target_id, event.owner_tenant),
        operation=event.operation,
        address=metadata.address,
        correlation_id=metadata.correlation_id,
    )


def _by(actor: Actor, tenant_id: UUID) -> By:
    return By(actor.kind, actor.id, tenant_id)
