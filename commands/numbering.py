"""Phone numbers that are in normal form (E.164) as they come, told by the plan of their country."""

import re
from functools import lru_cache

import phonenumbers
from msgspec import Struct

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


class _Plan(Struct, frozen=True):
    """How a country's numbers look after its code: how long they are, and what calls within it begin with."""

    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


def is_e164(text: str) -> bool:
    """Whether this surely is a possible number in normal form, as nearly all of a file are.

    The library takes some thirty times as long. What it may read otherwise is left to it: a zero after the country
    code, and what can be the beginning of a call within the country.
    """
    if not _E164.fullmatch(text):
        return False
    for end in (2, 3, 4):
        if plan := _plan(text[1:end]):
            national = text[end:]
            return len(national) in plan.lengths and national[0] != "0" and not _may_begin_with(plan, national)
    return False


def _may_begin_with(plan: _Plan, national: str) -> bool:
    return plan.prefix is not None and plan.prefix.match(national) is not None


@lru_cache(maxsize=1024)
def _plan(code: str) -> _Plan | None:
    """The plan of a country code, None where that is none: no code begins with another."""
    if int(code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = phonenumbers.region_code_for_country_code(int(code))
    known = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    if known is None or known.general_desc is None:
        return None
    prefix = known.national_prefix_for_parsing
    return _Plan(frozenset(known.general_desc.possible_length), re.compile(prefix) if prefix else None)
