"""What models outside say of leads: the last word of each, a row by lead and name."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain import lead_score as domain
from domain.event import Event, Recorded, topics
from domain.lead_score import Contribution
from projections.folding import evolved, json_text
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.lead_contribution_v1 (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    version     integer NOT NULL,
    lead_id     uuid NOT NULL,
    name        text NOT NULL,
    value       double precision NOT NULL,
    confidence  double precision NOT NULL,
    explanation text,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX ON read.lead_contribution_v1 (tenant_id, lead_id);
"""
_COLUMNS = """
    tenant_id uuid, id uuid, version integer, lead_id uuid, name text, value double precision,
    confidence double precision, explanation text, created_at timestamptz, updated_at timestamptz
"""
_ORDER = tuple(column.split()[0] for column in _COLUMNS.split(","))
_LOAD = """
SELECT coalesce(json_agg(c), '[]')::text FROM lead_contribution_v1 c WHERE c.tenant_id = %s AND c.id = ANY(%s)
"""
_SAVE = f"""
INSERT INTO lead_contribution_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({_COLUMNS})
ON CONFLICT (tenant_id, id) DO UPDATE
   SET {", ".join(f"{name} = excluded.{name}" for name in _ORDER if name not in {"tenant_id", "id"})}
"""
_OF_LEAD = """
SELECT coalesce(json_agg(c ORDER BY c.name), '[]')::text
  FROM (SELECT * FROM read.lead_contribution_v1 WHERE tenant_id = %s AND lead_id = %s
         ORDER BY updated_at DESC, id LIMIT %s) c
"""
MOST = 100
"""Models whose word about a lead is told: those that spoke last."""

_contributions = msgspec.json.Decoder(list[Contribution])


def _row(tenant_id: UUID, state: Contribution) -> dict[str, Any]:
    known = structs.asdict(state) | {"tenant_id": tenant_id}
    return {name: known[name] for name in _ORDER}


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    known = list({item.stream_id for item in events} - {item.stream_id for item in events if item.version == 1})
    found = await (await connection.execute(_LOAD, (tenant_id, known))).fetchone() if known else ("[]",)
    states = {state.id: state for state in _contributions.decode(found[0])}
    for item in events:
        states[item.stream_id] = evolved(domain.evolve, states.get(item.stream_id), item)
    await connection.execute(_SAVE, (json_text([_row(tenant_id, state) for state in states.values()]),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    state = None
    for item in events:
        state = evolved(domain.evolve, state, item)
    return {"lead_contribution_v1": [tuple(_row(events[0].tenant_id, state).values())]} if state else {}


async def of_lead(connection: Connection, tenant_id: UUID, lead_id: UUID) -> list[Contribution]:
    """What models say of a lead, by name."""
    found = await (await connection.execute(_OF_LEAD, (tenant_id, lead_id, MOST))).fetchone()
    return _contributions.decode(found[0])


PROJECTION = Projection(
    name="lead_contribution",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("lead_contribution_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
