"""What is counted of a lead: its stays, and what each of them adds to the figures of the pipeline. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.lead import Lead
from domain.lead_status import CLOSED, Status

NIL = UUID(int=0)
STATUSES = tuple(Status)
_MICROSECOND = timedelta(microseconds=1)
_FINE, _COARSE = 7, 3
"""Durations that agree in so many bits after the first are in one bucket: a 128th, or an 8th, of an octave wide."""
COARSE = 4
"""Added to a cube: its sums by month instead of day, and by coarse buckets instead of fine ones."""
_UNTIL = 8
"""Added to a cube of repeats whose second day is by month; COARSE is of the first."""


class Counted(Struct, frozen=True, kw_only=True):
    """One stay, as read.pipeline_stay_v1 has it."""

    id: UUID
    number: int
    owner_id: UUID
    source: str
    status: str
    entered_at: datetime
    lasted: int | None
    again_since: datetime | None
    later: int
    closed: bool
    currency: str | None
    amount: Decimal


def bit(status: str) -> int:
    """The bit of a status."""
    return 1 << STATUSES.index(Status(status))


def bucket(lasted: int, bits: int = _FINE) -> int:
    """The least duration, in microseconds, that is in one bucket with a duration."""
    spare = max(0, lasted.bit_length() - 1 - bits)
    return lasted >> spare << spare


def stays_of(lead: Lead) -> list[Counted]:
    """A lead's stays; none of one that was deleted."""
    if lead.deleted_at is not None:
        return []
    found: list[Counted] = []
    later = 0
    for number in range(len(lead.stays) - 1, -1, -1):
        stay = lead.stays[number]
        is_last = number == len(lead.stays) - 1
        lasted = None if is_last else (lead.stays[number + 1].since - stay.since) // _MICROSECOND
        before = [other.since for other in lead.stays[:number] if other.status is stay.status]
        found.append(
            Counted(
                id=lead.id,
                number=number,
                owner_id=lead.owner_id or NIL,
                source=lead.source or "",
                status=stay.status.value,
                entered_at=stay.since,
                lasted=lasted,
                again_since=before[-1] if before else None,
                later=later,
                closed=is_last and stay.status in CLOSED,
                currency=(lead.value.currency if lead.value else "") if is_last else None,
                amount=Decimal(lead.value.amount) if lead.value and is_last else Decimal(0),
            )
        )
        later |= bit(stay.status)
    return found[::-1]


Cell = tuple[Any, ...]


class Sums:
    """What stays add to each table's rows: by key, in the order of the table's columns."""

    def __init__(self) -> None:
        self.now: dict[Cell, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
        self.lasted: dict[Cell, list[int]] = defaultdict(lambda: [0])
        self.day: dict[Cell, list[int]] = defaultdict(lambda: [0] * 7)
        self.again: dict[Cell, list[int]] = defaultdict(lambda: [0] * 6)

    def count(self, stays: Iterable[Counted], by: int) -> None:
        """Add stays (1), or take them back (-1)."""
        for stay in stays:
            for cube in range(4):
                owner_id, source = stay.owner_id if cube & 1 else NIL, stay.source if cube & 2 else ""
                self._count(stay, (cube, owner_id, source), (cube + COARSE, owner_id, source), by)

    def _count(self, stay: Counted, of: Cell, coarse: Cell, by: int) -> None:
        day = stay.entered_at.astimezone(UTC).date()
        row = [1, int(stay.closed), *(int(bool(stay.later & bit(status))) for status in STATUSES)]
        _add(self.day[*of, day, stay.status, stay.again_since is not None], row, by)
        _add(self.day[*coarse, day.replace(day=1), stay.status, stay.again_since is not None], row, by)
        if stay.again_since is not None:
            self._repeat(stay, stay.again_since, of, [1, *row[2:]], by)
        if stay.lasted is not None:
            _add(self.lasted[*of, stay.status, bucket(stay.lasted)], [1], by)
            _add(self.lasted[*coarse, stay.status, bucket(stay.lasted, _COARSE)], [1], by)
        if stay.currency is not None:
            _add(self.now[*of, stay.status, stay.currency], [1, stay.amount], by)

    def _repeat(self, stay: Counted, again_since: datetime, of: Cell, row: Sequence[int], by: int) -> None:
        before, day = (at.astimezone(UTC).date() for at in (again_since, stay.entered_at))
        cube, *whose = of
        for more, first in ((0, before), (COARSE, before.replace(day=1))):
            _add(self.again[cube + more, *whose, first, day, stay.status], row, by)
            _add(self.again[cube + more + _UNTIL, *whose, first, day.replace(day=1), stay.status], row, by)


def _add(row: list[Any], values: Sequence[Any], by: int) -> None:
    for number, value in enumerate(values):
        row[number] += by * value
