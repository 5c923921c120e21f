"""By what a tenant tells that two contacts are one person, and which of them turned out not to be."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct, structs

from domain.event import Event

PLAIN_KEYS = ("name", "email", "phone", "company")
"""What contacts are compared by unless a tenant says otherwise; fields of its own are named custom.KEY."""

SUGGEST_AT, MERGE_AT = 0.5, 0.96

_PAIRS = UUID("c3d0a2f6-7f43-5c9e-8a55-0f6de2b1c9d4")


class MatchingRulesSet(Event, topic="matching_rules.set.v1"):
    """Contacts are compared by these fields from now on; all rules at once, also those that stayed as they were."""

    keys: tuple[str, ...]
    suggest_at: float
    merge_at: float
    auto_merge: bool = False


class DuplicatesDismissed(Event, topic="duplicates.dismissed.v1"):
    """Somebody looked at two contacts and found that they are two people."""

    contact_ids: tuple[UUID, UUID]


class MatchingRules(Struct, frozen=True, kw_only=True):
    """State of a tenant's rules; version 0 where none were ever set."""

    id: UUID
    version: int = 0
    keys: tuple[str, ...] = PLAIN_KEYS
    suggest_at: float = SUGGEST_AT
    merge_at: float = MERGE_AT
    auto_merge: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None


class Dismissal(Struct, frozen=True, kw_only=True):
    """State of a pair that is no pair; `version` counts the stream's events."""

    id: UUID
    version: int
    contact_ids: tuple[UUID, UUID]
    dismissed_at: datetime
    deleted_at: datetime | None = None


def rules_id(tenant_id: UUID) -> UUID:
    """The stream of a tenant's rules."""
    return uuid5(tenant_id, "matching_rules")


def pair_id(one: UUID, other: UUID) -> UUID:
    """The stream of a pair, and the id that it is told under: the same, whoever of the two is named first."""
    return uuid5(_PAIRS, "/".join(sorted((str(one), str(other)))))


def evolve_rules(rules: MatchingRules | None, event: Event, *, stream_id: UUID, at: datetime) -> MatchingRules:
    """Apply one event.

    Raises:
        TypeError: the event sets no rules.
    """
    if not isinstance(event, MatchingRulesSet):
        raise TypeError(f"{type(event).__name__} sets no matching rules")
    version, began = (rules.version, rules.created_at) if rules else (0, at)
    return MatchingRules(id=stream_id, version=version + 1, created_at=began, updated_at=at, **structs.asdict(event))


def evolve_dismissal(dismissal: Dismissal | None, event: Event, *, stream_id: UUID, at: datetime) -> Dismissal:
    """Apply one event.

    Raises:
        TypeError: the event dismisses no pair.
    """
    if not isinstance(event, DuplicatesDismissed):
        raise TypeError(f"{type(event).__name__} dismisses no pair")
    version = dismissal.version if dismissal else 0
    return Dismissal(id=stream_id, version=version + 1, contact_ids=event.contact_ids, dismissed_at=at)
