"""Which contacts were merged into which, and from when until when: what else refers to contacts reads by this.

Nothing that refers to a contact is rewritten by a merge. A contact's family is the contact itself and all that were
merged into it, directly or by way of others: what belongs to it is what belongs to one of them
(`contact_id = ANY (family)`), and an other end is shown as its survivor.

A row is a merge as it was recorded: a link of a chain, not its end. So each row is made of one stream, the one that
went; chains are followed when they are read, which are short (see docs/adr/0018).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event, Recorded, topics
from projections.placing import placed
from projections.ports import Connection
from projections.position import Moment
from projections.projection import Projection

T = TypeVar("T")

# No index on `until`: closing a row is then a HOT update.
_DDL = """
CREATE TABLE read.contact_family_v1 (
    tenant_id uuid NOT NULL,
    id        uuid NOT NULL,
    since     bigint NOT NULL,
    until     bigint,
    into_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, id, since)
) WITH (fillfactor = 80);
CREATE INDEX ON read.contact_family_v1 (tenant_id, into_id);
"""
_ORDER = ("tenant_id", "id", "since", "until", "into_id")

_SAVE = """
WITH closed AS (
    UPDATE contact_family_v1 f SET until = c.until
      FROM jsonb_to_recordset(%(closed)s::jsonb) AS c (id uuid, until bigint)
     WHERE f.tenant_id = %(tenant)s AND f.id = c.id AND f.until IS NULL
)
INSERT INTO contact_family_v1
SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
  AS r (tenant_id uuid, id uuid, since bigint, until bigint, into_id uuid)
"""

# Equality and comparison of these types are leakproof: under row level security the keys are used all the same.
STANDS = "f.until IS NULL"
STOOD = "f.since <= %(at)s AND (f.until IS NULL OR f.until > %(at)s)"
"""Which links of contact_family_v1 f hold now, and at a position."""
_FAMILY = """
WITH RECURSIVE family (id) AS (
    SELECT %(id)s::uuid
     UNION
    SELECT f.id FROM family m JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.into_id = m.id AND {when}
)
SELECT id FROM family
"""
_ALL_OF = """
(WITH RECURSIVE kin (id) AS (
     SELECT {contact}
      UNION
     SELECT CASE WHEN f.id = k.id THEN f.into_id ELSE f.id END FROM kin k
       JOIN read.contact_family_v1 f ON f.tenant_id = {tenant} AND (f.id = k.id OR f.into_id = k.id) AND {when}
 ) SELECT id FROM kin)
"""
_SURVIVORS = """
WITH RECURSIVE chain (id, at_id) AS (
    SELECT u.id, u.id FROM unnest(%(ids)s::uuid[]) AS u (id)
     UNION
    SELECT c.id, f.into_id FROM chain c
      JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.id = c.at_id AND {when}
)
SELECT c.id, c.at_id FROM chain c
 WHERE NOT EXISTS (
       SELECT FROM read.contact_family_v1 f WHERE f.tenant_id = %(tenant)s AND f.id = c.at_id AND {when})
"""


async def family(connection: Connection, tenant_id: UUID, contact_id: UUID, *, at: int | None = None) -> list[UUID]:
    """The ids that a contact goes by, its own first: those of all that are merged into it, or were at a position."""
    query = _FAMILY.format(when=_when(at))
    values = {"tenant": tenant_id, "id": contact_id, "at": at}
    rows = await (await connection.execute(*placed(query, values))).fetchall()
    return [row[0] for row in rows]


def whole_family(contact: str, tenant: str, stood: str = STANDS) -> str:
    """SQL of the ids of all that are one contact with that of an expression, which may be any of them."""
    return _ALL_OF.format(contact=contact, tenant=tenant, when=stood)


async def survivors(
    connection: Connection, tenant_id: UUID, ids: Sequence[UUID], *, at: int | None = None
) -> dict[UUID, UUID]:
    """What each contact is by now, or was at a position: itself, or the end of the chain that it was merged into."""
    query = _SURVIVORS.format(when=_when(at))
    values = {"tenant": tenant_id, "ids": list(ids), "at": at}
    rows = await (await connection.execute(*placed(query, values))).fetchall()
    return dict(rows)


def by_family(
    query: Callable[[Connection, list[UUID]], Awaitable[T]], tenant_id: UUID, contact_id: UUID, at: Moment | None
) -> Callable[[Connection], Awaitable[T]]:
    """A query of what belongs to a contact, by all the ids that it goes by, or went by at a moment."""

    async def ask(connection: Connection) -> T:
        position = at.position if at else None
        return await query(connection, await family(connection, tenant_id, contact_id, at=position))

    return ask


def _when(at: int | None) -> str:
    return STANDS if at is None else STOOD


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    rows, closed = _links(events)
    parameters = {
        "tenant": events[0].tenant_id,
        "rows": msgspec.json.encode(rows).decode(),
        "closed": msgspec.json.encode([{"id": key, "until": until} for key, until in closed.items()]).decode(),
    }
    await connection.execute(_SAVE, parameters)


def _fold(events: Sequence[Recorded[Any]]) -> Mapping[str, list[tuple[Any, ...]]]:
    rows, _ = _links(events)
    return {"contact_family_v1": [tuple(row[name] for name in _ORDER) for row in rows]}


def _links(events: Sequence[Recorded[Event]]) -> tuple[list[dict[str, Any]], dict[UUID, int]]:
    """The rows that events make, and where those that were there before them end.

    What ends without having begun (the event that began it was skipped) ends nothing.
    """
    rows: list[dict[str, Any]] = []
    last: dict[UUID, dict[str, Any]] = {}
    closed: dict[UUID, int] = {}
    for item in events:
        if isinstance(item.event, ContactMerged):
            last[item.stream_id] = {
                "tenant_id": item.tenant_id,
                "id": item.stream_id,
                "since": item.position,
                "until": None,
                "into_id": item.event.into,
            }
            rows.append(last[item.stream_id])
        elif isinstance(item.event, ContactUnmerged) and (open_ := last.pop(item.stream_id, None)):
            open_["until"] = item.position
        elif isinstance(item.event, ContactUnmerged):
            closed.setdefault(item.stream_id, item.position)
    return rows, closed


PROJECTION = Projection(
    name="contact_family",
    version=1,
    topics=topics([ContactMerged, ContactUnmerged]),
    tables=("contact_family_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
