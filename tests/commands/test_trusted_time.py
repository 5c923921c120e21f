"""R5.3: clocks jump, and nobody is reminded of leads for that."""

from datetime import timedelta

from commands.trusted_time import APART, LEAP, PATIENCE, TrustedTime
from tests.given import START

YEARS = timedelta(days=3650)


class Seconds:
    """A clock that nobody sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_clock_that_goes_on_is_believed() -> None:
    trusted = TrustedTime(Seconds())
    assert trusted.believed(START, START, None) == START
    assert trusted.believed(START + LEAP, START + LEAP, START) == START + LEAP


def test_of_two_clocks_that_nearly_agree_the_earlier_one_is_believed() -> None:
    trusted = TrustedTime(Seconds())
    assert trusted.believed(START, START + APART, START) == START
    assert trusted.believed(START + APART, START, START) == START


def test_clocks_that_disagree_are_not_believed() -> None:
    trusted = TrustedTime(Seconds())
    assert trusted.believed(START + YEARS, START, START) is None
    assert trusted.believed(START, START + YEARS, START) is None


def test_a_clock_that_has_leapt_is_believed_when_it_stays_there() -> None:
    seconds = Seconds()
    trusted, later = TrustedTime(seconds), START + YEARS
    assert trusted.believed(later, later, START) is None
    seconds.now = PATIENCE - 1
    assert trusted.believed(later, later, START) is None
    seconds.now = PATIENCE
    assert trusted.believed(later, later, START) == later


def test_a_clock_that_comes_back_is_believed_and_its_leap_forgotten() -> None:
    seconds = Seconds()
    trusted, later = TrustedTime(seconds), START + YEARS
    assert trusted.believed(later, later, START) is None
    seconds.now = PATIENCE
    assert trusted.believed(START, START, START) == START
    assert trusted.believed(later, later, START) is None


def test_a_clock_that_was_set_back_is_believed() -> None:
    assert TrustedTime(Seconds()).believed(START - YEARS, START - YEARS, START) == START - YEARS
