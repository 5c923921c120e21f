"""What is kept is bounded, and ends by itself."""

from infra.keys.cache import Recent


class Time:
    """A clock to be set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_kept_longer_than_it_may() -> None:
    time = Time()
    recent: Recent[str, int] = Recent(10, 60, time)
    recent.put("a", 1)
    time.now = 59.9
    assert recent.get("a") == 1
    time.now = 60
    assert recent.get("a") is None
    assert len(recent) == 0


def test_use_does_not_prolong_it() -> None:
    time = Time()
    recent: Recent[str, int] = Recent(10, 60, time)
    recent.put("a", 1)
    for time.now in (20.0, 40.0, 59.0):
        assert recent.get("a") == 1
    time.now = 60
    assert recent.get("a") is None


def test_time_counts_from_before_it_was_read() -> None:
    time = Time()
    recent: Recent[str, int] = Recent(10, 60, time)
    read_at = recent.now()
    time.now = 30
    recent.put("a", 1, read_at)
    time.now = 60
    assert recent.get("a") is None


def test_of_too_many_the_one_goes_that_was_not_used_longest() -> None:
    recent: Recent[int, int] = Recent(3, 60)
    for number in range(3):
        recent.put(number, number)
    assert recent.get(0) == 0
    recent.put(3, 3)
    assert [recent.get(number) for number in range(4)] == [0, None, 2, 3]


def test_what_is_changed_is_kept_no_longer_than_before() -> None:
    time = Time()
    recent: Recent[str, int] = Recent(3, 60, time)
    recent.put("a", 1)
    time.now = 30
    recent.change("a", 2)
    recent.change("b", 3)
    assert (recent.get("a"), recent.get("b")) == (2, 3)
    time.now = 60
    assert (recent.get("a"), recent.get("b")) == (None, 3)


def test_what_is_dropped_is_gone() -> None:
    recent: Recent[str, int] = Recent(3, 60)
    recent.put("a", 1)
    recent.drop("a")
    recent.drop("b")
    assert recent.get("a") is None
