"""What rules of scoring see of a lead, its contact and company: what is not personal, and whether a condition holds."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import ge, gt, le, lt
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct

from domain.company import Size
from domain.money import Money
from domain.scoring import OF_COMPANY, OF_CONTACT, FieldCondition, Operator


class Facts(Struct, frozen=True, kw_only=True):
    """A version of a lead, by the position from which it stood."""

    id: UUID
    since: int
    status: str
    status_since: datetime
    occurred_at: datetime
    updated_at: datetime
    source: str | None = None
    value: Money | None = None
    owner_id: UUID | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None
    customer_id: UUID | None = None

    deleted_at: datetime | None = None


class ContactFacts(Struct, frozen=True, kw_only=True):
    """A version of a contact, by the position from which it stood."""

    id: UUID
    since: int
    updated_at: datetime
    lifecycle: str
    owner_id: UUID | None = None
    company_id: UUID | None = None
    deleted_at: datetime | None = None


class CompanyFacts(Struct, frozen=True, kw_only=True):
    """A version of a company, by the position from which it stood."""

    id: UUID
    since: int
    updated_at: datetime
    industry: str | None = None
    size: Size | None = None
    deleted_at: datetime | None = None


AnyFacts = Facts | ContactFacts | CompanyFacts


def _told_at(facts: AnyFacts, before: AnyFacts | None) -> datetime:
    """When it came to be so: when the lead came in or was moved, which may be told later; else when it was changed."""
    if not isinstance(facts, Facts):
        return facts.updated_at
    if not isinstance(before, Facts):
        return facts.occurred_at
    moved = (facts.status, facts.status_since) != (before.status, before.status_since)
    return facts.status_since if moved else facts.updated_at


class Since(Struct, frozen=True):
    """From when something has been so, and the position of the event that made it."""

    position: int
    at: datetime


_SIDES: Mapping[Operator, Callable[[Decimal, Decimal], bool]] = MappingProxyType(
    {Operator.GT: gt, Operator.GTE: ge, Operator.LT: lt, Operator.LTE: le}
)


def holding_since(condition: FieldCondition, versions: Sequence[AnyFacts]) -> Since | None:
    """Since when a condition holds without a break; None when it doesn't.

    `versions` are the lead's, its contact's or its company's, whichever the condition is about; oldest first.
    """
    found: Since | None = None
    before: AnyFacts | None = None
    for facts in versions:
        if facts.deleted_at or not holds(condition, facts):
            found = None
        elif found is None:
            found = Since(facts.since, _told_at(facts, before))
        before = facts
    return found


def holds(condition: FieldCondition, facts: AnyFacts) -> bool:
    """Whether it holds of a lead, contact or company. What has no value is not equal to any, nor more or less."""
    root, _, part = condition.field.removeprefix(OF_CONTACT).removeprefix(OF_COMPANY).partition(".")
    value = getattr(facts, root)
    match condition.operator:
        case Operator.HAS:
            return value is not None
        case Operator.NOT_HAS:
            return value is None
        case Operator.NEQ | Operator.NOT_IN:
            return not _is_among(condition, value, part)
        case Operator.EQ | Operator.IN:
            return _is_among(condition, value, part)
        case Operator.CONTAINS_TOKEN:
            return value is not None and _plain(str(condition.value)) in _plain(value).split()
        case side:
            amounts = _amounts(condition, value)
            return amounts is not None and _SIDES[side](*amounts)


def _is_among(condition: FieldCondition, value: object, part: str) -> bool:
    if value is None:
        return False
    if isinstance(value, Money) and part != "currency":
        amounts = _amounts(condition, value)
        return amounts is not None and amounts[0] == amounts[1]
    wanted = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    found = value.currency if isinstance(value, Money) else str(value)
    return _plain(found) in {_plain(str(each)) for each in wanted}


def _amounts(condition: FieldCondition, value: Money | Size | None) -> tuple[Decimal, Decimal] | None:
    """An amount or size, and that of the condition; None where there is nothing to compare, like two currencies."""
    if value is None:
        return None
    if not isinstance(value, Money):
        least = _NUMBER.search(str(value))
        return (Decimal(_APART.sub("", least[0])), Decimal(str(condition.value))) if least else None
    if isinstance(condition.value, Money):
        if condition.value.currency != value.currency:
            return None
        return Decimal(value.amount), Decimal(condition.value.amount)
    return Decimal(value.amount), Decimal(str(condition.value))


_NUMBER, _APART = re.compile(r"\d{1,3}(?:[,.'\u00a0\u202f ]\d{3})+(?!\d)|\d{1,15}", re.ASCII), re.compile(r"\D")
"""The least that words like 11-50 or 1,000+ say, and what stands between its thousands."""


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
