"""R3.1: a number that is told to be in normal form is one that the library leaves as it is."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.numbering import is_e164

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
numbers = st.builds(
    lambda code, rest: f"+{code}{rest}", st.sampled_from(CODES), st.from_regex(r"[0-9]{1,14}", fullmatch=True)
)


def normal(text: str) -> str | None:
    """What the library makes of a number; None of what is none."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@given(numbers)
def test_what_is_in_normal_form_stays_as_it_is(text: str) -> None:
    assert not is_e164(text) or normal(text) == text


@given(st.text(alphabet="+0123456789\N{ARABIC-INDIC DIGIT ONE} -x;", max_size=20))
def test_whatever_else_is_left_to_the_library(text: str) -> None:
    assert not is_e164(text) or normal(text) == text


def test_most_numbers_of_most_countries_are_known() -> None:
    known = [
        is_e164(f"+{example.country_code}{example.national_number}")
        for region in phonenumbers.SUPPORTED_REGIONS
        if (example := phonenumbers.example_number(region)) and not example.italian_leading_zero
    ]
    assert len(known) > 200
    assert sum(known) > 0.9 * len(known)


@pytest.mark.parametrize("text", ["", "+", "+49", "4930901820", "+4930901820\n", "+49030901820", "+999123456789"])
def test_what_is_not_in_normal_form_is_not_told_to_be(text: str) -> None:
    assert not is_e164(text)
