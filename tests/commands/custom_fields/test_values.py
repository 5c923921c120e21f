"""R3.1, R3.4: values of custom fields in normal form, and what is wrong with those that have none."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as whenever
from hypothesis import strategies as st

from commands.custom_fields.types import MOST_DIGITS, fits
from commands.custom_fields.values import MOST_BYTES
from commands.ports import Claim, Expected
from domain.custom_field import CustomFieldChangeBegun, CustomFieldDeleted, FieldType, Rule
from domain.errors import InvalidError
from tests.given import (
    ADA,
    TENANT,
    ada,
    change,
    changed,
    custom_field,
    delete,
    deleted,
    given,
    register,
    registered,
    restore,
    restored,
)

COLOURS = ("Red", "Green", "Sky blue")


def after(kind: str, value: Any, **members: Any) -> Any:
    """What becomes of a value that a new contact is given."""
    told = given().with_field("x", kind, **members).when(register(name="Ada", custom={"x": value}))
    return told.decision.events[0].custom.get("x")  # type: ignore[attr-defined]


def code(kind: str, value: Any, **members: Any) -> str:
    """The code by which a value is refused."""
    told = given().with_field("x", kind, **members).when(register(name="Ada", custom={"x": value}))
    assert isinstance(told.refusal, InvalidError), told.decision
    (error,) = told.refusal.errors
    assert error.pointer == "/custom/x"
    return error.code


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("text", "  Cafe\u0301 \r\n two ", "Café \n two"),
        ("text", " ", None),
        ("number", 12, 12),
        ("number", 12.50, 12.5),
        ("number", "-0012.500", -12.5),
        ("number", 3.0, 3),
        ("number", 0.1, 0.1),
        ("number", -0.0, 0),
        ("number", "999999999999999", 999_999_999_999_999),
        ("date", "2024-02-29", "2024-02-29"),
        ("boolean", False, False),
        ("choice", "sky  BLUE", "Sky blue"),
        ("multi_choice", ["green", "Red", "green"], ["Red", "Green"]),
        ("multi_choice", [], None),
        ("url", "HTTPS://Ada@Engines.EXAMPLE:8080/A?b=C#D", "https://Ada@engines.example:8080/A?b=C#D"),
        ("url", "", None),
        ("url", "https://fa.example/\u0646\u0645\u06cc\u200c", "https://fa.example/\u0646\u0645\u06cc\u200c"),
        ("text", "\u200b", None),
    ],
)
def test_a_value_is_kept_in_normal_form(kind: str, value: Any, stored: Any) -> None:
    choices = COLOURS if "choice" in kind else ()
    found = after(kind, value, choices=choices)
    assert (found, type(found)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("kind", "value", "refused"),
    [
        ("text", 7, "type.wrong"),
        ("text", "a\x00b", "text.control_character"),
        ("text", "x" * 2001, "text.too_long"),
        ("number", True, "number.invalid"),
        ("number", "1,000", "number.invalid"),
        ("number", "1e5", "number.invalid"),
        ("number", "", None),
        ("number", [1], "number.invalid"),
        ("number", 10**15, "number.too_long"),
        ("number", 10**400, "number.too_long"),
        ("number", -(10**15), "number.too_long"),
        ("number", "1" * 41, "number.invalid"),
        ("number", "9" * 40, "number.too_long"),
        ("number", "0.00000000001", "number.too_long"),
        ("number", "1." + "0" * 35 + "1", "number.too_long"),
        ("number", {}, "number.invalid"),
        ("number", 1e300, "number.too_long"),
        ("number", 0.1234567890123, "number.too_long"),
        ("number", float("inf"), "number.invalid"),
        ("date", "2026-02-29", "date.invalid"),
        ("date", "20260105", "date.invalid"),
        ("date", "2026-01-05T00:00:00Z", "date.invalid"),
        ("boolean", "true", "type.wrong"),
        ("choice", "blue", "value.not_allowed"),
        ("choice", ["Red"], "type.wrong"),
        ("multi_choice", "Red", "type.wrong"),
        ("multi_choice", ["Red", 1], "type.wrong"),
        ("multi_choice", ["Red"] * 7, "list.too_long"),
        ("url", "engines.example", "url.invalid"),
        ("url", "javascript:alert(1)", "url.invalid"),
        ("url", "https:///path", "url.invalid"),
        ("url", "https://engines.example/a b", "url.invalid"),
        ("url", "https://[::1", "url.invalid"),
        ("url", "https://engines.example:99999/", "url.invalid"),
        ("url", "https://engines\u200b.example/", "url.invalid"),
        ("url", "https://\u202eelpmaxe.senigne/", "url.invalid"),
        ("url", "https://engines.example/\u202egnp.exe", "url.invalid"),
    ],
)
def test_a_value_that_is_none_of_its_type_is_refused(kind: str, value: Any, refused: str | None) -> None:
    choices = COLOURS if "choice" in kind else ()
    if refused is None:
        assert after(kind, value, choices=choices) is None
    else:
        assert code(kind, value, choices=choices) == refused


def test_every_bad_value_is_named_at_once_with_the_keys_that_are_not_known() -> None:
    story = given().with_field("age", "number").with_field("born", "date").with_field("must", required=True)

    told = story.when(register(name="Ada", email="nobody", custom={"age": "x", "born": "y", "a/b": 1}))

    told.then_refused(
        "validation.failed",
        {
            "/email": "email.invalid",
            "/custom/age": "number.invalid",
            "/custom/born": "date.invalid",
            "/custom/a~1b": "custom_field.unknown",
            "/custom/must": "field.required",
        },
    )


def test_a_patch_merges_and_null_takes_a_value_away() -> None:
    story = ada(custom={"a": "1", "b": "2"}).with_field("a").with_field("b").with_field("c")

    story.when(change(custom={"b": None, "c": "3"})).then(changed(custom={"a": "1", "c": "3"}))
    story.when(change(custom=None)).then(changed(custom={}))
    story.when(change(custom={"a": " 1 ", "c": ""})).then_nothing()
    story.when(change(custom={})).then_nothing()


def test_a_required_value_cannot_be_cleared_and_old_records_without_one_can_be_edited() -> None:
    story = ada(custom={"a": "1"}).with_field("a", required=True).with_field("late", required=True)

    story.when(change(custom={"a": None})).then_refused("validation.failed", {"/custom/a": "field.required"})
    story.when(change(custom=None)).then_refused("validation.failed", {"/custom/a": "field.required"})
    story.when(change(custom={"a": "2"})).then(changed(custom={"a": "2"}))
    story.when(change(title="Lady")).then(changed(title="Lady"))


def test_values_of_a_deleted_field_stay_and_cannot_be_written() -> None:
    story = ada(custom={"old": "1", "a": "1"}).with_field("a")
    gone = custom_field("old", "text", CustomFieldDeleted())
    story._custom["old"] = gone

    story.when(change(custom={"old": "2"})).then_refused("validation.failed", {"/custom/old": "custom_field.unknown"})
    story.when(change(custom=None)).then(changed(custom={"old": "1"}))
    story.when(change(custom={"a": "2"})).then(changed(custom={"old": "1", "a": "2"}))


def test_all_values_together_are_bounded() -> None:
    story = given()
    for number in range(40):
        story.with_field(f"f{number}")
    custom = {f"f{number}": "x" * 1990 for number in range(40)}
    assert len(msgspec.json.encode(custom)) > MOST_BYTES

    told = story.when(register(name="Ada", custom=custom))

    told.then_refused("validation.failed", {"/custom": "custom_field.too_much"})


def test_a_unique_value_is_claimed_moved_and_freed() -> None:
    def claim(value: str) -> Claim:
        return Claim(TENANT, "contact.custom/no/1", value, ADA)

    new = given().with_field("no", unique=True).when(register(name="Ada", custom={"no": "A-7"}))
    story = ada(custom={"no": "A-7"}, external_ids={}).with_field("no", unique=True)

    new.claims(claim("a-7")).releases()
    story.when(change(custom={"no": "B"})).claims(claim("b")).releases(claim("a-7"))
    story.when(change(custom={"no": None})).claims().releases(claim("a-7"))
    story.when(change(title="Lady")).claims().releases()
    story.when(delete()).claims().releases(claim("a-7"))


def test_a_decision_stands_only_while_the_fields_that_it_was_made_by_do() -> None:
    story = ada(custom={"a": "1", "b": "1"}).with_field("a").with_field("b").with_field("c")
    a, b = (Expected(custom_field(key).id, 1) for key in ("a", "b"))

    assert story.when(change(custom={"a": "2", "b": "1"})).decision.expects == (a,)
    assert story.when(change(custom={"a": "2", "b": None})).decision.expects == (a, b)
    assert story.when(delete()).decision.expects == (a, b)
    assert story.when(change(title="Lady")).decision.expects == ()


def test_while_a_field_is_being_changed_values_must_fit_before_and_after() -> None:
    story = given()
    story._custom["x"] = custom_field("x", "text", CustomFieldChangeBegun(type=FieldType.DATE, unique=True))

    told = story.when(register(name="Ada", custom={"x": "2026-01-05"}))

    told.claims(Claim(TENANT, "contact.custom/x/2", '"2026-01-05"', ADA))
    refused = story.when(register(name="Ada", custom={"x": "soon"}))
    refused.then_refused("validation.failed", {"/custom/x": "date.invalid"})


def test_several_choices_are_the_same_in_whatever_order_they_were_kept() -> None:
    field = custom_field("x", "multi_choice", choices=("A", "B", "C"))
    assert fits(Rule(FieldType.MULTI_CHOICE, ("C", "B", "A")), ["A", "B"])
    assert not fits(Rule(FieldType.MULTI_CHOICE, ("C", "A")), ["A", "B"])
    begun = CustomFieldChangeBegun(type=FieldType.MULTI_CHOICE, choices=("B", "A"))
    story = given()
    story._custom["x"] = custom_field("x", "multi_choice", begun, choices=field.rule.choices)
    story.when(register(name="Ada", custom={"x": ["a", "b"]})).then(registered("Ada", custom={"x": ["A", "B"]}))
    refused = story.when(register(name="Ada", custom={"x": ["a", "c"]}))
    refused.then_refused("validation.failed", {"/custom/x": "value.not_allowed"})


TYPES: Mapping[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=50),
    "number": st.one_of(
        st.integers(-(10**15) + 1, 10**15 - 1),
        st.decimals(-(10**6), 10**6, places=4).map(float),
        st.decimals(-(10**6), 10**6, places=4).map(str),
    ),
    "date": st.dates().map(str),
    "boolean": st.booleans(),
    "choice": st.sampled_from(COLOURS),
    "multi_choice": st.lists(st.sampled_from(COLOURS), max_size=6),
    "url": st.from_regex(r"https?://[A-Za-z0-9.-]{1,20}(/[!-\[\]-~]{0,20})?", fullmatch=True),
}


@whenever(st.sampled_from(sorted(TYPES)).flatmap(lambda kind: st.tuples(st.just(kind), TYPES[kind])))
def test_what_was_stored_is_the_same_when_it_is_read_and_sent_again(sent: tuple[str, Any]) -> None:
    kind, value = sent
    field = custom_field("x", kind, choices=COLOURS if "choice" in kind else ())
    told = given().with_field("x", kind, choices=field.rule.choices).when(register(name="A", custom={"x": value}))
    if told.refusal:
        return
    custom = told.decision.events[0].custom  # type: ignore[attr-defined]
    again = msgspec.json.decode(msgspec.json.encode(custom))
    assert again == custom
    if custom:
        assert fits(field.rule, again["x"])
        assert after(kind, again["x"], choices=field.rule.choices) == custom["x"]
    if kind == "number":
        assert Decimal(repr(custom["x"])) == Decimal(str(value))


@whenever(st.integers(0, 10**MOST_DIGITS - 1), st.integers(0, 10))
def test_a_number_of_at_most_fifteen_digits_is_kept_exactly(digits: int, places: int) -> None:
    text = str(Decimal(digits).scaleb(-places).normalize().__format__("f"))
    assert Decimal(repr(after("number", text))) == Decimal(text)


def test_a_contact_comes_back_with_the_values_that_still_fit_and_what_it_holds_alone() -> None:
    custom = {"no": "A", "size": "big", "gone": "x"}
    story = (
        given(registered("Ada", custom=custom), deleted()).with_field("no", unique=True).with_field("size", "number")
    )
    fitting = {"no": "A", "gone": "x"}

    told = story.when(restore())

    told.then(restored(), changed(custom=fitting)).claims(Claim(TENANT, "contact.custom/no/1", "a", ADA))
    assert {each.stream_id for each in told.decision.expects} == {custom_field("no").id, custom_field("size").id}
