"""Customers: what leads were converted to; as they are, and a row for each version, as they were."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

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
_PAST_COLUMNS = f"{_COLUMNS}, begins bigint NOT NULL, ends bigint"
# `since` is when it became a customer; a version stood from a position (`begins`) to another. No index on `ends`, so
# that closing a version is a HOT update.
_DDL = f"""
CREATE TABLE read.customer_v1 ({_COLUMNS}, PRIMARY KEY (tenant_id, id)) WITH (fillfactor = 80);
CREATE INDEX ON read.customer_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE TABLE read.customer_past_v1 ({_PAST_COLUMNS}, PRIMARY KEY (tenant_id, id, begins)) WITH (fillfactor = 80);
CREATE INDEX ON read.customer_past_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
"""
_ORDER = tuple(column.split()[0] for column in _COLUMNS.split(","))
_PAST_ORDER = (*_ORDER, "begins", "ends")
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

_SAVE_PAST = f"""
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({_TYPED}, begins bigint, ends bigint)
), closed AS (
    UPDATE customer_past_v1 p SET ends = first.begins
      FROM (SELECT id, min(begins) AS begins FROM new GROUP BY id) first
     WHERE p.tenant_id = %s AND p.id = first.id AND p.ends IS NULL
)
INSERT INTO customer_past_v1 SELECT * FROM new
"""

_customers = msgspec.json.Decoder(list[Customer])


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    known = list({item.stream_id for item in events} - {item.stream_id for item in events if item.version == 1})
    found = await (await connection.execute(_LOAD, (tenant_id, known))).fetchone() if known else ("[]",)
    states = {state.id: state for state in _customers.decode(found[0])}
    versions = _versions(states, events)
    now = [{name: row[name] for name in _ORDER} for row in versions if row["ends"] is None]
    await connection.execute(_SAVE, (msgspec.json.encode(now).decode(),))
    await connection.execute(_SAVE_PAST, (msgspec.json.encode(versions).decode(), tenant_id))


def _versions(states: dict[UUID, Customer], events: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    """A row for each event, from the states before them, which are brought up to date."""
    rows: list[dict[str, Any]] = []
    last: dict[UUID, dict[str, Any]] = {}
    for item in events:
        state = states[item.stream_id] = evolved(domain.evolve, states.get(item.stream_id), item)
        if item.stream_id in last:
            last[item.stream_id]["ends"] = item.position
        known = structs.asdict(state) | {"tenant_id": item.tenant_id, "lead_ids": list(state.lead_ids)}
        last[item.stream_id] = known | {"begins": item.position, "ends": None}
        rows.append(last[item.stream_id])
    return rows


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    versions = _versions({}, events)
    return {
        "customer_v1": [tuple(versions[-1][name] for name in _ORDER)],
        "customer_past_v1": [tuple(row[name] for name in _PAST_ORDER) for row in versions],
    }


PROJECTION = Projection(
    name="customer",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("customer_v1", "customer_past_v1"),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
