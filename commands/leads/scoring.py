"""What can be asked of a tenant's scoring rules: set them, all at once. Pure: state in, events out."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from msgspec import structs

from commands import normalise
from commands.decision import Decision, Given
from commands.leads.scoring_input import KINDS, PutScoringRules, RuleInput, WhenInput
from commands.normalise import Problems, pointer
from domain.contact import Lifecycle
from domain.interaction import Direction, Type
from domain.lead_status import Status
from domain.money import MOST as MOST_MONEY
from domain.money import Money, is_currency, money
from domain.scoring import (
    FIELDS,
    SIDES,
    FieldCondition,
    InteractionCondition,
    Operator,
    Rule,
    ScoringRules,
    ScoringRulesSet,
    is_personal,
)

MOST_RULES, MOST_POINTS, MOST_DAYS, MOST_VALUES = 200, 1000, 3650, 100
LONGEST_LABEL, LONGEST_TEXT = 100, 100

E = TypeVar("E", bound=StrEnum)

_NOBODY = UUID(int=0)
_OF_FIELDS, _OF_INTERACTIONS = ("field", "operator", "value"), ("type", "direction")
_CHOICES: Mapping[str, type[StrEnum]] = {"status": Status, "contact.lifecycle": Lifecycle}
_SIZE = "company.size"
_SEVERAL = frozenset({Operator.IN, Operator.NOT_IN})
_NONE = frozenset({Operator.HAS, Operator.NOT_HAS})


def set_rules(command: PutScoringRules, given: Given[ScoringRules]) -> Decision:
    """Other rules than before; nothing when they are the same.

    A rule without an id that is in all like one that stands is that one.

    Raises:
        InvalidError: rules make no sense; every bad member is named.
    """
    problems = Problems(given.errors)
    standing = given.state.rules if given.state else ()
    asked: Sequence[RuleInput | None] = command.rules or ()
    if len(asked) > MOST_RULES:
        problems.add("/rules", "list.too_long", f"has {len(asked)} items; at most {MOST_RULES} are allowed")
    read = [_rule(each, pointer("/rules", n), problems) for n, each in enumerate(asked[:MOST_RULES]) if each]
    _check_ids(asked[:MOST_RULES], {rule.id for rule in standing}, problems)
    problems.raise_if_any()
    rules = _named(read, standing, given.new_id)
    return Decision() if given.state and rules == standing else Decision(events=(ScoringRulesSet(rules=rules),))


def _check_ids(asked: Sequence[RuleInput | None], known: set[UUID], problems: Problems) -> None:
    seen: set[UUID] = set()
    for number, each in enumerate(asked):
        if each is None or each.id is None:  # could not be read, and is in the problems already; or is new
            continue
        here = pointer(pointer("/rules", number), "id")
        if each.id in seen:
            problems.add(here, "value.repeated", "stands twice")
        elif each.id not in known:
            problems.add(here, "scoring_rule.not_found", "is no rule that stands; leave it out for a new one")
        seen.add(each.id)


def _named(read: Sequence[Rule], standing: Sequence[Rule], new_id: Callable[[], UUID]) -> tuple[Rule, ...]:
    """The rules with their ids: those sent, else those of rules that say the same, else new ones."""
    taken = {rule.id for rule in read}
    alike = {structs.replace(rule, id=_NOBODY): rule.id for rule in standing if rule.id not in taken}
    return tuple(
        structs.replace(rule, id=alike.pop(rule, None) or new_id()) if rule.id == _NOBODY else rule for rule in read
    )


def _rule(asked: RuleInput, at: str, problems: Problems) -> Rule:
    label = normalise.filled(asked.label, f"{at}/label", problems, longest=LONGEST_LABEL)
    if abs(asked.points) > MOST_POINTS:
        problems.add(f"{at}/points", "value.out_of_range", f"is not from -{MOST_POINTS} to {MOST_POINTS}")
    if asked.decay_days is not None and not 1 <= asked.decay_days <= MOST_DAYS:
        problems.add(f"{at}/decay_days", "value.out_of_range", f"is not from 1 to {MOST_DAYS}")
    when = _when(asked.when, f"{at}/when", problems)
    return Rule(id=asked.id or _NOBODY, label=label, when=when, points=asked.points, decay_days=asked.decay_days)


def _when(asked: WhenInput, at: str, problems: Problems) -> FieldCondition | InteractionCondition:
    other = {"field": _OF_INTERACTIONS, "interaction": _OF_FIELDS}.get(asked.kind, ())
    for name in other:
        if getattr(asked, name) is not None:
            problems.add(f"{at}/{name}", "field.unexpected", f"does not go with the kind {asked.kind}; leave it out")
    if asked.kind == "interaction":
        kind = _member(Type, asked.type, f"{at}/type", problems, is_needed=True)
        direction = _member(Direction, asked.direction, f"{at}/direction", problems)
        return InteractionCondition(kind or Type.NOTE, direction)
    if asked.kind != "field":
        problems.add(f"{at}/kind", "value.not_allowed", f"is not one of {', '.join(KINDS)}")
    elif asked.field and is_personal(asked.field):
        message = "is personal, and goes when a person is erased: scores are built from what stays"
        problems.add(f"{at}/field", "scoring.personal_field", message)
        _member(Operator, asked.operator, f"{at}/operator", problems, is_needed=True)
    else:
        return _condition(asked, at, problems)
    return FieldCondition("", Operator.HAS)


def _condition(asked: WhenInput, at: str, problems: Problems) -> FieldCondition:
    operator = _member(Operator, asked.operator, f"{at}/operator", problems, is_needed=True)
    if asked.field is None:
        problems.add(f"{at}/field", "field.required", "is missing")
    elif asked.field not in FIELDS:
        problems.add(f"{at}/field", "value.not_allowed", f"is not one of {', '.join(FIELDS)}")
    elif operator and operator not in FIELDS[asked.field]:
        problems.add(f"{at}/operator", "value.not_allowed", f"does not go with the field {asked.field}")
    elif operator:
        return FieldCondition(asked.field, operator, _value(asked.field, operator, asked.value, at, problems))
    return FieldCondition("", Operator.HAS)


def _value(field: str, operator: Operator, value: Any, at: str, problems: Problems) -> Any:
    """What a field is compared with, in the form that it is compared in."""
    here = f"{at}/value"
    if operator in _NONE:
        if value is not None:
            problems.add(here, "field.unexpected", f"does not go with {operator.value}; leave it out")
        return None
    if value is None:
        problems.add(here, "field.required", "is missing")
        return None
    if operator not in _SEVERAL:
        # How many work somewhere may be words, but nothing is more than words.
        return _single("value.amount" if field == _SIZE and operator in SIDES else field, value, here, problems)
    if not isinstance(value, list):
        problems.add(here, "type.wrong", f"must be a list: {operator.value} compares with several")
        return None
    if not 0 < len(value) <= MOST_VALUES:
        problems.add(here, "value.out_of_range", f"has to be 1 to {MOST_VALUES} values")
    return tuple(_single(field, each, pointer(here, n), problems) for n, each in enumerate(value[:MOST_VALUES]))


def _single(field: str, value: Any, at: str, problems: Problems) -> str | Money:
    if field == _SIZE and type(value) is int:
        value = str(value)
    if field in {"value", "value.amount"}:
        try:
            return _money(value) if field == "value" and isinstance(value, dict) else _amount(value)
        except ValueError as error:
            problems.add(at, "money.amount", str(error))
    elif not isinstance(value, str):
        problems.add(at, "type.wrong", "must be a text")
    elif field.endswith("_id"):
        return _id(value, at, problems)
    elif kind := _CHOICES.get(field):
        return _member(kind, value, at, problems) or ""
    elif field == "value.currency":
        if not is_currency(value):
            problems.add(at, "money.currency", "is no currency of ISO 4217: send its three capital letters, like EUR")
        return value
    else:
        return normalise.filled(value, at, problems, longest=LONGEST_TEXT)
    return ""


def _amount(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > LONGEST_TEXT:
        raise ValueError('must be a number, as such or as a text, or money: {"amount": "12.50", "currency": "EUR"}')
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("is no number: send digits with a point, like 12.50") from None
    if not found.is_finite() or not 0 <= found < MOST_MONEY:
        raise ValueError("is not from 0 to a quadrillion")
    return f"{found:f}"


def _money(value: dict[str, Any]) -> Money:
    amount, currency = value.get("amount"), value.get("currency")
    if value.keys() != {"amount", "currency"} or not isinstance(amount, str) or not isinstance(currency, str):
        raise ValueError('must be {"amount": "12.50", "currency": "EUR"}')
    if not is_currency(currency):
        raise ValueError("has no currency of ISO 4217: three capital letters, like EUR")
    return money(amount, currency)


def _id(value: str, at: str, problems: Problems) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        problems.add(at, "type.uuid", "must be a UUID")
        return ""


def _member(kind: type[E], value: str | None, at: str, problems: Problems, *, is_needed: bool = False) -> E | None:
    """A member of an enumeration."""
    if value is None:
        if is_needed:
            problems.add(at, "field.required", "is missing")
        return None
    try:
        return kind(value)
    except ValueError:
        problems.add(at, "value.not_allowed", f"is not one of {', '.join(kind)}")
        return None
