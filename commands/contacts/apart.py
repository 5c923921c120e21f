"""What a contact would be without one that was merged into it. Pure.

Its stream is folded once as it was and once without: what was merged (and is not to be there any more) is left out,
what was changed since is changed in both. Of lists and tables only the difference is a change, so an address that
came by the merge leaves although somebody has added another one to the list since.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from commands.contacts.contact import ADDRESSED_BY, is_addressed
from commands.ports import VersionConflictError
from domain import contact as domain
from domain.contact import HELD, Contact, ContactAbsorbed, ContactSeparated
from domain.contact_union import rebased
from domain.event import Event, Recorded


def apart(into: Contact, from_id: UUID, stream: Sequence[Recorded[Event]]) -> dict[str, Any]:
    """The fields that have another value without a contact, by name; `stream` is the survivor's, from the first event.

    A contact keeps its last address, whosever it was.

    Raises:
        VersionConflictError: it was merged after `into` was read.
    """
    stream = [item for item in stream if item.version <= into.version]
    start, left_out = _left_out(stream, from_id)
    now = without = _folded(stream[:start])
    for number, item in enumerate(stream[start:], start=start):
        after = domain.evolve(now, item.event, stream_id=into.id, at=item.recorded_at)
        if now is None or without is None:
            without = after
        elif isinstance(item.event, ContactAbsorbed):
            if number not in left_out:
                without = domain.evolve(without, item.event, stream_id=into.id, at=item.recorded_at)
        elif not isinstance(item.event, ContactSeparated):
            without = _followed(now, after, without)
        now = after
    values = {name: getattr(without, name) for name in HELD if getattr(without, name) != getattr(now, name)}
    if without is None or not any(is_addressed(without, name) for name in ADDRESSED_BY):
        values = {name: value for name, value in values.items() if name not in ADDRESSED_BY}
    return values


def _left_out(stream: Sequence[Recorded[Event]], from_id: UUID) -> tuple[int, set[int]]:
    """Where the two folds begin to differ, and which merges are left out: of what is no longer there either.

    Where others were taken out since, all of the stream is looked at again, because their values may have been these.
    """
    merged: dict[UUID, int] = {}
    left_out: set[int] = set()
    last_separated = -1
    for number, item in enumerate(stream):
        if isinstance(item.event, ContactAbsorbed):
            merged[item.event.subject_id] = number
        elif isinstance(item.event, ContactSeparated):
            left_out.add(merged.pop(item.event.from_id))
            last_separated = number
    if from_id not in merged:
        raise VersionConflictError
    left_out.add(merged[from_id])
    return (merged[from_id] if last_separated < merged[from_id] else 0), left_out


def _folded(stream: Sequence[Recorded[Event]]) -> Contact | None:
    state = None
    for item in stream:
        state = domain.evolve(state, item.event, stream_id=item.stream_id, at=item.recorded_at)
    return state


def _followed(before: Contact, after: Contact, other: Contact) -> Contact:
    """What becomes of another state by the change of one."""
    changed = [name for name in HELD if getattr(before, name) != getattr(after, name)]
    values = {name: rebased(getattr(before, name), getattr(after, name), getattr(other, name)) for name in changed}
    return structs.replace(other, **values)
