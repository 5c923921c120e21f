"""What the system itself does with contacts, as timelines show it: imports, merges; and whom entries are shown with."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.contact import (
    ContactAbsorbed,
    ContactChanged,
    ContactDeleted,
    ContactRegistered,
    ContactRestored,
    ContactSeparated,
    ContactUnmerged,
)
from domain.event import Event, Recorded
from domain.interaction import Participant

Refs = Mapping[str, UUID | Sequence[UUID]]
"""Ids of what an entry is about, by what they are to it."""

IMPORTED, IMPORT_UNDONE = "imported", "import_undone"
PARTICIPANTS = "participant_ids"
_BESIDE = frozenset({"import_id", "other_id"})
"""Refs that lead to something whose timeline does not show the entry."""

_KINDS: Mapping[type[Event], str] = {
    ContactRegistered: "created",
    ContactDeleted: "deleted",
    ContactRestored: "restored",
    ContactAbsorbed: "merged",
    ContactSeparated: "unmerged",
    ContactUnmerged: "unmerged",
}
_IMPORT, _UNDO = "import:", "/undo"

EVENTS: tuple[type[Event], ...] = (*_KINDS, ContactChanged)
"""What it may be told by. A change is shown where an import made it, and only there."""


def is_silent(item: Recorded[Any]) -> bool:
    """Whether timelines say nothing of an event: without looking closer, for there are many of them."""
    return isinstance(item.event, ContactChanged) and not (item.metadata.causation_id or "").startswith(_IMPORT)


def of_contact(item: Recorded[Any]) -> tuple[str, Refs] | None:
    """The kind and the refs of the entry that an event of a contact makes; None for what is not shown."""
    if is_silent(item) or not isinstance(item.event, EVENTS):
        return None
    refs: dict[str, UUID | Sequence[UUID]] = {"contact_id": item.stream_id}
    kind = _KINDS.get(type(item.event), IMPORTED)
    cause = item.metadata.causation_id or ""
    if cause.startswith(_IMPORT):
        undone = cause.endswith(_UNDO)
        refs["import_id"] = UUID(cause.removeprefix(_IMPORT).removesuffix(_UNDO))
        kind = IMPORT_UNDONE if undone else IMPORTED
    match item.event:
        case ContactAbsorbed(subject_id=other) | ContactSeparated(from_id=other) | ContactUnmerged(into=other):
            refs["other_id"] = other
    return kind, refs


def with_participants(refs: Refs, participants: Sequence[Participant]) -> Refs:
    """The refs of an interaction with the contacts that took part in it: it is on the timeline of each."""
    ids = dict.fromkeys(each.contact_id for each in participants if each.contact_id)
    rest = {name: found for name, found in refs.items() if name != PARTICIPANTS}
    return rest | ({PARTICIPANTS: list(ids)} if ids else {})


def records(refs: Refs) -> list[UUID]:
    """The records whose timelines show an entry, each once."""
    found: dict[UUID, None] = {}
    for name, value in refs.items():
        if isinstance(value, UUID):
            if name not in _BESIDE:
                found[value] = None
        else:
            found |= dict.fromkeys(value)
    return list(found)
