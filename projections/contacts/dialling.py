"""Phone numbers by how they begin, however that is written: +49 30 12, 0049 30 12, 030 12 and 30 12 are all the same.

A number is kept by the beginnings of its national part, without zeros in front, and by its country. Only beginnings of
an even number of digits are kept; one that is odd asks for the ten that go on from it.
"""

from collections.abc import Iterator
from functools import lru_cache

_FEWEST, _MOST = 4, 14
_TWO_DIGITS = frozenset(
    f"{code}"
    for codes in ((20, 27), range(30, 35), (36, 39, 40, 41), range(43, 50), range(51, 59), range(60, 67), range(90, 96))
    for code in (*codes, 81, 82, 84, 86, 98)
)
TRUNKS = {"8": ("7", "375", "993"), "06": ("36",)}
"""What is dialled before a number at home, and in which countries, where it is neither zeros nor the country's code."""


def country_code(digits: str) -> str:
    """The country code that an international number begins with (E.164: one digit, two, else three)."""
    return digits[0] if digits[0] in "17" else digits[:2] if digits[:2] in _TWO_DIGITS else digits[:3]


def beginnings(number: str) -> Iterator[str]:
    """The words by which a number, like +4930123456, is found when its beginning is asked for."""
    digits = number.removeprefix("+")
    code = country_code(digits) if digits else ""
    national = digits[len(code) :].lstrip("0")
    if len(national) >= _FEWEST:
        yield f"#+{code}"
    yield from (f"#<{national[:count]}" for count in range(_FEWEST, min(len(national), _MOST) + 1, 2))


@lru_cache(maxsize=1024)
def at_home(word: str) -> tuple[str, ...]:
    """The words of which numbers have one that begin like this within their country, as `text.asked` has it."""
    digits = word.removeprefix("#")
    return () if digits.startswith(("+", "00")) else _kept(digits)


@lru_cache(maxsize=1024)
def from_abroad(word: str) -> tuple[tuple[str, str], ...]:
    """Pairs of words: numbers that begin like this with a country's code, or its own trunk prefix, have both."""
    digits = word.removeprefix("#")
    if not digits.removeprefix("+").isdecimal():
        return ()
    for prefix in ("+", "00", "011"):
        if digits.startswith(prefix):
            return _of_country(digits.removeprefix(prefix))
    found = () if digits.startswith("0") else _of_country(digits)
    for trunk, codes in TRUNKS.items():
        if digits.startswith(trunk):
            rest = _kept(digits.removeprefix(trunk))
            found += tuple((each, f"#+{code}") for code in codes for each in rest)
    return found


def _of_country(digits: str) -> tuple[tuple[str, str], ...]:
    code = country_code(digits) if digits else ""
    return tuple((each, f"#+{code}") for each in _kept(digits.removeprefix(code)))


def _kept(digits: str) -> tuple[str, ...]:
    national = digits.lstrip("0")
    if not national.isdecimal() or not _FEWEST <= len(national) <= _MOST:
        return ()
    return (f"#<{national}",) if len(national) % 2 == 0 else tuple(f"#<{national}{digit}" for digit in range(10))
