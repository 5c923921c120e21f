"""By which rules, and as of which day, each score of a tenant is; and how the scores get from ones to the next ones.

A pass goes through the leads in the order of their ids, a portion at a time. What is in force for a lead follows from
how far the pass has got, so that events that come meanwhile are reckoned with what the lead's score is by.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.scoring import Rule, rules_id
from projections.leads.scoring import Part, Scored, reckoned, scored
from projections.leads.scoring_rules import decoded
from projections.ports import Connection

PORTION = 500
"""Leads of one step: what a tenant's projector waits for."""

FIRST = UUID(int=0)
_LOAD = """
SELECT p.rules, p.day, p.next_rules, p.next_day, p.after, r.rules::text, n.rules::text
  FROM {schema}scoring_pass_v1 p
  LEFT JOIN read.scoring_rules_v1 r ON r.tenant_id = p.tenant_id AND r.version = p.rules
  LEFT JOIN read.scoring_rules_v1 n ON n.tenant_id = p.tenant_id AND n.version = p.next_rules
 WHERE p.tenant_id = %s
"""
_KEEP = """
INSERT INTO scoring_pass_v1 VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET rules = excluded.rules, day = excluded.day, next_rules = excluded.next_rules, next_day = excluded.next_day,
       after = excluded.after
"""
LEADS = """
SELECT id FROM read.lead_v1 WHERE tenant_id = %s AND id > %s AND deleted_at IS NULL ORDER BY id LIMIT %s
"""
_DECAYING = """
SELECT coalesce(json_agg(s), '[]')::text
  FROM (SELECT id, parts FROM lead_score_v1 WHERE tenant_id = %s AND id > %s AND decays ORDER BY id LIMIT %s) s
"""
_SAVE = """
WITH gone AS (
    DELETE FROM lead_score_v1 WHERE tenant_id = %s AND id = ANY(%s)
)
INSERT INTO lead_score_v1 AS s
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (tenant_id uuid, id uuid, score integer, decays boolean, parts jsonb)
ON CONFLICT (tenant_id, id) DO UPDATE SET score = excluded.score, decays = excluded.decays, parts = excluded.parts
 WHERE (s.score, s.decays, s.parts) IS DISTINCT FROM (excluded.score, excluded.decays, excluded.parts)
"""


class _Kept(Struct, frozen=True):
    id: UUID
    parts: tuple[Part, ...]


_kept = msgspec.json.Decoder(list[_Kept])


class Pass(Struct, frozen=True, kw_only=True):
    """What a tenant's scores are by. `standing` and `coming` are the rules of the versions."""

    rules: int
    day: date
    next_rules: int | None = None
    next_day: date | None = None
    after: UUID | None = None
    standing: tuple[Rule, ...] = ()
    coming: tuple[Rule, ...] = ()

    def has_passed(self, lead_id: UUID) -> bool:
        """Whether a lead's score is by the next rules and day already."""
        return self.next_day is not None and self.after is not None and lead_id <= self.after

    @property
    def any_rules(self) -> tuple[Rule, ...]:
        """All rules that some lead's score is by."""
        return self.standing + self.coming


async def load(connection: Connection, tenant_id: UUID, *, schema: str = "") -> Pass | None:
    """What is in force; None where there never were rules."""
    row = await (await connection.execute(_LOAD.format(schema=schema), (tenant_id,))).fetchone()
    if row is None:
        return None
    rules, day, next_rules, next_day, after, standing, coming = row
    return Pass(
        rules=rules,
        day=day,
        next_rules=next_rules,
        next_day=next_day,
        after=after,
        standing=decoded(standing),
        coming=decoded(coming),
    )


async def begin(connection: Connection, tenant_id: UUID, at: Pass | None, *, rules: int, day: date) -> None:
    """Start a pass, where none is under way, to a version of the rules and a day."""
    before = (at.rules, at.day) if at else (0, day)
    await connection.execute(_KEEP, (tenant_id, rules_id(tenant_id), *before, rules, day, FIRST))


async def go_on(connection: Connection, tenant_id: UUID) -> bool:
    """Take the next portion of a pass; whether there is another one."""
    at = await load(connection, tenant_id)
    if at is None or at.next_rules is None or at.next_day is None:
        return False
    after = at.after or FIRST
    if at.next_rules == at.rules:
        last = await _aged(connection, tenant_id, after, at.next_day)
    else:
        rows = await (await connection.execute(LEADS, (tenant_id, after, PORTION))).fetchall()
        ids = [lead_id for (lead_id,) in rows]
        await save(connection, tenant_id, ids, await reckoned(connection, tenant_id, ids, at.coming, at.next_day))
        last = ids[-1] if len(ids) == PORTION else None
    moved = structs.replace(at, after=last)
    if last is None:
        moved = Pass(rules=at.next_rules, day=at.next_day)
    row = (moved.rules, moved.day, moved.next_rules, moved.next_day, moved.after)
    await connection.execute(_KEEP, (tenant_id, rules_id(tenant_id), *row))
    return last is not None


async def _aged(connection: Connection, tenant_id: UUID, after: UUID, day: date) -> UUID | None:
    """The same rules on another day change what decays, and nothing else."""
    found = await (await connection.execute(_DECAYING, (tenant_id, after, PORTION))).fetchone()
    rows = _kept.decode(found[0])
    await save(connection, tenant_id, (), {row.id: scored(row.parts, day) for row in rows})
    return rows[-1].id if len(rows) == PORTION else None


async def refresh(connection: Connection, tenant_id: UUID, at: Pass, ids: Iterable[UUID]) -> None:
    """Reckon the scores of leads anew, each by what is in force for it."""
    is_next: dict[bool, list[UUID]] = {False: [], True: []}
    for lead_id in ids:
        is_next[at.has_passed(lead_id)].append(lead_id)
    for passed, several in is_next.items():
        rules, day = (at.coming, at.next_day or at.day) if passed else (at.standing, at.day)
        for first in range(0, len(several), PORTION):
            some = several[first : first + PORTION]
            await save(connection, tenant_id, some, await reckoned(connection, tenant_id, some, rules, day))


async def save(connection: Connection, tenant_id: UUID, ids: Collection[UUID], found: Mapping[UUID, Scored]) -> None:
    """Keep scores; of `ids`, those that have none have no row."""
    rows: list[dict[str, Any]] = [
        {"tenant_id": tenant_id, "id": lead_id} | structs.asdict(each) for lead_id, each in found.items()
    ]
    if gone := [lead_id for lead_id in ids if lead_id not in found]:
        await connection.execute(_SAVE, (tenant_id, gone, msgspec.json.encode(rows).decode()))
    elif rows:
        await connection.execute(_SAVE, (tenant_id, [], msgspec.json.encode(rows).decode()))
