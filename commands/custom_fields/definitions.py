"""What can be asked of custom fields: define, change, delete. Pure: state in, events out."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, structs

from commands import normalise
from commands.decision import Decision, Given
from commands.normalise import Problems, pointer
from domain.custom_field import (
    CHOOSING,
    TELLING_APART,
    CustomField,
    CustomFieldChangeBegun,
    CustomFieldChanged,
    CustomFieldChangeDropped,
    CustomFieldDefined,
    CustomFieldDeleted,
    FieldType,
    RecordKind,
    Rule,
)
from domain.errors import DomainError

MOST_FIELDS = 200
"""Of a kind of record, at a time."""
MOST_EVER = 1000
"""Of a kind of record, with those that were deleted: their values are kept, and their keys known."""
MOST_CHOICES = 500
LONGEST_LABEL = 100

KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")


class PutField(Struct, forbid_unknown_fields=True, kw_only=True):
    """A custom field as it is to be."""

    label: Annotated[str, Meta(description="What people see.")]
    type: FieldType
    required: Annotated[bool, Meta(description="New records must have a value, and nobody may clear it.")] = False
    unique: Annotated[bool, Meta(description="No two records may have the same value.")] = False
    choices: Annotated[list[str] | None, Meta(description="For choice and multi_choice: the values there are.")] = None


class PutByKey(Struct, frozen=True):
    """What is asked of the field with a key; `count` and `ever` say how many others the kind has, and has ever had.

    `checked` is the version at which a change that had begun was found to fit all values that are there.
    """

    kind: RecordKind
    key: str
    asked: PutField
    count: int = 0
    ever: int = 0
    checked: int | None = None


class DropChange(Struct, frozen=True):
    """What had begun by a version is not to be."""

    begun: int


def put(command: PutByKey, given: Given[CustomField]) -> Decision:
    """A field more, or one that is otherwise; nothing when it is as it was.

    Raises:
        InvalidError, DomainError: bad members, or custom_field.changing.
    """
    field, problems = given.state, Problems(given.errors)
    label, rule = _read(command, problems)
    _bounded(command, field, problems)
    problems.raise_if_any()
    checking = needs_check(field, rule, command.asked)
    if field and checking and command.checked != field.version:
        raise changing()
    asked = command.asked
    if field is None or field.deleted_at is not None:
        defined = CustomFieldDefined(
            kind=command.kind,
            key=command.key,
            label=label,
            type=rule.type,
            required=asked.required,
            unique=asked.unique,
            choices=rule.choices,
        )
        return Decision(events=(defined,))
    before = field.rule
    changed = CustomFieldChanged(
        label=label if label != field.label else UNSET,
        type=rule.type if rule.type is not before.type else UNSET,
        required=asked.required if asked.required != field.required else UNSET,
        unique=asked.unique if checking or asked.unique != bool(before.unique) else UNSET,
        choices=rule.choices if rule.choices != before.choices else UNSET,
    )
    if changed == CustomFieldChanged():
        return Decision(events=(CustomFieldChangeDropped(),)) if field.coming else Decision()
    return Decision(events=(changed,))


def begin(command: PutByKey, given: Given[CustomField]) -> Decision:
    """The first step of a change that values which are there might not fit; nothing when it has begun already.

    Raises:
        InvalidError: bad members.
    """
    field, problems = given.state, Problems(given.errors)
    _, rule = _read(command, problems)
    _bounded(command, field, problems)
    problems.raise_if_any()
    if field is None or not needs_check(field, rule, command.asked):
        return Decision()
    begun = field.coming and structs.replace(field.coming, unique=bool(field.coming.unique))
    if begun == structs.replace(rule, unique=command.asked.unique):
        return Decision()
    return Decision(events=(CustomFieldChangeBegun(type=rule.type, unique=command.asked.unique, choices=rule.choices),))


def drop(command: DropChange, given: Given[CustomField]) -> Decision:
    """All is as it was before the change began; nothing when somebody else has dealt with that already."""
    field = given.state
    if field is None or field.coming is None or field.version != command.begun:
        return Decision()
    return Decision(events=(CustomFieldChangeDropped(),))


def delete(_: object, given: Given[CustomField]) -> Decision:  # noqa: ARG001  nothing more can be asked
    """A field less. Its values are kept, and seen by nobody."""
    return Decision(events=(CustomFieldDeleted(),))


def needs_check(field: CustomField | None, rule: Rule, asked: PutField) -> bool:
    """Whether values that are there might not fit what a field is to be."""
    if field is None:
        return False
    # What was unique is so no more once the field was deleted: nobody claims values of what is not there.
    return lost(field, rule) or (asked.unique and (not field.rule.unique or field.deleted_at is not None))


def lost(field: CustomField, rule: Rule) -> bool:
    """Whether a rule leaves out values that the field may have had."""
    return rule.type is not field.rule.type or not set(field.rule.choices) <= set(rule.choices)


def changing() -> DomainError:
    """The refusal when somebody else changes the same field at the same time."""
    return DomainError(
        "custom_field.changing",
        "somebody else is changing this custom field",
        hint="Read it again in a moment, and send the change again if it is still wanted.",
    )


def wanted_rule(command: PutByKey) -> Rule:
    """What is asked of values. Raises InvalidError."""
    problems = Problems()
    _, rule = _read(command, problems)
    problems.raise_if_any()
    return rule


def _read(command: PutByKey, problems: Problems) -> tuple[str, Rule]:
    asked: Any = command.asked
    if not KEY.fullmatch(command.key):
        problems.add("key", "custom_field.key_invalid", "a key has 1 to 63 of a-z, 0-9 and _, and begins with a letter")
    label = ""
    if isinstance(asked.label, str):
        label = normalise.filled(asked.label, "/label", problems, longest=LONGEST_LABEL)
    choices = _choices(asked, problems)
    if asked.unique and isinstance(asked.type, FieldType) and asked.type not in TELLING_APART:
        told = ", ".join(sorted(TELLING_APART))
        problems.add("/unique", "custom_field.unique_type", f"makes no sense for this type; for {told} it does")
    return label, Rule(asked.type, choices)


def _choices(asked: Any, problems: Problems) -> tuple[str, ...]:
    if asked.type not in CHOOSING:
        if asked.choices:
            problems.add("/choices", "custom_field.choices", "are for the types choice and multi_choice only")
        return ()
    if not asked.choices:
        problems.add("/choices", "field.required", "are missing; name one at least")
        return ()
    if len(asked.choices) > MOST_CHOICES:
        problems.add("/choices", "list.too_long", f"has {len(asked.choices)} items; at most {MOST_CHOICES} are allowed")
    return _each_once(asked.choices[:MOST_CHOICES], problems)


def _each_once(texts: Sequence[str | None], problems: Problems) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for index, text in enumerate(texts):
        if text is None:  # could not be read, and is in the problems already
            continue
        at = pointer("/choices", index)
        choice = normalise.filled(text, at, problems, longest=LONGEST_LABEL)
        if choice and normalise.key(choice) in found:
            problems.add(at, "value.repeated", "is in the list already")
        found.setdefault(normalise.key(choice), choice)
    return tuple(found.values())


def _bounded(command: PutByKey, field: CustomField | None, problems: Problems) -> None:
    added = field is None or field.deleted_at is not None
    if (added and command.count >= MOST_FIELDS) or (field is None and command.ever >= MOST_EVER):
        problems.add("", "custom_field.too_many", f"more than {MOST_FIELDS} at a time, {MOST_EVER} ever, are not kept")
