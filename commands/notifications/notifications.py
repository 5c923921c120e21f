"""What can be asked of notifications: to have read them, and to be told otherwise. Pure: state in, events out."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commands.decision import Decision, Given
from commands.normalise import Problems, pointer
from domain.notification import (
    InboxRead,
    Kind,
    Mailed,
    NotificationRead,
    Preference,
    Preferences,
    PreferencesSet,
    Read,
)

_LAST_HOUR = 23


class ReadOne(Struct, frozen=True):
    """That a user has read a notification."""

    user_id: UUID


class ReadAll(Struct, frozen=True):
    """That a user has read all notifications of events up to a position."""

    user_id: UUID
    up_to: int


class PreferenceInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """How to be told of a kind of thing; what is left out is as usual."""

    app: bool = True
    mail: Mailed = Mailed.INSTANT


class PutPreferences(Struct, forbid_unknown_fields=True, kw_only=True):
    """How to be told from now on; kinds that are left out are told as usual."""

    kinds: Annotated[
        dict[str, PreferenceInput], Meta(description="By kind: lead_inactive, lead_assigned, mention.")
    ] = {}
    digest_hour: Annotated[int | None, Meta(description="Hour of the day for the digest; null for the tenant's.")] = (
        None
    )


class Wanted(Struct, frozen=True):
    """What a user wants."""

    user_id: UUID
    asked: PutPreferences


def read_one(command: ReadOne, given: Given[Read]) -> Decision:
    """Read; nothing when it was before."""
    return Decision() if given.state else Decision(events=(NotificationRead(user_id=command.user_id),))


def read_all(command: ReadAll, given: Given[Read]) -> Decision:
    """All of them read; nothing when there are no more than before."""
    if given.state and (given.state.up_to or 0) >= command.up_to:
        return Decision()
    return Decision(events=(InboxRead(user_id=command.user_id, up_to=command.up_to),))


def prefer(command: Wanted, given: Given[Preferences]) -> Decision:
    """Other preferences than before; nothing when they are the same.

    Raises:
        InvalidError: there is no such hour.
    """
    problems, hour = Problems(given.errors), command.asked.digest_hour
    if hour is not None and not 0 <= hour <= _LAST_HOUR:
        problems.add("/digest_hour", "value.out_of_range", f"has to be 0 to {_LAST_HOUR}")
    asked = command.asked.kinds or {}
    for name in asked:
        if name not in set(Kind):
            problems.add(pointer("/kinds", name), "field.unknown", f"is not one of {', '.join(Kind)}")
    problems.raise_if_any()
    kinds = {Kind(name): Preference(wanted.app, wanted.mail) for name, wanted in asked.items()}
    state = given.state
    if state and state.digest_hour == hour and all(state.of(kind) == kinds.get(kind, Preference()) for kind in Kind):
        return Decision()
    return Decision(events=(PreferencesSet(user_id=command.user_id, kinds=kinds, digest_hour=hour),))
