"""A field that a tenant adds to its contacts, companies or leads: what its values are, and which of them are allowed.

A change that values which are there might not fit is made in two steps. Once it has begun, what is written must fit
before and after it; when all that is there is known to fit too it is made, else dropped. So none slips through between.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET, Struct, UnsetType, structs

from domain.event import Event


class RecordKind(StrEnum):
    """What can have fields of the tenant's own."""

    CONTACT = "contact"
    COMPANY = "company"
    LEAD = "lead"


class FieldType(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    URL = "url"


CHOOSING = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE})
"""Types whose values are among the field's choices."""
TELLING_APART = frozenset({FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.URL})
"""Types whose values can be unique."""


class CustomFieldDefined(Event, topic="custom_field.defined.v1"):
    """A field is there, or is there again after it was deleted, with the values that it had."""

    kind: RecordKind
    key: str
    label: str
    type: FieldType
    required: bool = False
    unique: bool = False
    choices: tuple[str, ...] = ()


class CustomFieldChanged(Event, topic="custom_field.changed.v1"):
    """A field is called otherwise, or allows something else from now on; what is absent stayed as it was."""

    label: str | UnsetType = UNSET
    type: FieldType | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    unique: bool | UnsetType = UNSET
    choices: tuple[str, ...] | UnsetType = UNSET


class CustomFieldChangeBegun(Event, topic="custom_field.change_begun.v1"):
    """What is written must fit this too, while it is looked whether what is there does."""

    type: FieldType
    unique: bool = False
    choices: tuple[str, ...] = ()


class CustomFieldChangeDropped(Event, topic="custom_field.change_dropped.v1"):
    """What had begun was not to be: the field is as it was before."""


class CustomFieldDeleted(Event, topic="custom_field.deleted.v1"):
    """A field is there no more; the values that records have of it are kept, and seen by nobody."""


class Rule(Struct, frozen=True):
    """Which values a field may have.

    `unique` is 0 where two records may have the same, else the version of the field since which they may not: unique
    values are claimed for that version, so that claims from an earlier time stand in nobody's way.
    """

    type: FieldType
    choices: tuple[str, ...] = ()
    unique: int = 0


class CustomField(Struct, frozen=True, kw_only=True):
    """State of a field; `version` counts the stream's events. `coming` is what it must fit too, while that is new."""

    id: UUID
    version: int
    kind: RecordKind
    key: str
    label: str
    required: bool
    rule: Rule
    coming: Rule | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All that a value must fit now."""
        return (self.rule, self.coming) if self.coming else (self.rule,)

    def told(self) -> dict[str, Any]:
        """What the field is, by the names that clients know."""
        return {
            "kind": self.kind.value,
            "key": self.key,
            "label": self.label,
            "type": self.rule.type.value,
            "required": self.required,
            "unique": bool(self.rule.unique),
            "choices": list(self.rule.choices),
            "changing": self.coming is not None,
        }

    @property
    def claiming(self) -> tuple[Rule, ...]:
        """The rules that values are claimed under; of a deleted field that under which it may come back."""
        return tuple(rule for rule in self.rules if rule.unique and (rule is self.coming or self.deleted_at is None))


class Held(Struct, frozen=True):
    """A record's value of a field, at a version of the record; the owner is the record's."""

    id: UUID
    version: int
    owner_id: UUID | None
    value: Any


EVENTS = (CustomFieldDefined, CustomFieldChanged, CustomFieldChangeBegun, CustomFieldChangeDropped, CustomFieldDeleted)


def stream_of(tenant_id: UUID, kind: str, key: str) -> UUID:
    """The stream of a field: one for ever, however often it is deleted and defined again."""
    return uuid5(tenant_id, f"custom_field/{kind}/{key}")


def evolve(custom_field: CustomField | None, event: Event, *, stream_id: UUID, at: datetime) -> CustomField:
    """Apply one event.

    Raises:
        TypeError: the event is none of a field's, or comes where it can't.
    """
    match custom_field, event:
        case None, CustomFieldDefined():
            return _defined(event, stream_id, at)
        case CustomField(version=version), CustomFieldDefined():
            again = _defined(event, stream_id, at)
            rule = structs.replace(again.rule, unique=_since(custom_field, event.unique))
            return structs.replace(again, version=version + 1, rule=rule, created_at=custom_field.created_at)
        case CustomField(version=version), CustomFieldChanged():
            members = {name: getattr(event, name) for name in ("label", "required")}
            changed = {name: value for name, value in members.items() if value is not UNSET}
            rule = _changed(custom_field, event)
            return structs.replace(custom_field, version=version + 1, updated_at=at, rule=rule, coming=None, **changed)
        case CustomField(version=version), CustomFieldChangeBegun(type=kind, unique=unique, choices=choices):
            coming = Rule(kind, choices, version + 1 if unique else 0)
            return structs.replace(custom_field, version=version + 1, updated_at=at, coming=coming)
        case CustomField(version=version), CustomFieldChangeDropped():
            return structs.replace(custom_field, version=version + 1, updated_at=at, coming=None)
        case CustomField(version=version), CustomFieldDeleted():
            return structs.replace(custom_field, version=version + 1, updated_at=at, deleted_at=at, coming=None)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit the state of this custom field")


def _defined(event: CustomFieldDefined, stream_id: UUID, at: datetime) -> CustomField:
    return CustomField(
        id=stream_id,
        version=1,
        kind=event.kind,
        key=event.key,
        label=event.label,
        required=event.required,
        rule=Rule(event.type, event.choices, 1 if event.unique else 0),
        created_at=at,
        updated_at=at,
    )


def _changed(before: CustomField, event: CustomFieldChanged) -> Rule:
    rule = before.rule
    if not isinstance(event.type, UnsetType):
        rule = structs.replace(rule, type=event.type)
    if not isinstance(event.choices, UnsetType):
        rule = structs.replace(rule, choices=event.choices)
    if not isinstance(event.unique, UnsetType):
        rule = structs.replace(rule, unique=_since(before, event.unique))
    return rule


def _since(before: CustomField, unique: bool) -> int:
    """Since when values are unique after the next event: since the change began, if it had to begin."""
    if not unique:
        return 0
    return before.coming.unique if before.coming and before.coming.unique else before.version + 1
