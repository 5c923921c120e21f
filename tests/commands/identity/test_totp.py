"""R1.4: one-time passwords by time, and recovery codes."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.identity import totp
from tests.given import START, some_id

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B."""
    assert totp.code(SECRET, seconds // 30, digits=8) == code
    moment = datetime.fromtimestamp(seconds, UTC)
    assert totp.steps(totp.spelt(SECRET), code[-6:], moment) == [seconds // 30]


@pytest.mark.parametrize(("off", "right"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_one_step_off(off: int, right: bool) -> None:
    here = int(START.timestamp()) // 30
    code = totp.code(SECRET, here)
    assert totp.steps(totp.spelt(SECRET), code, START + timedelta(seconds=off)) == ([here] if right else [])


@given(st.text(max_size=12))
def test_what_is_no_code_is_wrong_and_no_trouble(text: str) -> None:
    if text.replace(" ", "") not in {totp.code(SECRET, int(START.timestamp()) // 30 + off) for off in (-1, 0, 1)}:
        assert totp.steps(totp.spelt(SECRET), text, START) == []
    assert len(totp.digest(some_id(1), text)) == 64


def test_an_erased_secret_has_no_codes() -> None:
    assert totp.steps("", totp.code(b"", int(START.timestamp()) // 30), START) == []


def test_a_code_may_be_written_as_apps_show_it() -> None:
    code = totp.code(SECRET, int(START.timestamp()) // 30)
    assert totp.steps(totp.spelt(SECRET), f"{code[:3]} {code[3:]}", START)


def test_the_url_says_what_an_app_needs() -> None:
    secret = totp.spelt(SECRET)
    url = urlsplit(totp.url(secret, "grace+1@engines.example"))
    assert (url.scheme, url.netloc, url.path) == ("otpauth", "totp", "/Rapport:grace%2B1@engines.example")
    assert parse_qs(url.query) == {
        "secret": [secret],
        "issuer": ["Rapport"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
    assert base64.b32decode(secret) == SECRET


def test_a_recovery_code_is_the_same_however_it_is_written_and_another_one_for_another_user() -> None:
    code = totp.recovery_code(bytes(range(10)))
    assert [len(part) for part in code.split("-")] == [4, 4, 4, 4]
    ways = {code, code.upper(), code.replace("-", ""), f" {code.replace('-', ' ')} "}
    assert len({totp.digest(some_id(1), way) for way in ways}) == 1
    assert totp.digest(some_id(1), code) != totp.digest(some_id(2), code)
    assert code.replace("-", "").upper() not in totp.digest(some_id(1), code).upper()
