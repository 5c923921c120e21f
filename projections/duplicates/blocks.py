"""Who shares a key with whom, and what pairs of them score."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from domain.matching import pair_id
from projections.duplicates import people as match_people
from projections.duplicates.people import InForce, score_of
from projections.matching import weights
from projections.matching.blocking import MOST_IN_BLOCK
from projections.matching.person import Person
from projections.ports import Connection

_BLOCKS = """
SELECT k.key, b.ids FROM unnest(%s::bigint[]) AS k (key)
 CROSS JOIN LATERAL (
       SELECT array_agg(m.contact_id) AS ids
         FROM (SELECT contact_id FROM {schema}match_key_v1 WHERE tenant_id = %s AND key = k.key LIMIT %s) m
 ) b WHERE b.ids IS NOT NULL
"""
_SAVE = """
INSERT INTO duplicate_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS r (tenant_id uuid, id uuid, one_id uuid, other_id uuid, score integer, parts jsonb)
"""
_AT_ONCE = 20_000
_QUICK = 100
_DIGITS = 4

Pair = tuple[UUID, UUID]


async def blocks(
    connection: Connection, tenant_id: UUID, keys: Iterable[int], *, more: int = 0, schema: str = ""
) -> dict[int, list[UUID]]:
    """The contacts that have a key, by key: all of them up to one (and `more`) beyond what is compared."""
    query = _BLOCKS.format(schema=schema)
    found = await connection.execute(query, (list(set(keys)), tenant_id, MOST_IN_BLOCK + 1 + more))
    return dict(await found.fetchall())


def neighbours(keys: Iterable[int], held: Mapping[int, Sequence[UUID]]) -> set[UUID]:
    """Who shares a key with somebody who has these: of keys that not too many have."""
    return {other for key in keys if len(held.get(key, ())) <= MOST_IN_BLOCK for other in held.get(key, ())}


async def save_pairs(
    connection: Connection,
    tenant_id: UUID,
    force: InForce,
    pairs: Collection[Pair],
    known: Mapping[UUID, Person],
) -> None:
    """Score pairs and keep those that are probable enough; contacts that are not `known` yet are read."""
    todo = list(pairs)
    for at in range(0, len(todo), _AT_ONCE):
        some = todo[at : at + _AT_ONCE]
        missing = {each for pair in some for each in pair if each not in known}
        people = {**known, **await match_people.by_id(connection, tenant_id, force.keys, missing)} if missing else known
        # Seconds of work would keep everything else of this process waiting.
        rows = (
            scored(tenant_id, force, some, people)
            if len(some) < _QUICK
            else await asyncio.to_thread(scored, tenant_id, force, some, people)
        )
        if rows:
            await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


def scored(
    tenant_id: UUID, force: InForce, pairs: Iterable[Pair], people: Mapping[UUID, Person]
) -> list[dict[str, Any]]:
    """Rows of read.duplicate_v1."""
    rows = []
    for one, other in pairs:
        if one not in people or other not in people:
            continue
        parts = weights.compare(force.model, people[one], people[other])
        score = score_of(weights.probability(force.model, parts))
        if score >= force.least:
            told = [
                [part.field, part.agreement, *(round(x, _DIGITS) for x in (part.same, part.related, part.strangers))]
                for part in parts
            ]
            first, second = sorted((one, other))
            rows.append(
                {
                    "tenant_id": tenant_id,
                    "id": pair_id(one, other),
                    "one_id": first,
                    "other_id": second,
                    "score": score,
                    "parts": told,
                }
            )
    return rows
