"""Customers: what leads were converted to. Their names are those of the companies, contacts or leads they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain import customer as domain
from domain.customer import Customer
from domain.event import Event, Recorded, topics
from projections.folding import evolved
from projections.ports import Connection
from projections.projection import Projection

_COLUMNS = """
    tenant_id uuid NOT NULL, id uuid NOT NULL, version integer NOT NULL, company_id uuid, contact_id uuid,
    lead_ids uuid[] NOT NULL, since timestamptz NOT NULL, created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL, deleted_at timestamptz
"""
_DDL = f"""
CREATE TABLE read.customer_v1 ({_COLUMNS}, PRIMARY KEY (tenant_id, id)) WITH (fillfactor = 80);
CREATE INDEX ON read.customer_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
"""
_ORDER = tuple(column.split()[0] for column in _COLUMNS.split(","))
_TYPED = ", ".join(" ".join(column.split()[:2]) for column in _COLUMNS.split(","))
_LOAD = f"""
SELECT coalesce(json_agg(c), '[]')::text
  FROM (SELECT {", ".join(_ORDER[1:])} FROM customer_v1 WHERE tenant_id = %s AND id = ANY(%s)) c
"""
_SAVE = f"""
INSERT INTO customer_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({_TYPED})
ON CONFLICT (tenant_id, id) DO UPDATE
   SET {", ".join(f"{name} = excluded.{name}" for name in _ORDER[2:])}
"""

_customers = msgspec.json.Decoder(list[Customer])


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    known = list({item.stream_id for item in events} - {item.stream_id for item in events if item.version == 1})
    found = await (await connection.execute(_LOAD, (tenant_id, known))).fetchone() if known else ("[]",)
    states = {state.id: state for state in _customers.decode(found[0])}
    for item in events:
        states[item.stream_id] = evolved(domain.evolve, states.get(item.stream_id), item)
    rows = [structs.asdict(state) | {"tenant_id": tenant_id} for state in states.values()]
    await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    state = None
    for item in events:
        state = evolved(domain.evolve, state, item)
    if state is None:
        return {}
    values = structs.asdict(state) | {"tenant_id": events[0].tenant_id, "lead_ids": list(state.lead_ids)}
    return {"customer_v1": [tuple(values[name] for name in _ORDER)]}


PROJECTION = Projection(
    name="customer",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("customer_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)


class CustomerView(Struct, frozen=True, kw_only=True):
    """A customer as clients see it; the name is None where the reader must not see it."""

    id: UUID
    version: int
    name: str | None
    contact_id: UUID | None
    company_id: UUID | None
    lead_ids: tuple[UUID, ...]
    since: datetime
    created_at: datetime
    updated_at: datetime


class Stored(Struct, frozen=True, kw_only=True):
    """A customer as it is in the read model, with what it could be called and whose its contact is.

    `lead_ids` are those that the reader may see.
    """

    id: UUID
    version: int
    company_id: UUID | None
    contact_id: UUID | None
    lead_ids: tuple[UUID, ...]
    since: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    company_name: str | None
    contact_name: str | None
    contact_owner_id: UUID | None
    title: str | None

    def view(self, name: str | None) -> CustomerView:
        """What clients see of it, under a name."""
        shared = {each: getattr(self, each) for each in CustomerView.__struct_fields__ if each != "name"}
        return CustomerView(**shared, name=name)


# A contact that was merged goes by the name of the one that it was merged into: of a chain that alone is there.
# Whose leads may be read has been asked by then: a customer is seen by who sees one of its leads.
_SELECT = """
SELECT c.id, c.version, c.company_id, c.contact_id, coalesce(s.lead_ids, '{}') AS lead_ids, c.since, c.created_at,
       c.updated_at, c.deleted_at, f.name AS company_name, p.name ->> 'display' AS contact_name,
       p.owner_id AS contact_owner_id, s.title
  FROM read.customer_v1 c
  LEFT JOIN read.company_v1 f ON f.tenant_id = c.tenant_id AND f.id = c.company_id
  LEFT JOIN LATERAL (
       WITH RECURSIVE chain (id) AS (
            SELECT c.contact_id UNION SELECT m.into_id FROM chain k
              JOIN read.contact_family_v1 m ON m.tenant_id = c.tenant_id AND m.id = k.id AND m.until IS NULL
       ) SELECT x.name, x.owner_id FROM chain k
           JOIN read.contact_v1 x ON x.tenant_id = c.tenant_id AND x.id = k.id AND x.deleted_at IS NULL
  ) p ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(l.id ORDER BY l.created_at, l.id) AS lead_ids, min(l.title) AS title FROM read.lead_v1 l
        WHERE l.tenant_id = c.tenant_id AND l.id = ANY (c.lead_ids) AND (%s::uuid[] IS NULL OR l.owner_id = ANY (%s))
  ) s ON true
"""
_ONE = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({_SELECT} WHERE c.tenant_id = %s AND c.id = %s) v"
_ANY_LEAD = "(%s::uuid[] IS NULL OR s.lead_ids IS NOT NULL)"

_stored = msgspec.json.Decoder(list[Stored])


async def by_id(
    connection: Connection, tenant_id: UUID, customer_id: UUID, *, owners: Sequence[UUID] | None = None
) -> Stored | None:
    """A customer, also one that is none any more."""
    whose = list(owners) if owners is not None else None
    found = await (await connection.execute(_ONE, (whose, whose, tenant_id, customer_id))).fetchone()
    return next(iter(_stored.decode(found[0])), None)


async def page(
    connection: Connection,
    tenant_id: UUID,
    *,
    after: Sequence[str] | None,
    limit: int,
    owners: Sequence[UUID] | None = None,
) -> tuple[list[Stored], list[str] | None]:
    """A page of the customers that have leads, of `owners` where some are given; and where the next one starts."""
    whose = list(owners) if owners is not None else None
    conditions = ["c.tenant_id = %s", "c.deleted_at IS NULL", _ANY_LEAD]
    parameters: list[Any] = [whose, whose, tenant_id, whose]
    if after:
        conditions.append("(c.created_at, c.id) > (%s::timestamptz, %s::uuid)")
        parameters += list(after)
    inner = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY c.created_at, c.id LIMIT %s"
    query = f"SELECT coalesce(json_agg(v), '[]')::text FROM ({inner}) v"
    found = await (await connection.execute(query, (*parameters, limit + 1))).fetchone()
    rows = _stored.decode(found[0])
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], [rows[limit - 1].created_at.isoformat(), str(rows[limit - 1].id)]
