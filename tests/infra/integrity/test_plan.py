"""Logs are cut into stretches that can be verified apart."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from infra.integrity.findings import Segment
from infra.integrity.plan import segments, tasks
from infra.integrity.records import Checkpoint
from tests.infra.integrity.made import TENANT, TIME, checkpoint

SIZE = 50
ONE = checkpoint()


def signed(first: int, last: int) -> Checkpoint:
    return structs.replace(ONE, first=first, last=last, time=TIME + timedelta(seconds=last))


spans = st.tuples(st.integers(1, 300), st.integers(0, 120)).map(lambda pair: signed(pair[0], pair[0] + pair[1]))


@given(st.integers(0, 400), st.lists(spans, max_size=12))
def test_segments_cover_the_log_once_and_cut_no_checkpoint(last: int, checkpoints: list[Checkpoint]) -> None:
    within = [each for each in checkpoints if each.last <= last]
    made = segments(TENANT, last, within, SIZE)
    stretches = [each for each in made if each.events]
    assert [position for each in stretches for position in range(each.first, each.last + 1)] == list(range(1, last + 1))
    assert sorted(str(each) for segment in made for each in segment.checkpoints) == sorted(map(str, within))
    for segment in stretches:
        assert all(segment.first <= each.first and each.last <= segment.last for each in segment.checkpoints)
    assert [each.streams for each in made].count(True) == 1, "the streams are looked at once, all together"
    if len(stretches) > 1:
        assert not any(each.streams for each in stretches)


def test_small_checkpoints_share_a_segment() -> None:
    made = segments(TENANT, 100, [signed(n, n + 9) for n in range(1, 101, 10)], SIZE)
    assert [(each.first, each.last, len(each.checkpoints)) for each in made] == [(1, 0, 0), (1, 50, 5), (51, 100, 5)]


def test_what_is_not_signed_yet_is_cut_by_its_length() -> None:
    made = segments(TENANT, 130, [signed(1, 20)], SIZE)
    assert [(each.first, each.last) for each in made][1:] == [(1, 20), (21, 70), (71, 120), (121, 130)]


@pytest.mark.parametrize(("events", "portions"), [([10] * 12, 3), ([60, 10, 60], 3), ([0] * 401, 3), ([], 0)])
def test_tasks_hold_several_small_logs_or_one_stretch_of_a_large_one(events: list[int], portions: int) -> None:
    every = [Segment(TENANT, 1, count) for count in events]
    made = list(tasks(every, SIZE))
    assert [segment for task in made for segment in task] == every
    assert len(made) == portions
