"""Pairs of contacts that are probably one person, kept up to date as contacts change.

A pair is here when its two contacts share a key of a block that is small enough, and score enough with the model in
force: that depends on the contacts' rows and the model alone, not on the order in which things happened. So when a
block grows too large, or small enough again, all that are in it are looked at again.

Of many new contacts at once the pairs may be `owed`: see projections.duplicates.owed.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from domain import contact as domain
from domain.event import Event, Recorded, topics
from projections.companies import company
from projections.contacts import contact
from projections.contacts import rows as contact_rows
from projections.duplicates import owed
from projections.duplicates import people as match_people
from projections.duplicates.blocks import Pair, blocks, neighbours, save_pairs
from projections.duplicates.people import InForce
from projections.matching import blocking
from projections.matching.blocking import MOST_IN_BLOCK
from projections.matching.person import Person
from projections.ports import Connection
from projections.projection import Projection

_KEYS_PAGE, _PAIRS_PAGE = 2000, 1000
_FIRST = UUID(int=0)

_OLD = "SELECT contact_id, digest, keys FROM match_contact_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
_KEPT = "SELECT contact_id, keys FROM match_contact_v1 WHERE tenant_id = %s AND contact_id > %s ORDER BY 1 LIMIT %s"
_SAVE = """
INSERT INTO match_contact_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb)
  AS r (tenant_id uuid, contact_id uuid, digest bigint, keys bigint[])
ON CONFLICT (tenant_id, contact_id) DO UPDATE SET digest = excluded.digest, keys = excluded.keys
"""
_DROP = "DELETE FROM match_contact_v1 WHERE tenant_id = %s AND contact_id = ANY(%s)"
_ADD_KEYS = "INSERT INTO match_key_v1 SELECT %s, * FROM unnest(%s::bigint[], %s::uuid[]) ON CONFLICT DO NOTHING"
_DROP_KEYS = """
DELETE FROM match_key_v1 m USING unnest(%s::bigint[], %s::uuid[]) AS g (key, contact_id)
 WHERE m.tenant_id = %s AND m.key = g.key AND m.contact_id = g.contact_id
"""
_DROP_PAIRS = "DELETE FROM duplicate_v1 WHERE tenant_id = %s AND (one_id = ANY(%s) OR other_id = ANY(%s))"


class _Kept(Struct, frozen=True):
    """What is kept of a contact."""

    digest: int = 0
    keys: frozenset[int] = frozenset()


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    ids = contact_rows.of_contacts(events)
    came = [item for item in events if item.version == 1 and item.stream_id in ids]
    if len(came) >= owed.MANY and await owed.may_all_be(connection, tenant_id, came):
        await owed.grown(connection, tenant_id, contacts=len(came), owed=len(came))
        ids -= {item.stream_id for item in came}
    if ids:
        await refresh(connection, tenant_id, ids, later=None)
    async for contacts in contact_rows.pages_of(connection, tenant_id, contact_rows.renamed(events)):
        await refresh(connection, tenant_id, {each.id for each in contacts})


async def refresh(
    connection: Connection, tenant_id: UUID, ids: Collection[UUID], *, later: bool | None = False
) -> None:
    """Make the tables say what follows from the rows of some contacts, pairs of new ones `later` with the next model.

    None: where there are many, and the next model is due anyway.
    """
    force = await match_people.in_force(connection, tenant_id)
    people = await match_people.by_id(connection, tenant_id, force.keys, ids)
    found = await (await connection.execute(_OLD, (tenant_id, list(ids)))).fetchall()
    old = {contact_id: _Kept(digest, frozenset(keys)) for contact_id, digest, keys in found}
    changed = {each for each in ids if digest(people.get(each)) != old.get(each, _Kept()).digest}
    if not changed:
        return
    new = {each: _kept(tenant_id, people[each]) for each in changed if each in people}
    before = {each: old[each] for each in changed if each in old}
    await _save(connection, tenant_id, new, before)
    fresh = len(new.keys() - before.keys())
    if later or (later is None and fresh >= owed.MANY and await owed.may_pairs_be(connection, tenant_id, fresh)):
        await connection.execute(_DROP_PAIRS, (tenant_id, list(before), list(before)))
        await owed.grown(connection, tenant_id, contacts=fresh, owed=len(changed))
        return
    await _find_pairs(connection, tenant_id, force, new, before, people)
    if fresh:
        await owed.grown(connection, tenant_id, contacts=fresh)


async def _find_pairs(
    connection: Connection,
    tenant_id: UUID,
    force: InForce,
    new: Mapping[UUID, _Kept],
    before: Mapping[UUID, _Kept],
    people: Mapping[UUID, Person],
) -> None:
    again = await _touched(connection, tenant_id, new, before)
    held = await blocks(connection, tenant_id, (key for kept in again.values() for key in kept))
    pairs = {_pair(one, other) for one, keys in again.items() for other in neighbours(keys, held) if other != one}
    gone = list(new.keys() | before.keys() | again.keys())
    await connection.execute(_DROP_PAIRS, (tenant_id, gone, gone))
    await save_pairs(connection, tenant_id, force, pairs, people)


def digest(person: Person | None) -> int:
    """What changes with what is compared of a contact; 0 of one that is not there."""
    if person is None:
        return 0
    told = msgspec.json.encode(person.values, order="sorted")
    return int.from_bytes(blake2b(told, digest_size=8).digest(), signed=True) or 1


def _kept(tenant_id: UUID, person: Person) -> _Kept:
    return _Kept(digest(person), frozenset(blocking.keys(person, tenant_id.bytes)))


def _pair(one: UUID, other: UUID) -> Pair:
    return (one, other) if one < other else (other, one)


async def _save(
    connection: Connection, tenant_id: UUID, new: Mapping[UUID, _Kept], before: Mapping[UUID, _Kept]
) -> None:
    """Write what is kept of contacts, and the keys that they have got and lost."""
    nothing = _Kept()
    lost = [(key, each) for each, kept in before.items() for key in kept.keys - new.get(each, nothing).keys]
    got = [(key, each) for each, kept in new.items() for key in kept.keys - before.get(each, nothing).keys]
    if lost:
        await connection.execute(_DROP_KEYS, (*_columns(lost), tenant_id))
    if got:
        await connection.execute(_ADD_KEYS, (tenant_id, *_columns(got)))
    if gone := [each for each in before if each not in new]:
        await connection.execute(_DROP, (tenant_id, gone))
    if new:
        rows = [
            {"tenant_id": tenant_id, "contact_id": each, "digest": kept.digest, "keys": sorted(kept.keys)}
            for each, kept in new.items()
        ]
        await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


def _columns(pairs: Iterable[tuple[int, UUID]]) -> tuple[list[int], list[UUID]]:
    keys, ids = zip(*pairs, strict=True)
    return list(keys), list(ids)


async def _touched(
    connection: Connection, tenant_id: UUID, new: Mapping[UUID, _Kept], before: Mapping[UUID, _Kept]
) -> dict[UUID, frozenset[int]]:
    """Contacts to compare anew, with their keys: those that changed, and those in blocks that begin or end to count."""
    nothing = _Kept()
    change: Counter[int] = Counter()
    for each in new.keys() | before.keys():
        change.update(new.get(each, nothing).keys - before.get(each, nothing).keys)
        change.subtract(before.get(each, nothing).keys - new.get(each, nothing).keys)
    held = await blocks(connection, tenant_id, change, more=len(new) + len(before))
    crossed = {
        other
        for key, by in change.items()
        if (len(ids := held.get(key, ())) > MOST_IN_BLOCK) != (len(ids) - by > MOST_IN_BLOCK)
        for other in ids
    }
    touched = {each: kept.keys for each, kept in new.items()}
    if others := crossed - touched.keys():
        found = await (await connection.execute(_OLD, (tenant_id, list(others)))).fetchall()
        touched |= {contact_id: frozenset(keys) for contact_id, _, keys in found}
    return touched


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    del after  # Which blocks count is known when all keys are there: not a page at a time.
    force = await match_people.in_force(connection, tenant_id)
    await fill_keys(connection, tenant_id, force.keys)
    await fill_pairs(connection, tenant_id, force)
    return None


async def fill_keys(connection: Connection, tenant_id: UUID, keys: Sequence[str]) -> int:
    """Write what is kept of all contacts of a tenant of which nothing is; returns how many."""
    after, count = _FIRST, 0
    while people := await match_people.page(connection, tenant_id, keys, after=after, limit=_KEYS_PAGE):
        await _save(connection, tenant_id, {each: _kept(tenant_id, p) for each, p in people.items()}, {})
        after, count = max(people), count + len(people)
    return count


async def fill_pairs(connection: Connection, tenant_id: UUID, force: InForce) -> None:
    """Write the pairs of a tenant that has none, when all keys are there."""
    after = _FIRST
    while rows := await (await connection.execute(_KEPT, (tenant_id, after, _PAIRS_PAGE))).fetchall():
        held = await blocks(connection, tenant_id, (key for _, keys in rows for key in keys))
        pairs = [(other, one) for one, keys in rows for other in sorted(neighbours(keys, held)) if other < one]
        await save_pairs(connection, tenant_id, force, pairs, {})
        after = rows[-1][0]


PROJECTION = Projection(
    name="duplicates",
    version=1,
    topics=topics(domain.EVENTS) | contact_rows.RENAMING,
    tables=("match_contact_v1", "match_key_v1", "duplicate_v1"),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    refill=_refill,
    follows=(company.PROJECTION.checkpoint, contact.PROJECTION.checkpoint),
    is_slow=True,
    stream_column=None,
    settled=owed.is_settled,
)
