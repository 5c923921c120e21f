"""What is read of duplicates: a page of the pairs, one pair, and whether they were scored by the rules as they are."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from projections.duplicates import people as match_people
from projections.duplicates.people import score_of
from projections.matching import weights
from projections.matching.weights import Part
from projections.ports import Connection

Bound = list[Any]

_FROM = """
SELECT d.id, d.one_id, d.other_id, d.score, d.parts
  FROM read.duplicate_v1 d
  JOIN read.contact_v1 a ON a.tenant_id = d.tenant_id AND a.id = d.one_id AND a.deleted_at IS NULL
  JOIN read.contact_v1 b ON b.tenant_id = d.tenant_id AND b.id = d.other_id AND b.deleted_at IS NULL
 WHERE d.tenant_id = %s AND NOT EXISTS (
       SELECT FROM read.duplicate_dismissed_v1 x WHERE x.tenant_id = d.tenant_id AND x.id = d.id)
"""
_OWNED = " AND a.owner_id = ANY (%s) AND b.owner_id = ANY (%s)"
_PAIR = "SELECT one_id, other_id FROM read.duplicate_v1 WHERE tenant_id = %s AND id = %s"
_SCORED = "SELECT rules FROM read.match_model_v1 WHERE tenant_id = %s"
_COMPLETE = """
SELECT coalesce((SELECT rules FROM read.match_model_v1 WHERE tenant_id = %s), 0) = %s
   AND coalesce((SELECT owed FROM read.match_growth_v1 WHERE tenant_id = %s), 0) = 0
"""
_LOOKED_AT = 500
_MOST_LOOKS = 20
_MILLION = 1_000_000


class Pair(Struct, frozen=True, kw_only=True):
    """Two contacts that are probably one person; `score` in millionths."""

    id: UUID
    contact_ids: tuple[UUID, UUID]
    score: int
    parts: tuple[Part, ...]


async def page(
    connection: Connection,
    tenant_id: UUID,
    *,
    least: int,
    after: Bound | None,
    limit: int,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[Pair], Bound | None]:
    """Pairs from a score on, the most probable first, that nobody dismissed; with `owners`, of contacts of theirs only.

    The bound is that after which the next page starts.
    """
    query, parameters = _selected(tenant_id, owners)
    query += " AND d.score >= %s"
    parameters.append(least)
    if after:
        query += " AND d.score <= %s AND (d.score < %s OR d.id > %s)"
        parameters += [after[0], *after]
    query += " ORDER BY d.score DESC, d.id LIMIT %s"
    rows = await (await connection.execute(query, (*parameters, limit + 1))).fetchall()
    pairs = [_pair(row) for row in rows[:limit]]
    more = len(rows) > limit
    return pairs, [pairs[-1].score, str(pairs[-1].id)] if more else None


async def page_without(
    connection: Connection,
    tenant_id: UUID,
    hidden: Collection[str],
    *,
    least: int,
    after: Bound | None,
    limit: int,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[Pair], Bound | None]:
    """The same as if there were no such fields as the `hidden` ones, in the order of ids: that of scores would tell.

    A page may be short of pairs, and not be the last.
    """
    force = await match_people.in_force(connection, tenant_id)
    found: list[Pair] = []
    last = after[0] if after else str(UUID(int=0))
    for _ in range(_MOST_LOOKS):
        query, parameters = _selected(tenant_id, owners)
        query += " AND d.id > %s ORDER BY d.id LIMIT %s"
        rows = await (await connection.execute(query, (*parameters, last, _LOOKED_AT))).fetchall()
        for row in rows:
            pair = _pair(row)
            parts = tuple(part for part in pair.parts if part.field not in hidden)
            score = score_of(weights.probability(force.model, parts))
            last = str(pair.id)
            if score >= least and parts:
                found.append(Pair(id=pair.id, contact_ids=pair.contact_ids, score=score, parts=parts))
            if len(found) == limit:
                return found, [last]
        if len(rows) < _LOOKED_AT:
            return found, None
    return found, [last]


async def contacts_of(connection: Connection, tenant_id: UUID, pair_id: UUID) -> tuple[UUID, UUID] | None:
    """The two contacts of a pair."""
    return await (await connection.execute(_PAIR, (tenant_id, pair_id))).fetchone()  # type: ignore[no-any-return]


async def scored_with(connection: Connection, tenant_id: UUID) -> int:
    """The version of the rules by which the pairs were found and scored."""
    row = await (await connection.execute(_SCORED, (tenant_id,))).fetchone()
    return int(row[0]) if row else 0


async def is_complete(connection: Connection, tenant_id: UUID, rules: int) -> bool:
    """Whether all pairs are there, by the rules of a version: those of many new contacts come soon after."""
    row = await (await connection.execute(_COMPLETE, (tenant_id, rules, tenant_id))).fetchone()
    return bool(row[0])


def probability(score: int) -> float:
    """From millionths."""
    return score / _MILLION


def _selected(tenant_id: UUID, owners: Sequence[UUID] | None) -> tuple[str, list[Any]]:
    if owners is None:
        return _FROM, [tenant_id]
    return _FROM + _OWNED, [tenant_id, list(owners), list(owners)]


def _pair(row: Sequence[Any]) -> Pair:
    pair_id, one, other, score, parts = row
    return Pair(id=pair_id, contact_ids=(one, other), score=score, parts=tuple(Part(*part) for part in parts))
