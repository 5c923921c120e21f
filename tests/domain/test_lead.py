"""R5.1, R5.2: what a lead is, is the fold of its events; where it may go is one table."""

import pytest

from domain.lead import (
    LeadAssigned,
    LeadChanged,
    LeadConversionUndone,
    LeadDeleted,
    LeadFlagCleared,
    LeadFlaggedInactive,
    LeadLost,
    LeadNurtured,
    LeadQualified,
    LeadReopened,
    Stay,
)
from domain.lead_status import MOVES, PAIRS, Act, Status
from tests.given import START, some_id
from tests.given_leads import BUYER, HOUR, converted, given, registered

TABLE = """
| from | qualify | nurture | lose | convert | reopen | undo-convert |
| new | qualified | nurturing | lost | - | - | - |
| qualified | (no change) | nurturing | lost | converted | - | - |
| nurturing | qualified | (no change) | lost | converted | - | - |
| lost | - | - | (no change) | - | new | - |
| converted | - | - | - | (no change) | - | the status before |
"""


def test_the_moves_are_those_of_the_contract() -> None:
    head, *rows = [[cell.strip() for cell in row.strip("|\n ").split("|")] for row in TABLE.strip().splitlines()]
    for start, *cells in rows:
        for act, cell in zip(head[1:], cells, strict=True):
            to = MOVES[Status(start)].get(Act(act), "-")
            shown = "the status before" if to is None else "(no change)" if to == start else str(to)
            assert shown == cell, (start, act)


def test_every_pair_of_statuses_that_a_move_joins_is_known() -> None:
    assert {(start.value, to.value) for start, to in PAIRS} == {
        *(("new", "qualified"), ("new", "nurturing"), ("new", "lost"), ("lost", "new")),
        *(("qualified", "nurturing"), ("qualified", "lost"), ("qualified", "converted")),
        *(("nurturing", "qualified"), ("nurturing", "lost"), ("nurturing", "converted")),
        *(("converted", "qualified"), ("converted", "nurturing")),
    }
    assert len(PAIRS) == 12


def test_time_in_each_status_goes_by_when_it_happened() -> None:
    lead = given(registered(), LeadQualified(), LeadLost(reason="price"), LeadReopened()).state
    assert lead is not None
    assert lead.stays == (
        Stay(Status.NEW, START),
        Stay(Status.QUALIFIED, START + HOUR),
        Stay(Status.LOST, START + 2 * HOUR),
        Stay(Status.NEW, START + 3 * HOUR),
    )
    assert (lead.status, lead.status_since, lead.last_activity_at) == (Status.NEW, START + 3 * HOUR, START + 3 * HOUR)


def test_why_it_was_lost_is_told_as_long_as_it_is() -> None:
    lost, reopened = (LeadLost(reason="price"), LeadReopened())
    assert getattr(given(registered(), lost).state, "lost_reason", None) == "price"
    assert getattr(given(registered(), lost, reopened).state, "lost_reason", "?") is None


@pytest.mark.parametrize("move", [LeadQualified(), LeadNurtured()])
def test_a_conversion_that_is_undone_leaves_the_lead_where_it_was(move: LeadQualified | LeadNurtured) -> None:
    before = given(registered(), move).state
    after = given(registered(), move, converted(company_id=some_id(1)), LeadConversionUndone(customer_id=BUYER)).state
    assert before is not None
    assert after is not None
    assert (after.status, after.customer_id, after.company_id) == (before.status, None, None)


def test_a_company_of_its_own_stays_when_a_conversion_is_undone() -> None:
    undone = LeadConversionUndone(customer_id=BUYER)
    chosen = (LeadQualified(), converted(company_id=some_id(1)), LeadChanged(company_id=some_id(2)), undone)
    assert getattr(given(registered(), *chosen).state, "company_id", None) == some_id(2)
    own = given(registered(company_id=some_id(3)), LeadQualified(), converted(), undone).state
    assert getattr(own, "company_id", None) == some_id(3)


def test_it_can_be_given_to_somebody_and_to_nobody() -> None:
    assert getattr(given(registered(), LeadAssigned(owner_id=some_id(5))).state, "owner_id", None) == some_id(5)
    assert getattr(given(registered(), LeadAssigned()).state, "owner_id", 0) is None


def test_a_deleted_lead_keeps_what_it_was() -> None:
    lead = given(registered("Engine"), LeadDeleted()).state
    assert lead is not None
    assert (lead.title, lead.deleted_at, lead.version) == ("Engine", START + HOUR, 2)


def test_nothing_happens_to_a_lead_before_it_is_registered_nor_what_is_another_records() -> None:
    with pytest.raises(TypeError):
        _ = given(LeadQualified()).state
    with pytest.raises(TypeError):
        _ = given(registered(), registered()).state


def test_a_flag_is_no_activity_and_whatever_is_done_with_the_lead_takes_it_off() -> None:
    """R5.3."""
    flag = LeadFlaggedInactive(since=START)
    flagged = given(registered(), flag).state
    assert flagged
    assert (flagged.inactive_since, flagged.last_activity_at, flagged.updated_at) == (START, START, START)
    for event in (
        LeadQualified(),
        LeadChanged(source="fair"),
        LeadAssigned(owner_id=some_id(1)),
        LeadLost(reason="so"),
    ):
        after = given(registered(), flag, event).state
        assert after
        assert (after.inactive_since, after.last_activity_at) == (None, START + 2 * HOUR)


def test_an_interaction_takes_it_off_as_of_when_it_occurred() -> None:
    cleared = given(registered(), LeadFlaggedInactive(since=START), LeadFlagCleared(active_at=START + HOUR / 2)).state
    assert cleared
    assert (cleared.inactive_since, cleared.last_activity_at) == (None, START + HOUR / 2)
    assert (cleared.version, cleared.updated_at) == (3, START)
