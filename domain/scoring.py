"""By what a tenant tells good leads: rules with points, and what each is worth of a lead. Pure, and without a clock.

Rules look only at what is not personal of a lead, its contact and company, so that erasing a person changes no score.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID, uuid5

from msgspec import Struct

from domain.event import Event
from domain.interaction import Direction, Type
from domain.money import Money


class Operator(StrEnum):
    """How a field is compared; as in searches."""

    EQ = "EQ"
    NEQ = "NEQ"
    GT = "GT"
    GTE = "GTE"
    LT = "LT"
    LTE = "LTE"
    IN = "IN"
    NOT_IN = "NOT_IN"
    HAS = "HAS"
    NOT_HAS = "NOT_HAS"
    CONTAINS_TOKEN = "CONTAINS_TOKEN"  # noqa: S105  a word of a text


_EQUAL = frozenset({Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN, Operator.HAS, Operator.NOT_HAS})
SIDES = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
"""What only numbers are compared by."""
_AMOUNTS = frozenset({Operator.EQ, Operator.NEQ, *SIDES, Operator.HAS, Operator.NOT_HAS})
FIELDS: Mapping[str, frozenset[Operator]] = MappingProxyType(
    {
        "status": _EQUAL,
        "source": _EQUAL | {Operator.CONTAINS_TOKEN},
        "value": _AMOUNTS,
        "value.amount": _AMOUNTS,
        "value.currency": _EQUAL,
        "owner_id": _EQUAL,
        "contact_id": _EQUAL,
        "company_id": _EQUAL,
        "customer_id": _EQUAL,
        "contact.lifecycle": _EQUAL,
        "contact.owner_id": _EQUAL,
        "contact.company_id": _EQUAL,
        "company.industry": _EQUAL | {Operator.CONTAINS_TOKEN},
        "company.size": _EQUAL | SIDES,
    }
)
"""The fields of leads, their contacts and companies that rules may be about, and the comparisons that go with each."""

OF_CONTACT, OF_COMPANY = "contact.", "company."
"""Start the names of fields of the lead's contact, and of its company: its own, else the one that its contact is of."""

_PERSONAL = frozenset(
    {"title", "tags", "custom", "external_ids", "lost_reason", "name", "given", "family", "email", "emails"}
) | {"phone", "phones"}


def is_personal(field: str) -> bool:
    """Whether a field of leads or of contacts says something about a person: no rule is about those."""
    return field.removeprefix(OF_CONTACT).partition(".")[0] in _PERSONAL


class FieldCondition(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="field"):
    """Something that is so of a lead, or of its contact or company.

    `value` is a text, several for IN and NOT_IN, money, or nothing for HAS.
    """

    field: str
    operator: Operator
    value: str | tuple[str, ...] | Money | None = None

    @property
    def is_of_contact(self) -> bool:
        """Whether it is about the lead's contact."""
        return self.field.startswith(OF_CONTACT)

    @property
    def is_of_company(self) -> bool:
        """Whether it is about the lead's company."""
        return self.field.startswith(OF_COMPANY)


class InteractionCondition(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="interaction"):
    """Each interaction of this type, and direction if one is given, with the lead or its contact."""

    type: Type
    direction: Direction | None = None


class Rule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many points for what `when` says; with `decay_days`, fewer every day, and none after so many days."""

    id: UUID
    label: str
    when: FieldCondition | InteractionCondition
    points: int
    decay_days: int | None = None


class ScoringRulesSet(Event, topic="scoring.rules_set.v1"):
    """Leads are scored by these rules from now on: all of them, also those that stayed as they were."""

    rules: tuple[Rule, ...]


class ScoringRules(Struct, frozen=True, kw_only=True):
    """State of a tenant's rules; version 0 where none were ever set."""

    id: UUID
    version: int = 0
    rules: tuple[Rule, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None


def rules_id(tenant_id: UUID) -> UUID:
    """The stream of a tenant's rules."""
    return uuid5(tenant_id, "scoring_rules")


def evolve_rules(rules: ScoringRules | None, event: Event, *, stream_id: UUID, at: datetime) -> ScoringRules:
    """Apply one event.

    Raises:
        TypeError: the event sets no rules.
    """
    if not isinstance(event, ScoringRulesSet):
        raise TypeError(f"{type(event).__name__} sets no scoring rules")
    version, began = (rules.version, rules.created_at) if rules else (0, at)
    return ScoringRules(id=stream_id, version=version + 1, rules=event.rules, created_at=began, updated_at=at)


def worth(points: int, decay_days: int | None, at: date, day: date) -> int:
    """What points since `at` are worth on a day: an equal share less with each day, rounded half away from zero."""
    if not decay_days:
        return points
    left = min(decay_days, max(0, decay_days - (day - at).days))
    whole = (2 * abs(points) * left + decay_days) // (2 * decay_days)
    return whole if points > 0 else -whole


def is_decaying(points: int, decay_days: int | None, at: date, day: date) -> bool:
    """Whether they will be worth less on a later day."""
    return bool(decay_days and points) and (day - at).days < (decay_days or 0)


EVENTS = (ScoringRulesSet,)
