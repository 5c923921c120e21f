"""Amounts of money: exact, each in its currency; those of different currencies are never added."""

from decimal import Decimal, InvalidOperation

from msgspec import Struct

_WHOLE = frozenset(
    [
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
        *("RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    ]
)
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_HUNDREDTHS = frozenset(
    [
        *("AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND", "BOB"),
        *("BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK"),
        *("DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ"),
        *("GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD"),
        *("KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR"),
        *("MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP"),
        *("PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS"),
        *("SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH"),
        *("USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG"),
        # Withdrawn since 2020: what was agreed in them before is told in them.
        *("ANG", "BGN", "CUC", "HRK", "SLL", "ZWL"),
    ]
)
_LONGEST = 24
MOST = Decimal(10) ** 15
"""No amount reaches it: sums of many millions are still exact."""


class Money(Struct, frozen=True):
    """An amount as ISO 4217 spells it: "12.50" of "EUR", "1200" of "JPY"."""

    amount: str
    currency: str


def is_currency(code: str) -> bool:
    """Whether people pay in it: the codes of ISO 4217 without those of funds, metals and tests."""
    return code in _HUNDREDTHS or code in _WHOLE or code in _THOUSANDTHS


def decimals(currency: str) -> int:
    """How many digits a currency has behind the point (ISO 4217)."""
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def spelt(amount: Decimal, currency: str) -> Money:
    """An amount in its currency's own spelling."""
    return Money(f"{amount:.{decimals(currency)}f}", currency)


def money(amount: str, currency: str) -> Money:
    """An amount as it was sent, in its normal form.

    Raises:
        ValueError: it is none that this currency has, or not from 0 to a quadrillion.
    """
    if len(amount) > _LONGEST or not amount.isascii() or not amount.replace(".", "", 1).isdigit():
        raise ValueError("is no amount: send digits with a point, like 12.50")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise ValueError("is no amount: send digits with a point, like 12.50") from None
    if value >= MOST:
        raise ValueError("is too large")
    if value != round(value, decimals(currency)):
        raise ValueError(f"has more decimals than {currency} ({decimals(currency)})")
    return spelt(value, currency)
