"""What can be asked of duplicates: by what they are found, and that two are none. Pure: state in, events out."""

import re
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from commands.decision import Decision, Given
from commands.normalise import Problems, pointer
from domain.matching import (
    MERGE_AT,
    PLAIN_KEYS,
    SUGGEST_AT,
    Dismissal,
    DuplicatesDismissed,
    MatchingRules,
    MatchingRulesSet,
)

MOST_KEYS = 20

_CUSTOM = re.compile(r"custom\.([a-z][a-z0-9_]{0,62})")


class PutRules(Struct, forbid_unknown_fields=True, kw_only=True):
    """By what duplicates are found from now on; what is left out is as usual."""

    keys: Annotated[
        list[str], Meta(description="Fields that contacts are compared by: name, email, phone, company, custom.KEY.")
    ]
    suggest_at: Annotated[float, Meta(description="From which score a pair is suggested, above 0 to 1.")] = SUGGEST_AT
    merge_at: Annotated[float, Meta(description="From which score it is sure enough to merge by itself.")] = MERGE_AT
    auto_merge: Annotated[bool, Meta(description="Whether such pairs are merged without being asked.")] = False


class DismissPair(Struct, frozen=True):
    """That two contacts are two people."""

    contact_ids: tuple[UUID, UUID]


def set_rules(command: PutRules, given: Given[MatchingRules]) -> Decision:
    """Other rules than before; nothing when they are the same.

    Raises:
        InvalidError: a key is no field of contacts, or a threshold makes no sense.
    """
    problems = Problems(given.errors)
    keys = _keys(command.keys, given, problems)
    for name in ("suggest_at", "merge_at"):
        value = getattr(command, name)
        if value is not None and not 0 < value <= 1:
            problems.add(f"/{name}", "value.out_of_range", "is no probability above 0, up to 1")
    if command.suggest_at and command.merge_at and command.merge_at < command.suggest_at:
        problems.add("/merge_at", "value.out_of_range", "is below suggest_at")
    problems.raise_if_any()
    event = MatchingRulesSet(
        keys=keys,
        suggest_at=float(command.suggest_at),
        merge_at=float(command.merge_at),
        auto_merge=bool(command.auto_merge),
    )
    state = given.state
    same = state and all(getattr(event, name) == getattr(state, name) for name in event.__struct_fields__)
    return Decision() if same else Decision(events=(event,))


def dismiss(command: DismissPair, given: Given[Dismissal]) -> Decision:
    """Never suggested again; nothing when it was dismissed before."""
    if given.state:
        return Decision()
    return Decision(events=(DuplicatesDismissed(contact_ids=command.contact_ids),))


def _keys(asked: Any, given: Given[MatchingRules], problems: Problems) -> tuple[str, ...]:
    found: list[str] = []
    for number, key in enumerate(asked or ()):
        here = pointer("/keys", number)
        if not isinstance(key, str):  # could not be read, and is in the problems already
            continue
        custom = _CUSTOM.fullmatch(key)
        if key not in PLAIN_KEYS and not custom:
            problems.add(here, "value.not_allowed", f"is not one of {', '.join(PLAIN_KEYS)}, or custom. and a key")
        elif custom and not _is_defined(custom[1], given):
            problems.add(here, "custom_field.unknown", "is no custom field of contacts")
        elif key in found:
            problems.add(here, "value.repeated", "stands twice")
        else:
            found.append(key)
    if isinstance(asked, list) and not 0 < len(asked) <= MOST_KEYS:
        problems.add("/keys", "value.out_of_range", f"has to be 1 to {MOST_KEYS} fields")
    return tuple(found)


def _is_defined(key: str, given: Given[MatchingRules]) -> bool:
    found = given.custom.get(key)
    return found is not None and found.deleted_at is None
