"""Fault 8: OpenSearch in trouble. Search falls back to Postgres and comes back by itself; the index misses nothing."""

import time

from tests.faults.trial import Trial
from tests.faults.wayward import Mood

_JOINING_SECONDS = 120.0
_LONG_ABSENCE_SECONDS = 40.0


def store_in_trouble(trial: Trial) -> None:
    """It has too much to do (429), takes a part of each bulk, or is gone, for longer at last."""
    wayward = trial.site.wayward
    _until_it_answers(trial)
    moods: list[Mood] = ["busy", "partial", "gone"]
    for number in trial.rounds(1, 2):
        trial.rng.shuffle(moods)
        for mood in moods:
            before = wayward.counts[mood]
            wayward.mood = mood
            trial.did("in trouble", mood)
            trial.load.until_acked(40)
            if mood == "gone" and number:
                time.sleep(_LONG_ABSENCE_SECONDS)
            for _ in range(5):
                assert _backend(trial) in {"postgres", "opensearch"}
                trial.pause(0.5)
            assert wayward.counts[mood] > before, f"nobody has met a store that is {mood}"
            wayward.mood = ""
            trial.load.until_acked(20)
            _until_it_answers(trial)


def _until_it_answers(trial: Trial) -> None:
    deadline = time.monotonic() + _JOINING_SECONDS
    while _backend(trial) != "opensearch":
        assert time.monotonic() < deadline, "search does not come back to OpenSearch"
        time.sleep(0.2)


def _backend(trial: Trial) -> str:
    """Who answers a search, which has to be answered by somebody."""
    answer = trial.load.tenants[0].http.get("/v1/contacts/search", params={"q": "everybody"})
    assert answer.status_code == 200, answer.text
    return answer.headers["Search-Backend"]
