"""R5.4: amounts are exact, in their currency's own spelling."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money, decimals, money, spelt


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12.5", "EUR", "12.50"),
        ("0", "USD", "0.00"),
        ("1200", "JPY", "1200"),
        ("1.005", "KWD", "1.005"),
        ("007", "EUR", "7.00"),
    ],
)
def test_an_amount_is_shown_as_its_currency_is(amount: str, currency: str, shown: str) -> None:
    assert money(amount, currency) == Money(shown, currency)


@pytest.mark.parametrize(
    "amount", ["", ".", "-1", "+1", "1e3", "1,5", "1.005", "\u0661", "9" * 30, "1" + "0" * 15, " 1"]
)
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"is|has"):
        money(amount, "EUR")


@given(st.integers(0, 10**14), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_what_was_spelt_is_read_as_itself(units: int, currency: str) -> None:
    shown = spelt(Decimal(units).scaleb(-decimals(currency)), currency)
    assert money(shown.amount, currency) == shown
