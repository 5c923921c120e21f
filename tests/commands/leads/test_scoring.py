"""R5.6: rules of scoring: what is taken, what is refused, and which rule stays which."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.decision import Decision, Given
from commands.leads import scoring
from commands.leads.scoring_input import PutScoringRules
from domain.errors import InvalidError
from domain.interaction import Type
from domain.money import Money
from domain.scoring import (
    FieldCondition,
    InteractionCondition,
    Operator,
    Rule,
    ScoringRules,
    ScoringRulesSet,
    evolve_rules,
    rules_id,
)
from tests.given import START, TENANT, some_id

WEB: dict[str, Any] = {
    "label": "Web",
    "when": {"kind": "field", "field": "source", "operator": "EQ", "value": "web"},
    "points": 10,
}


def decide(*rules: dict[str, Any], standing: ScoringRules | None = None) -> Decision:
    ids = iter(some_id(number) for number in range(len(standing.rules) + 1 if standing else 1, 400))
    known: Given[ScoringRules] = Given(
        tenant_id=TENANT, stream_id=rules_id(TENANT), state=standing, now=START, new_id=lambda: next(ids), caller=None,
        found={},
    )  # fmt: skip
    return scoring.set_rules(msgspec.convert({"rules": rules}, PutScoringRules), known)


def made(*rules: dict[str, Any], standing: ScoringRules | None = None) -> tuple[Rule, ...]:
    (event,) = decide(*rules, standing=standing).events
    assert isinstance(event, ScoringRulesSet)
    return event.rules


def stood(*rules: dict[str, Any]) -> ScoringRules:
    return evolve_rules(None, ScoringRulesSet(rules=made(*rules)), stream_id=rules_id(TENANT), at=START)


def refused(*rules: dict[str, Any], standing: ScoringRules | None = None) -> dict[str, str]:
    with pytest.raises(InvalidError) as refusal:
        decide(*rules, standing=standing)
    return {error.pointer: error.code for error in refusal.value.errors}


def about(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {**WEB, "when": {"kind": "field", "field": field, "operator": operator, "value": value}}


@pytest.mark.parametrize(
    ("field", "operator", "value", "taken"),
    [
        ("source", "CONTAINS_TOKEN", " fair ", "fair"),
        ("status", "IN", ["new", "qualified"], ("new", "qualified")),
        ("owner_id", "HAS", None, None),
        ("owner_id", "EQ", "019B0000-0000-7000-8000-000000000007", "019b0000-0000-7000-8000-000000000007"),
        ("contact.lifecycle", "IN", ["customer"], ("customer",)),
        ("company.industry", "CONTAINS_TOKEN", "paper", "paper"),
        ("company.size", "EQ", "11-50", "11-50"),
        ("company.size", "IN", [50, "11-50"], ("50", "11-50")),
        ("company.size", "GTE", 50, "50"),
        ("value", "GTE", 1000, "1000"),
        ("value.amount", "LT", "12.50", "12.50"),
        ("value", "EQ", {"amount": "12.5", "currency": "EUR"}, Money("12.50", "EUR")),
        ("value.currency", "NOT_IN", ["EUR"], ("EUR",)),
    ],
)
def test_values_are_taken_in_the_form_that_they_are_compared_in(
    field: str, operator: str, value: Any, taken: Any
) -> None:
    assert made(about(field, operator, value))[0].when == FieldCondition(field, Operator(operator), taken)


def test_an_interaction_of_a_kind_may_be_of_any_direction() -> None:
    (rule,) = made({**WEB, "when": {"kind": "interaction", "type": "call"}, "decay_days": 3650})
    assert (rule.when, rule.decay_days) == (InteractionCondition(Type.CALL), 3650)


@pytest.mark.parametrize(
    ("rule", "pointer", "code"),
    [
        (about("title", "HAS"), "/when/field", "scoring.personal_field"),
        (about("contact.title", "HAS"), "/when/field", "scoring.personal_field"),
        (about("contact.lifecycle", "EQ", "gone"), "/when/value", "value.not_allowed"),
        (about("company.size", "GTE", "11-50"), "/when/value", "money.amount"),
        (about("company.size", "EQ", value=True), "/when/value", "type.wrong"),
        (about("company.name", "EQ", "Mill"), "/when/field", "value.not_allowed"),
        (about("custom.size", "HAS"), "/when/field", "scoring.personal_field"),
        (about("mood", "HAS"), "/when/field", "value.not_allowed"),
        (about("status", "LIKE"), "/when/operator", "value.not_allowed"),
        (about("status", "EQ", "gone"), "/when/value", "value.not_allowed"),
        (about("status", "EQ"), "/when/value", "field.required"),
        (about("status", "HAS", "new"), "/when/value", "field.unexpected"),
        (about("source", "IN", "web"), "/when/value", "type.wrong"),
        (about("source", "IN", []), "/when/value", "value.out_of_range"),
        (about("source", "EQ", 5), "/when/value", "type.wrong"),
        (about("contact_id", "EQ", "ada"), "/when/value", "type.uuid"),
        (about("value", "GT", value=True), "/when/value", "money.amount"),
        (about("value", "GT", "nan"), "/when/value", "money.amount"),
        (about("value", "GT", {"amount": "5"}), "/when/value", "money.amount"),
        (about("value.amount", "GT", {"amount": "5", "currency": "EUR"}), "/when/value", "money.amount"),
        (about("value.currency", "EQ", "euro"), "/when/value", "money.currency"),
        (about("value.currency", "EQ", "ZZZ"), "/when/value", "money.currency"),
        ({**WEB, "points": -1001}, "/points", "value.out_of_range"),
        ({**WEB, "decay_days": 3651}, "/decay_days", "value.out_of_range"),
        ({**WEB, "label": ""}, "/label", "field.blank"),
    ],
)
def test_what_makes_no_sense_is_told_where_it_stands(rule: dict[str, Any], pointer: str, code: str) -> None:
    assert refused(WEB, rule) == {f"/rules/1{pointer}": code}


def test_there_are_at_most_two_hundred_rules() -> None:
    assert len(made(*[WEB] * 200)) == 200
    assert refused(*[WEB] * 201) == {"/rules": "list.too_long"}


def test_a_rule_that_stays_is_the_same_rule() -> None:
    standing = stood(WEB, {**WEB, "points": 3})
    first, second = (rule.id for rule in standing.rules)
    third = made({**WEB, "points": 3}, {**WEB, "label": "Site", "id": str(first)}, WEB, standing=standing)
    assert [rule.id for rule in third][:2] == [second, first]
    assert third[2].id not in {first, UUID(int=0)}
    assert decide(WEB, {**WEB, "points": 3}, standing=standing).events == ()
    unknown = {**WEB, "id": str(some_id(99))}
    assert refused(unknown, {**WEB, "id": str(first)}, {**WEB, "id": str(first)}, standing=standing) == {
        "/rules/0/id": "scoring_rule.not_found",
        "/rules/2/id": "value.repeated",
    }


def test_no_rules_where_there_were_none_are_an_event_too_and_only_once() -> None:
    assert made() == ()
    assert decide(standing=stood()).events == ()
