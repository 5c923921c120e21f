"""What the lines about custom fields in golden_events.jsonl are read as today."""

from domain.contact import ContactChanged, ContactRegistered, Name
from domain.custom_field import (
    CustomFieldChangeBegun,
    CustomFieldChanged,
    CustomFieldChangeDropped,
    CustomFieldDefined,
    CustomFieldDeleted,
    FieldType,
    RecordKind,
)
from domain.event import Event

CUSTOM: dict[str, Event] = {
    "a custom field defined": CustomFieldDefined(
        kind=RecordKind.CONTACT,
        key="segment",
        label="Segment",
        type=FieldType.CHOICE,
        required=True,
        choices=("A", "B"),
    ),
    "a custom field changed": CustomFieldChanged(label="Class", choices=("A", "B", "C")),
    "a change of a custom field begun": CustomFieldChangeBegun(type=FieldType.TEXT, unique=True),
    "a change of a custom field dropped": CustomFieldChangeDropped(),
    "a custom field deleted": CustomFieldDeleted(),
    "a contact with custom fields": ContactRegistered(
        name=Name(given="Ada", family="Lovelace", display="Ada Lovelace"),
        custom={"segment": "A", "size": 12.5, "since": "2026-01-05", "vip": True, "likes": ["math", "music"]},
    ),
    "a contacts custom fields changed": ContactChanged(custom={"segment": "B"}),
}
