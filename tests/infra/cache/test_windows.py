"""R7.3: sliding windows: exactly the limit from rest, and waiting as told helps."""

from hypothesis import given
from hypothesis import strategies as st

from commands.limits import Limit
from infra.cache.windows import LocalLimiter

LIMIT = Limit("user", 50, 60)


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_from_rest_exactly_the_limit_is_let_through() -> None:
    limiter = LocalLimiter(Time())
    counts = [limiter.count([(LIMIT, "ada")])[0] for _ in range(80)]
    assert [count.left for count in counts] == [*range(49, -1, -1), *[0] * 30]
    assert [count.wait > 0 for count in counts] == [False] * 50 + [True] * 30
    assert counts[0].reset == 60


def test_keys_and_limits_count_apart() -> None:
    limiter = LocalLimiter(Time())
    few = Limit("tenant", 1, 60)
    assert limiter.count([(few, "a")])[0].wait == 0
    assert limiter.count([(few, "b")])[0].wait == 0
    assert limiter.count([(few, "a")])[0].wait > 0


def test_a_request_that_one_limit_refuses_counts_against_none() -> None:
    limiter = LocalLimiter(Time())
    few = Limit("tenant", 1, 60)
    limiter.count([(LIMIT, "ada"), (few, "t")])
    refused = limiter.count([(LIMIT, "ada"), (few, "t")])
    assert [count.wait > 0 for count in refused] == [False, True]
    assert refused[0].left == 49


@given(st.lists(st.floats(0, 20), min_size=1, max_size=200), st.integers(1, 10), st.integers(1, 10))
def test_no_window_lets_more_than_twice_the_limit_through_and_waiting_as_told_helps(
    pauses: list[float], most: int, seconds: int
) -> None:
    time = Time()
    limiter, limit, let_through = LocalLimiter(time), Limit("user", most, seconds), []
    for pause in pauses:
        time.now += pause
        (count,) = limiter.count([(limit, "ada")])
        if count.wait:
            time.now += count.wait
            (count,) = limiter.count([(limit, "ada")])
        assert count.wait == 0, "whoever waits as told is let through"
        let_through.append(time.now)
    starts = [let_through[0]]
    for at in let_through:
        if at >= starts[-1] + seconds:
            starts.append(at)
    for start in starts:
        assert sum(start <= at < start + seconds for at in let_through) <= 2 * most


def test_a_process_alone_keeps_to_its_share() -> None:
    limiter = LocalLimiter(Time())
    limiter.processes = 4
    assert sum(limiter.count([(LIMIT, "ada")])[0].wait == 0 for _ in range(50)) == 12
