"""Pauses after failures."""

import pytest

from projections.pauses import Pauses


def test_a_pause_doubles_with_each_failure_in_a_row_up_to_the_longest() -> None:
    trouble = Pauses[str](first=0.5, longest=3.0)
    assert [trouble.failed("a") for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert (trouble.failures("a"), trouble.failures("b")) == (5, 0)
    trouble.worked("a")
    assert trouble.failed("a") == 0.5


def test_what_has_failed_may_be_tried_when_its_pause_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("projections.pauses.time.monotonic", lambda: now)
    trouble = Pauses[str](first=2.0, longest=60.0)
    trouble.failed("a")
    assert (trouble.is_over("a"), trouble.is_over("b")) == (False, True)
    now = 102.0
    assert trouble.is_over("a")
