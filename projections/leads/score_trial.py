"""What other rules would make of the leads that are there: reckoned from the same rows, and kept nowhere."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct

from domain.scoring import Rule
from projections.leads.scoring import reckoned
from projections.ports import Connection

MOST = 1000
"""Leads that are looked at: the newest ones."""
_AT_ONCE = 200
_SAMPLE = 20
_WIDTH = 10

_LEADS = """
SELECT l.id, coalesce(s.score, 0) FROM read.lead_v1 l
  LEFT JOIN read.lead_score_v1 s ON s.tenant_id = l.tenant_id AND s.id = l.id
 WHERE l.tenant_id = %s AND l.deleted_at IS NULL AND (%s::uuid[] IS NULL OR l.owner_id = ANY (%s))
 ORDER BY l.created_at DESC, l.id DESC LIMIT %s
"""


class Bucket(Struct, frozen=True, rename={"least": "from", "most": "to"}):
    """How many leads have a score from one number to another, both included."""

    least: int
    most: int
    leads: int


class Changed(Struct, frozen=True):
    """A lead's score now, and by the rules that were tried."""

    id: UUID
    before: int
    after: int


class Trial(Struct, frozen=True, kw_only=True):
    """What rules would do to the newest leads: how many were looked at (`more`: there are others), and would change."""

    leads: int
    more: bool
    changed: int
    before: tuple[Bucket, ...]
    after: tuple[Bucket, ...]
    sample: tuple[Changed, ...]
    """Those that change most."""


async def tried(
    connection: Connection, tenant_id: UUID, rules: Sequence[Rule], day: date, *, owners: Sequence[UUID] | None
) -> Trial:
    """Reckon the scores of the newest leads by some rules; with `owners`, of theirs only."""
    whose = None if owners is None else list(owners)
    rows = await (await connection.execute(_LEADS, (tenant_id, whose, whose, MOST + 1))).fetchall()
    before: dict[UUID, int] = dict(rows[:MOST])
    after = dict.fromkeys(before, 0)
    ids = list(before)
    for first in range(0, len(ids), _AT_ONCE):
        found = await reckoned(connection, tenant_id, ids[first : first + _AT_ONCE], rules, day)
        after |= {lead_id: each.score for lead_id, each in found.items()}
    changed = [Changed(each, before[each], after[each]) for each in ids if before[each] != after[each]]
    changed.sort(key=lambda each: abs(each.after - each.before), reverse=True)
    return Trial(
        leads=len(ids),
        more=len(rows) > MOST,
        changed=len(changed),
        before=_distribution(before),
        after=_distribution(after),
        sample=tuple(changed[:_SAMPLE]),
    )


def _distribution(scores: Mapping[UUID, int]) -> tuple[Bucket, ...]:
    """Leads by tens of their scores, buckets without any left out."""
    tens = Counter(score // _WIDTH for score in scores.values())
    return tuple(Bucket(ten * _WIDTH, ten * _WIDTH + _WIDTH - 1, count) for ten, count in sorted(tens.items()))
