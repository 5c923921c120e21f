"""R5.6: what points are worth by age, and what holds of a lead since when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lead_facts import CompanyFacts, Facts, Since, holding_since, holds
from domain.money import Money
from domain.scoring import FieldCondition, Operator, is_decaying, worth
from tests.given import START, some_id

DAY = date(2026, 1, 5)
EUR = Money("12.50", "EUR")


def facts(since: int = 1, **members: Any) -> Facts:
    known = {"id": some_id(1), "since": since, "status": "new", "status_since": START, "occurred_at": START}
    return Facts(**{**known, "updated_at": START + timedelta(hours=since), **members})


@pytest.mark.parametrize(
    ("age", "left"), [(-3, 10), (0, 10), (1, 10), (2, 9), (3, 9), (15, 3), (16, 2), (19, 1), (20, 0), (999, 0)]
)
def test_an_equal_share_goes_every_day_and_halves_are_rounded_up(age: int, left: int) -> None:
    at = DAY - timedelta(days=age)
    assert worth(10, 20, at, DAY) == left
    assert worth(-10, 20, at, DAY) == -left


@given(st.integers(-1000, 1000), st.integers(1, 3650), st.integers(-10, 4000))
def test_points_never_grow_with_age_and_end_at_nothing(points: int, days: int, age: int) -> None:
    at = DAY - timedelta(days=age)
    now, later = worth(points, days, at, DAY), worth(points, days, at, DAY + timedelta(days=1))
    assert 0 <= abs(later) <= abs(now) <= abs(points)
    assert worth(points, days, at, at + timedelta(days=days)) == 0
    assert worth(points, None, at, DAY) == points
    if not is_decaying(points, days, at, DAY):
        assert now == later


@pytest.mark.parametrize(
    ("field", "operator", "value", "does"),
    [
        ("source", Operator.EQ, "WEB  shop", True),
        ("source", Operator.NEQ, "web shop", False),
        ("source", Operator.CONTAINS_TOKEN, "Shop", True),
        ("source", Operator.CONTAINS_TOKEN, "sho", False),
        ("status", Operator.NOT_IN, ("won", "lost"), True),
        ("owner_id", Operator.NOT_HAS, None, True),
        ("owner_id", Operator.NEQ, str(some_id(2)), True),
        ("owner_id", Operator.EQ, str(some_id(2)), False),
        ("value", Operator.EQ, "12.5", True),
        ("value", Operator.GT, "12.50", False),
        ("value", Operator.GTE, Money("12.50", "EUR"), True),
        ("value", Operator.LT, Money("99.00", "USD"), False),
        ("value", Operator.NEQ, Money("12.50", "USD"), True),
        ("value.amount", Operator.LTE, "13", True),
        ("value.currency", Operator.IN, ("CHF", "EUR"), True),
        ("value.currency", Operator.HAS, None, True),
    ],
)
def test_a_condition_holds_of_what_a_lead_is(field: str, operator: Operator, value: Any, does: bool) -> None:
    lead = facts(source="Web shop", value=EUR)
    assert holds(FieldCondition(field, operator, value), lead) is does


@pytest.mark.parametrize(
    ("size", "operator", "value", "does"),
    [
        (500, Operator.EQ, "500", True),
        (500, Operator.IN, ("50", "500"), True),
        (500, Operator.GTE, "500", True),
        (500, Operator.LT, "500", False),
        ("11-50", Operator.GT, "10", True),
        ("11-50", Operator.GT, "11", False),
        ("11 \N{EN DASH} 50", Operator.EQ, "11 \N{EN DASH} 50", True),
        ("over 1,000", Operator.GTE, "1000", True),
        ("10.000+", Operator.GT, "9999", True),
        ("1000-5000", Operator.LTE, "1000", True),
        ("a few", Operator.GT, "0", False),
        ("a few", Operator.HAS, None, True),
        (None, Operator.LT, "5", False),
    ],
)
def test_a_size_of_words_is_compared_by_its_first_number(size: Any, operator: Operator, value: Any, does: bool) -> None:
    company = CompanyFacts(id=some_id(3), since=1, updated_at=START, size=size, industry="Paper mills")
    assert holds(FieldCondition("company.size", operator, value), company) is does
    assert holds(FieldCondition("company.industry", Operator.CONTAINS_TOKEN, "PAPER"), company)


@pytest.mark.parametrize("operator", [Operator.EQ, Operator.GT, Operator.LTE])
def test_what_has_no_value_is_neither_equal_nor_more_nor_less(operator: Operator) -> None:
    assert not holds(FieldCondition("value", operator, "0"), facts())
    assert holds(FieldCondition("value", Operator.NEQ, "0"), facts())


def test_a_condition_holds_since_it_last_came_to_hold() -> None:
    qualified = FieldCondition("status", Operator.EQ, "qualified")
    then = datetime(2025, 12, 1, tzinfo=UTC)
    versions = [
        facts(1, status="qualified"),
        facts(4),
        facts(6, status="qualified", status_since=then),
        facts(9, status="qualified", status_since=then, source="web"),
    ]
    assert holding_since(qualified, versions) == Since(6, then)
    assert holding_since(FieldCondition("source", Operator.HAS), versions) == Since(9, START + timedelta(hours=9))
    assert holding_since(FieldCondition("status", Operator.HAS), versions) == Since(1, START)
    assert holding_since(qualified, versions[:2]) is None
