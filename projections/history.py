"""A record's history, read from its events: who changed what from what to what, and when."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins

from domain.event import Event, Recorded, evolved


class Change(Struct, frozen=True):
    """One field's change; `field` is a path like name.given."""

    field: str
    old: Any
    new: Any


class ActorView(Struct, frozen=True):
    """Who did it; the name is None for the system itself."""

    kind: str
    id: UUID | None
    name: str | None


class Target(Struct, frozen=True):
    """What it was done to."""

    kind: str
    id: UUID


class Entry(Struct, frozen=True, kw_only=True):
    """One act."""

    position: int
    at: datetime
    actor: ActorView
    action: str
    target: Target
    changes: tuple[Change, ...]
    address: str | None
    correlation_id: str


HIDDEN = frozenset(
    {"id", "version", "created_at", "updated_at", "deleted_at", "password_hash", "digest", "link", "epoch"}
    | {"second_factor", "secret", "recovery_codes"}
    | {"stays", "last_activity_at", "lent_company"}
)
"""Members of states and events that follow from others, or are for signing in and told to nobody."""


def action_of(topic: str) -> str:
    """What an entry says was done: the topic without its version."""
    return topic.rpartition(".v")[0] or topic.rstrip("/")


def entries(
    kind: str,
    recorded: Sequence[Recorded[Event]],
    evolve: Callable[..., Any],
    names: Mapping[UUID, str],
    *,
    addresses: bool = False,
) -> list[Entry]:
    """The history of one stream, oldest first; `names` are the names of those who acted by id.

    From which `addresses` it was done is told to those only who look into the audit trail.
    """
    state: Any = None
    found = []
    for item in recorded:
        after = evolved(evolve, state, item.event, item.stream_id, item.recorded_at, item.occurred_at)
        found.append(entry(kind, item, tuple(_changes(_flat(state), _flat(after))), names, addresses=addresses))
        state = after
    return found


def entry(
    kind: str, item: Recorded[Event], changes: tuple[Change, ...], names: Mapping[UUID, str], *, addresses: bool
) -> Entry:
    """The entry of one event that changed this."""
    return Entry(
        position=item.position,
        at=item.recorded_at,
        actor=actor_view(item, names),
        action=action_of(item.event.TOPIC),
        target=Target(kind, item.stream_id),
        changes=changes,
        address=item.metadata.address if addresses else None,
        correlation_id=item.metadata.correlation_id,
    )


def actor_view(item: Recorded[Event], names: Mapping[UUID, str]) -> ActorView:
    """Who did it."""
    actor = item.metadata.actor
    return ActorView(actor.kind, actor.id, names.get(actor.id) if actor.id else None)


def _flat(state: Any) -> dict[str, Any]:
    """A state, as it tells of itself where it does, as field paths: objects opened up, lists whole."""
    if state is None:
        return {}
    flat = {}
    for name, value in (state.told() if hasattr(state, "told") else to_builtins(state)).items():
        if name in HIDDEN:
            continue
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": part for inner, part in value.items()})
        else:
            flat[name] = value
    return flat


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    paths = [*after, *(path for path in before if path not in after)]
    return [
        Change(path, before.get(path), after.get(path))
        for path in paths
        if _value(before.get(path)) != _value(after.get(path))
    ]


def _value(value: Any) -> Any:
    """What is there; an empty text or list is nothing, a zero or a no is something."""
    return None if value in ("", (), [], {}) else value
