"""R3.2: what is known of how phone numbers are dialled is what the library of numbers says."""

from collections import defaultdict

import phonenumbers
from phonenumbers import PhoneMetadata

from projections.contacts.dialling import TRUNKS, country_code


def test_country_codes_are_told_from_what_follows_them() -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        assert country_code(f"{code}555123456") == str(code)


def test_trunk_prefixes_other_than_zero_are_known() -> None:
    known: dict[str, set[str]] = defaultdict(set)
    for region in phonenumbers.SUPPORTED_REGIONS:
        found = PhoneMetadata.metadata_for_region(region)
        prefix = found.national_prefix if found else None
        if found and prefix and prefix != "0" and not str(found.country_code).startswith(prefix) and prefix != "1":
            known[prefix].add(str(found.country_code))
    assert {prefix: set(codes) for prefix, codes in TRUNKS.items()} == known
