"""A store that keeps failing is left alone, and comes back by itself."""

import pytest

from infra.search.breaker import Breaker


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def opened(time: Time) -> Breaker:
    breaker = Breaker("test", failures=3, pause=5, clock=time)
    for _ in range(3):
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row(time: Time) -> None:
    breaker = Breaker("test", failures=3, pause=5, clock=time)
    for fails in (True, True, False, True, True):
        assert breaker.may_pass()
        breaker.failed() if fails else breaker.succeeded()
    assert breaker.may_pass()
    breaker.failed()
    assert breaker.is_open
    assert not breaker.may_pass()


def test_after_the_pause_one_call_probes(opened: Breaker, time: Time) -> None:
    time.now += 5
    assert [opened.may_pass(), opened.may_pass()] == [True, False]


def test_a_probe_that_goes_well_closes_it(opened: Breaker, time: Time) -> None:
    time.now += 5
    assert opened.may_pass()
    opened.succeeded()
    assert all(opened.may_pass() for _ in range(10))


def test_a_probe_that_fails_opens_it_again(opened: Breaker, time: Time) -> None:
    time.now += 5
    assert opened.may_pass()
    opened.failed()
    time.now += 4
    assert not opened.may_pass()
    time.now += 1
    assert opened.may_pass()


def test_a_probe_that_nobody_reports_on_is_followed_by_another(opened: Breaker, time: Time) -> None:
    time.now += 5
    assert opened.may_pass()
    time.now += 5
    assert opened.may_pass()
