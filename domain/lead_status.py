"""Where a lead stands, and the one table of moves."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a lead stands in the pipeline."""

    NEW = "new"
    QUALIFIED = "qualified"
    NURTURING = "nurturing"
    CONVERTED = "converted"
    LOST = "lost"


class Act(StrEnum):
    """What can be done to move a lead."""

    QUALIFY = "qualify"
    NURTURE = "nurture"
    LOSE = "lose"
    CONVERT = "convert"
    REOPEN = "reopen"
    UNDO_CONVERT = "undo-convert"


_AHEAD = {Act.QUALIFY: Status.QUALIFIED, Act.NURTURE: Status.NURTURING, Act.LOSE: Status.LOST}
_KNOWN = _AHEAD | {Act.CONVERT: Status.CONVERTED}

MOVES: Mapping[Status, Mapping[Act, Status | None]] = MappingProxyType(
    {
        Status.NEW: _AHEAD,
        Status.QUALIFIED: _KNOWN,
        Status.NURTURING: _KNOWN,
        Status.LOST: {Act.LOSE: Status.LOST, Act.REOPEN: Status.NEW},
        Status.CONVERTED: {Act.CONVERT: Status.CONVERTED, Act.UNDO_CONVERT: None},
    }
)
"""From where each act leads where: to the same status is no change, None is the status before."""

OPEN = (Status.NEW, Status.QUALIFIED, Status.NURTURING)
CLOSED = (Status.CONVERTED, Status.LOST)

_CONVERTED_FROM = [status for status, acts in MOVES.items() if acts.get(Act.CONVERT) not in {None, status}]
PAIRS: tuple[tuple[Status, Status], ...] = tuple(
    (start, end)
    for start, acts in MOVES.items()
    for act, to in acts.items()
    for end in ([to] if to else _CONVERTED_FROM)
    if end is not start
)
"""Every pair of statuses that a move joins."""
