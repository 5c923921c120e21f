"""The audit trail, read from the log itself: who did what to what, from what to what, when and from where."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct, structs, to_builtins

from domain import (
    api_key,
    company,
    contact,
    custom_field,
    customer,
    interaction,
    lead,
    lead_score,
    matching,
    note,
    relationship,
    role,
    scoring,
    team,
    tenant,
    tenant_settings,
    user,
)
from domain.event import TOPICS, Event, Recorded
from domain.upcast import OLD
from projections import history
from projections.history import Change, Entry

_EVOLVE: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "api_key": api_key.evolve,
        "company": company.evolve,
        "contact": contact.evolve,
        "custom_field": custom_field.evolve,
        "relationship": relationship.evolve,
        "interaction": interaction.evolve,
        "matching_rules": matching.evolve_rules,
        "customer": customer.evolve,
        "note": note.evolve,
        "lead": lead.evolve,
        "lead_score": lead_score.evolve,
        "role": role.evolve,
        "scoring": scoring.evolve_rules,
        "settings": tenant_settings.evolve,
        "team": team.evolve,
        "tenant": tenant.evolve,
        "user": user.evolve,
    }
)
"""What has a state, so that a change has a before. Of everything else the event itself is all that there is to tell."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which events: None is any. `since` is included, `until` is not; both by when the log took them."""

    actor_id: UUID | None = None
    target_id: UUID | None = None
    topics: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


class Trail(Struct, frozen=True):
    """A piece of the log, newest first, and the position before which the next piece starts; None for no more.

    A look is bounded: a piece may hold less than was asked for, or nothing, and yet not be the last one.
    """

    recorded: Sequence[Recorded[Event]]
    before: int | None


class AuditLog(Protocol):
    """The log from its end, filtered. Every method is scoped to one tenant."""

    async def trail(self, tenant_id: UUID, wanted: Wanted, *, before: int | None, limit: int) -> Trail:
        """Events before a position (from the end on, when None)."""
        ...

    async def streams(self, tenant_id: UUID, stream_ids: Sequence[UUID], up_to: int) -> Sequence[Recorded[Event]]:
        """All events of some streams up to a position, stream by stream in order."""
        ...


def actions() -> list[str]:
    """What entries can say was done."""
    return sorted({history.action_of(topic) for topic in (*TOPICS, *OLD)})


def topics_of(action: str) -> tuple[str, ...]:
    """The topics, of any version, under which an action is stored; none for what is no action."""
    return tuple(sorted(topic for topic in {*TOPICS, *OLD} if history.action_of(topic) == action))


def streams_of(recorded: Sequence[Recorded[Event]]) -> list[UUID]:
    """The streams whose state has to be known to tell what these events changed."""
    return sorted({item.stream_id for item in recorded if _kind(item) in _EVOLVE})


def entries(
    recorded: Sequence[Recorded[Event]], streams: Sequence[Recorded[Event]], names: Mapping[UUID, str]
) -> list[Entry]:
    """The entries of events in the same order; `streams` are those of `streams_of`, `names` those who acted."""
    whole: dict[UUID, list[Recorded[Event]]] = {}
    for item in streams:
        whole.setdefault(item.stream_id, []).append(item)
    told: dict[int, Entry] = {}
    for stream in whole.values():
        found = history.entries(_kind(stream[0]), stream, _EVOLVE[_kind(stream[0])], names, addresses=True)
        told.update((entry.position, entry) for entry in found)
    return [told.get(item.position) or _stateless(item, names) for item in recorded]


def _kind(item: Recorded[Event]) -> str:
    return item.event.TOPIC.partition(".")[0].rstrip("/")


def _stateless(item: Recorded[Event], names: Mapping[UUID, str]) -> Entry:
    told = to_builtins(structs.asdict(item.event))
    changes = tuple(Change(name, None, value) for name, value in told.items() if name not in history.HIDDEN)
    return history.entry(_kind(item), item, changes, names, addresses=True)
