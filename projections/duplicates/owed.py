"""What is left for a tenant's next model: of many new contacts at once, when one is due anyway.

A model comes with the pairs of all contacts, found anew. While a tenant grows to twice what its last one was made of,
to find pairs as contacts come would be to find them twice, and most of the work of an import. So a turn with many new
contacts writes their keys only; and not even those when more have come than a file has whose rows are compared with
what is there, or when they come from a larger file: its rows are not compared before they are written. The tenant owes
the rest, which makes the next model due as soon as its growth pauses.
"""

from collections.abc import Sequence
from uuid import UUID

from domain.event import Event, Recorded
from projections import imports
from projections.ports import Connection

MANY = 100
"""New contacts in a turn from which on something may be left."""
KEYED = 10_000
"""Contacts since the last model from which on their keys may be left, too: as many rows as a file has that is looked at
for likeness (MOST_COMPARED of commands.imports.portion)."""

_GROWN = """
INSERT INTO read.match_growth_v1 AS g VALUES (%s, %s, %s)
ON CONFLICT (tenant_id) DO UPDATE
   SET contacts = g.contacts + excluded.contacts, owed = g.owed + excluded.owed, grown_at = now()
"""
# Only what is read is rescored: what is built beside it has to be complete by itself.
_DUE = """
SELECT to_regclass('duplicate_v1') = to_regclass('read.duplicate_v1') AND (
       coalesce(g.owed, 0) > 0 OR coalesce(g.contacts, 0) + %s >= coalesce(m.contacts, 0) + 50),
       coalesce(g.contacts, 0)
  FROM (SELECT) one
  LEFT JOIN read.match_growth_v1 g ON g.tenant_id = %s
  LEFT JOIN read.match_model_v1 m ON m.tenant_id = %s
"""
_OWED = "SELECT coalesce(max(owed), 0) FROM read.match_growth_v1 WHERE tenant_id = %s"


async def may_pairs_be(connection: Connection, tenant_id: UUID, fresh: int) -> bool:
    """Whether pairs of so many new contacts may be left to the next model: it is due then."""
    due, _ = await _growth(connection, tenant_id, fresh)
    return due


async def may_all_be(connection: Connection, tenant_id: UUID, fresh: Sequence[Recorded[Event]]) -> bool:
    """Whether the keys of contacts may be, too, by the events that began them."""
    due, contacts = await _growth(connection, tenant_id, len(fresh))
    return due and (contacts >= KEYED or await _are_of_large_files(connection, tenant_id, fresh))


async def grown(connection: Connection, tenant_id: UUID, *, contacts: int, owed: int = 0) -> None:
    """So many contacts are new, and of so many something is left."""
    await connection.execute(_GROWN, (tenant_id, contacts, owed))


async def is_settled(connection: Connection, tenant_id: UUID) -> bool:
    """Whether nothing is left."""
    (owed,) = await (await connection.execute(_OWED, (tenant_id,))).fetchone()
    return not owed


async def _are_of_large_files(connection: Connection, tenant_id: UUID, fresh: Sequence[Recorded[Event]]) -> bool:
    causes = {item.metadata.causation_id for item in fresh}
    files = {found for cause in causes if (found := imports.file_of(cause))}
    return len(files) == len(causes) and await imports.have_more_rows(connection, tenant_id, files, than=KEYED)


async def _growth(connection: Connection, tenant_id: UUID, fresh: int) -> tuple[bool, int]:
    """Whether the next model is due with so many more, and how many have come since the last one."""
    due, contacts = await (await connection.execute(_DUE, (fresh, tenant_id, tenant_id))).fetchone()
    return bool(due), int(contacts)
