"""R3.1: custom fields defined, changed and deleted, and what has to be looked at before."""

from typing import Any

import pytest

from commands.custom_fields import definitions as commands
from commands.custom_fields.definitions import MOST_CHOICES, MOST_EVER, MOST_FIELDS, DropChange, PutByKey, PutField
from commands.decision import Decision, Given
from domain.custom_field import (
    CustomField,
    CustomFieldChangeBegun,
    CustomFieldChanged,
    CustomFieldChangeDropped,
    CustomFieldDefined,
    CustomFieldDeleted,
    FieldType,
    RecordKind,
    Rule,
    evolve,
    stream_of,
)
from domain.errors import DomainError, InvalidError
from domain.event import Event
from tests.given import CALLER, START, TENANT, custom_field

TEXT, DATE, CHOICE = FieldType.TEXT, FieldType.DATE, FieldType.CHOICE
BEGUN = CustomFieldChangeBegun(type=DATE)


def asked(kind: str = "text", *, checked: int | None = None, count: int = 0, ever: int = 0, **members: Any) -> PutByKey:
    body = PutField(**{"label": "X", "type": FieldType(kind)} | members)
    return PutByKey(RecordKind.CONTACT, "x", body, count, ever, checked)


def before(kind: str = "text", *more: Event, **members: Any) -> CustomField:
    return custom_field("x", kind, *more, **members)


def known(state: CustomField | None) -> Given[CustomField]:
    return Given(
        tenant_id=TENANT,
        stream_id=stream_of(TENANT, "contact", "x"),
        state=state,
        now=START,
        new_id=lambda: CALLER,
        caller=CALLER,
        found={},
    )


def put(state: CustomField | None, command: PutByKey) -> tuple[Event, ...]:
    return commands.put(command, known(state)).events


def begun(state: CustomField | None, command: PutByKey) -> tuple[Event, ...]:
    return commands.begin(command, known(state)).events


def after(state: CustomField | None, *events: Event) -> CustomField:
    for event in events:
        state = evolve(state, event, stream_id=stream_of(TENANT, "contact", "x"), at=START)
    assert state is not None
    return state


def refused(state: CustomField | None, command: PutByKey) -> dict[str, str]:
    with pytest.raises(InvalidError) as refusal:
        put(state, command)
    return {error.pointer: error.code for error in refusal.value.errors}


def test_a_field_is_defined_as_it_is_asked_for() -> None:
    (event,) = put(None, asked("choice", label=" Segment ", required=True, choices=["A ", "b"]))
    assert event == CustomFieldDefined(
        kind=RecordKind.CONTACT, key="x", label="Segment", type=CHOICE, required=True, choices=("A", "b")
    )


def test_the_same_again_is_nothing_and_label_and_marks_change_at_once() -> None:
    state = before(unique=True)
    assert put(state, asked(unique=True)) == ()
    assert put(state, asked(label="Y", required=True)) == (CustomFieldChanged(label="Y", required=True, unique=False),)
    more = put(before("choice", choices=("A",)), asked("choice", choices=["B", "A"]))
    assert more == (CustomFieldChanged(choices=("B", "A")),)


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (before(), asked("date")),
        (before(), asked(unique=True)),
        (before("choice", choices=("A", "B")), asked("choice", choices=["B"])),
        (before("text", CustomFieldDeleted()), asked("date")),
        (before("text", CustomFieldDeleted(), unique=True), asked(unique=True)),
    ],
)
def test_what_values_might_not_fit_begins_first_and_is_made_when_all_is_looked_at(
    state: CustomField, command: PutByKey
) -> None:
    with pytest.raises(DomainError, match=r"^custom_field.changing"):
        put(state, command)
    (first,) = begun(state, command)
    coming = after(state, first)
    assert isinstance(first, CustomFieldChangeBegun)
    assert begun(coming, command) == ()

    made = after(coming, *put(coming, asked(**_members(command), checked=coming.version)))

    assert coming.coming is not None
    assert (made.rule, made.coming, made.deleted_at) == (coming.coming, None, None)


def _members(command: PutByKey) -> dict[str, Any]:
    body = command.asked
    return {"kind": body.type, "unique": body.unique, "choices": body.choices}


def test_what_was_looked_at_counts_for_that_very_version() -> None:
    state = before("text", BEGUN)
    with pytest.raises(DomainError, match=r"^custom_field.changing"):
        put(state, asked("date", checked=state.version - 1))


def test_a_change_is_dropped_by_whoever_has_begun_it_or_by_asking_for_what_is() -> None:
    state = before("text", BEGUN)
    assert commands.drop(DropChange(2), known(state)).events == (CustomFieldChangeDropped(),)
    assert commands.drop(DropChange(1), known(state)) == Decision()
    assert commands.drop(DropChange(2), known(None)) == Decision()
    assert put(state, asked()) == (CustomFieldChangeDropped(),)
    assert after(state, CustomFieldChangeDropped()).coming is None


def test_unique_values_are_claimed_anew_whenever_they_become_unique() -> None:
    state = before(unique=True)
    assert state.claiming == (Rule(TEXT, unique=1),)
    state = after(state, CustomFieldChanged(unique=False))
    assert state.claiming == ()
    state = after(state, CustomFieldChangeBegun(type=TEXT, unique=True))
    assert state.claiming == (Rule(TEXT, unique=3),)
    state = after(state, CustomFieldChanged(unique=True))
    assert state.claiming == (Rule(TEXT, unique=3),)
    state = after(state, CustomFieldDeleted())
    assert state.claiming == ()
    state = after(state, CustomFieldChangeBegun(type=TEXT, unique=True))
    assert state.claiming == (Rule(TEXT, unique=6),)


def test_all_that_is_wrong_with_a_definition_is_told_at_once() -> None:
    body = PutField(label="l" * 101, type=FieldType.MULTI_CHOICE, unique=True, choices=["A", " a", ""])
    assert refused(None, PutByKey(RecordKind.LEAD, "9x", body)) == {
        "key": "custom_field.key_invalid",
        "/label": "text.too_long",
        "/choices/1": "value.repeated",
        "/choices/2": "field.blank",
        "/unique": "custom_field.unique_type",
    }
    many = [str(number) for number in range(MOST_CHOICES + 1)]
    assert refused(None, asked("choice", choices=many)) == {"/choices": "list.too_long"}
    assert refused(None, asked("number", choices=["1"])) == {"/choices": "custom_field.choices"}


def test_a_kind_has_no_more_fields_than_it_can_have() -> None:
    full = {"": "custom_field.too_many"}
    assert refused(None, asked(count=MOST_FIELDS)) == full
    assert refused(None, asked(ever=MOST_EVER)) == full
    assert refused(before("text", CustomFieldDeleted()), asked(count=MOST_FIELDS)) == full
    assert put(before(), asked(label="Y", count=MOST_FIELDS, ever=MOST_EVER))
    assert put(before("text", CustomFieldDeleted()), asked(ever=MOST_EVER))
