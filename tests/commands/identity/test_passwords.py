"""R1.1: what a new password has to be."""

import pytest

from commands.identity import passwords
from commands.normalise import Problems


def codes(password: str) -> list[str]:
    problems = Problems()
    passwords.check(password, "/password", problems)
    return [error.code for error in problems.errors]


@pytest.mark.parametrize(
    "password", ["1234567890", "Password123", "QWERTYUIOP", "1q2w3e4r5t", "qwerty123456", "iloveyou123"]
)
def test_what_is_guessed_first_is_refused_however_it_is_written(password: str) -> None:
    assert codes(password) == ["password.common"]


@pytest.mark.parametrize(
    "password",
    [
        "P@ssw0rd123",
        "P4$$w0rd!2031",
        "!!Password2031",
        "1l0v3you!!77",
        "QWERTYUIOP!?",
        "Princess#1987",
        "...iloveyou99",
    ],
)
def test_other_digits_and_marks_make_it_no_better(password: str) -> None:
    assert codes(password) == ["password.common"]


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "rapport demo 2026", "my password is a secret", "x" * 10, "\u00e9" * 12],
)
def test_others_are_taken(password: str) -> None:
    assert codes(password) == []


def test_the_list_holds_what_would_be_taken_otherwise() -> None:
    common = passwords._common()
    assert 1_000 < len(common) < 5_000
    assert all(passwords.SHORTEST <= len(each) <= passwords.LONGEST and each == each.casefold() for each in common)
