"""R1.6: API keys as they are spelt."""

from hashlib import sha256
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.identity.access import InvalidTokenError
from infra.keys.api_keys import MacApiKeys

KEYS = MacApiKeys(b"k" * 32)
TENANT, KEY = uuid4(), uuid4()


def test_a_key_says_whose_it_is_and_is_known_by_the_digest_of_its_secret_alone() -> None:
    made = KEYS.make(TENANT, KEY)
    claims = KEYS.read(made.text)
    assert (claims.tenant_id, claims.key_id, claims.digest) == (TENANT, KEY, made.digest)
    assert made.text.startswith(made.prefix)
    assert made.prefix.startswith("rk_")
    assert len(made.prefix) == 15
    assert made.digest not in {made.text, sha256(made.text.encode()).hexdigest()}


def test_every_key_has_a_secret_of_its_own() -> None:
    first, second = KEYS.make(TENANT, KEY), KEYS.make(TENANT, KEY)
    assert first.prefix == second.prefix
    assert first.digest != second.digest


@given(st.integers(3, 98), st.sampled_from("Aa0-_z"))
def test_a_key_with_another_character_is_none(place: int, character: str) -> None:
    text = KEYS.make(TENANT, KEY).text
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(InvalidTokenError):
            KEYS.read(changed)


@given(st.text(max_size=120))
def test_what_was_not_spelt_here_is_none(text: str) -> None:
    for odd in (text, "rk_" + text, "rk_" + text[:1] * 96):
        with pytest.raises(InvalidTokenError):
            KEYS.read(odd)


def test_a_key_of_another_installation_is_none() -> None:
    with pytest.raises(InvalidTokenError):
        KEYS.read(MacApiKeys(b"o" * 32).make(TENANT, KEY).text)
