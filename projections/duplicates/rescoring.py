"""Makes a tenant's model anew and scores its pairs with it: when its rules are others, or it has doubled.

All of it is one transaction, in temporary tables that have the names of those that are read: readers see the old pairs
until the new ones are complete, the tenant's projector waits only while they change places, and whoever is killed in
the middle leaves nothing behind. What is held in memory is a sample.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog

from domain.errors import kind_of
from domain.matching import MatchingRules
from projections.duplicates import duplicates
from projections.duplicates import people as match_people
from projections.duplicates.duplicates import fill_keys, fill_pairs
from projections.duplicates.people import LEAST, InForce, score_of
from projections.duplicates.rules import rules_of
from projections.matching import estimate, weights
from projections.matching.blocking import MOST_IN_BLOCK
from projections.matching.person import Person
from projections.matching.weights import Model
from projections.parked import locked
from projections.pauses import Pauses
from projections.ports import Connection, Sessions

FEW = 50
"""With fewer contacts there is nothing to learn from them."""

_SAMPLE = 20_000
_MOST_PAIRS = 60_000
_LONGEST_PAUSE = 60.0
PAGE = 2000
"""Contacts that are looked at again at once."""
_KEYS = 2**64
_NOBODY = UUID(int=0)

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('rescoring ' || %s, 0))"
_BEGAN = "SELECT coalesce(max(position), 0) FROM read.contact_v1 WHERE tenant_id = %s"
_CHANGED = "SELECT id FROM read.contact_v1 WHERE tenant_id = %s AND position > %s"
_SAMPLED = """
SELECT DISTINCT contact_id FROM (
       SELECT contact_id FROM match_key_v1 WHERE tenant_id = %s AND key < %s ORDER BY key LIMIT %s) s
"""
# A key is as likely as any other number: those below a bound are a share of all, drawn blindly.
_BLOCKS = """
SELECT key, array_agg(contact_id) FROM match_key_v1 WHERE tenant_id = %s AND key < %s
 GROUP BY key HAVING count(*) BETWEEN 2 AND %s ORDER BY key
"""
_KEPT = "SELECT contact_id, keys FROM match_contact_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
_SAVE = """
INSERT INTO read.match_model_v1 (tenant_id, version, rules, keys, least, contacts, model)
VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb)
ON CONFLICT (tenant_id) DO UPDATE
   SET version = excluded.version, rules = excluded.rules, keys = excluded.keys, least = excluded.least,
       contacts = excluded.contacts, model = excluded.model, made_at = now()
"""
_STARTED = """
INSERT INTO read.match_growth_v1 VALUES (%s, 0)
ON CONFLICT (tenant_id) DO UPDATE SET contacts = 0, owed = 0, since = now()
"""

_log = structlog.get_logger()


class Rescorer:
    """Looks for tenants that are due; one tenant's trouble is its own, and tried again at growing intervals.

    `sessions` may take long statements, and are for nothing else: a statement that was prepared when there were no
    temporary tables would go on writing to those that are read.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._pauses = Pauses[UUID](first=1.0, longest=_LONGEST_PAUSE)

    async def turn(self) -> int:
        """Rescore all that are due; returns how many."""
        done = 0
        for tenant_id in await self._due():
            if not self._pauses.is_over(tenant_id):
                continue
            try:
                async with self._sessions.of(tenant_id) as connection:
                    (alone,) = await (await connection.execute(_ALONE, (str(tenant_id),))).fetchone()
                    if alone:
                        await rescore(connection, tenant_id)
            except Exception as error:  # noqa: BLE001  one tenant's trouble does not stop the others
                self._pauses.failed(tenant_id)
                _log.error("duplicates.rescore_failed", tenant_id=str(tenant_id), error=kind_of(error))
            else:
                self._pauses.worked(tenant_id)
                done += 1
        return done

    async def _due(self) -> list[UUID]:
        # The question is about all tenants; the connection needs one.
        async with self._sessions.of(_NOBODY) as connection:
            rows = await (await connection.execute("SELECT tenant_id FROM read.matching_due_v1()")).fetchall()
        return [tenant_id for (tenant_id,) in rows]


async def rescore(connection: Connection, tenant_id: UUID) -> InForce:
    """Make a tenant's model from its contacts as their rows are now, and its pairs with it."""
    (began,) = await (await connection.execute(_BEGAN, (tenant_id,))).fetchone()
    for table in duplicates.PROJECTION.tables:
        await connection.execute(f"CREATE TEMP TABLE {table} (LIKE read.{table} INCLUDING ALL) ON COMMIT DROP")
    rules = await rules_of(connection, tenant_id)
    contacts = await fill_keys(connection, tenant_id, rules.keys)
    await connection.execute("ANALYZE match_key_v1, match_contact_v1")
    model = await _learnt(connection, tenant_id, rules, contacts) if contacts >= FEW else None
    version = (await match_people.in_force(connection, tenant_id)).version + 1
    least = score_of(min(LEAST, rules.suggest_at))
    force = InForce(version, rules.keys, least, model or weights.default(rules.keys, contacts))
    await fill_pairs(connection, tenant_id, force)
    await locked(connection, tenant_id, duplicates.PROJECTION.checkpoint)
    text = msgspec.json.encode(model).decode() if model else None
    row = (tenant_id, version, rules.version, list(rules.keys), least, contacts, text)
    await connection.execute(_SAVE, row)
    await connection.execute(_STARTED, (tenant_id,))
    await _take_over(connection, tenant_id, began)
    return force


async def _take_over(connection: Connection, tenant_id: UUID, began: int) -> None:
    """Look at what has changed since it began, and put the rows in the place of those that are read."""
    rows = await (await connection.execute(_CHANGED, (tenant_id, began))).fetchall()
    changed = [contact_id for (contact_id,) in rows]
    for at in range(0, len(changed), PAGE):
        # So many are an import that goes on: the projector would wait long, and the next model is for them.
        await duplicates.refresh(connection, tenant_id, changed[at : at + PAGE], later=len(changed) > PAGE)
    for table in duplicates.PROJECTION.tables:
        await connection.execute(f"DELETE FROM read.{table} WHERE tenant_id = %s", (tenant_id,))
        await connection.execute(f"INSERT INTO read.{table} SELECT * FROM {table}")


async def _learnt(connection: Connection, tenant_id: UUID, rules: MatchingRules, contacts: int) -> Model:
    share = min(1.0, _SAMPLE / contacts)
    bound = min(2**63 - 1, int(share * _KEYS) - 2**63)
    rows = await (await connection.execute(_SAMPLED, (tenant_id, bound, _SAMPLE * 10))).fetchall()
    drawn = sorted(contact_id for (contact_id,) in rows)[:_SAMPLE]
    rows = await (await connection.execute(_BLOCKS, (tenant_id, bound, MOST_IN_BLOCK))).fetchall()
    pairs = await _once(connection, tenant_id, rows)
    if len(pairs) > _MOST_PAIRS:
        share *= _MOST_PAIRS / len(pairs)
        pairs = pairs[:: -(-len(pairs) // _MOST_PAIRS)]
    ids = {each for pair in pairs for each in pair} | set(drawn)
    people = await match_people.by_id(connection, tenant_id, rules.keys, ids)
    return await asyncio.to_thread(_estimated, rules.keys, people, drawn, pairs, contacts, share)


async def _once(
    connection: Connection, tenant_id: UUID, rows: Sequence[tuple[int, list[UUID]]]
) -> list[tuple[UUID, UUID]]:
    """Pairs by the first of the keys that they share: each once, and each as likely as its key."""
    ids = {each for _, members in rows for each in members}
    found = await (await connection.execute(_KEPT, (tenant_id, list(ids)))).fetchall()
    keys = {contact_id: frozenset(of_one) for contact_id, of_one in found}
    return [
        (one, other)
        for key, members in rows
        for number, one in enumerate(sorted(members))
        for other in sorted(members)[number + 1 :]
        if min(keys[one] & keys[other]) == key
    ]


def _estimated(
    keys: Sequence[str],
    people: dict[UUID, Person],
    drawn: Sequence[UUID],
    pairs: Sequence[tuple[UUID, UUID]],
    contacts: int,
    share: float,
) -> Model:
    known = [people[each] for each in drawn if each in people]
    candidates = [(people[one], people[other]) for one, other in pairs if one in people and other in people]
    return estimate.estimate(keys, known, candidates, contacts=contacts, share=share)
