"""Leads as they are, and as they were: one row each, and one a version, folded by the domain's own `evolve`.

The versions have the positions from and until which they stood: lists and figures as of a moment are made of them.
Their stays are with each row, so that all that is counted of a lead is in one place.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain import lead as domain
from domain.event import Event, Recorded, topics
from domain.lead import Lead
from projections.folding import evolved, json_text
from projections.ports import Connection
from projections.projection import Projection

_COLUMNS = """
    version          integer NOT NULL,
    title            text NOT NULL,
    contact_id       uuid,
    company_id       uuid,
    customer_id      uuid,
    owner_id         uuid,
    source           text,
    value            jsonb,
    tags             text[] NOT NULL,
    custom           jsonb NOT NULL,
    external_ids     jsonb NOT NULL,
    status           text NOT NULL,
    status_since     timestamptz NOT NULL,
    lost_reason      text,
    stays            jsonb NOT NULL,
    lent_company     boolean NOT NULL,
    occurred_at      timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    inactive_since   timestamptz,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    deleted_at       timestamptz
"""
_NOW_KEY = "tenant_id uuid NOT NULL, id uuid NOT NULL, position bigint NOT NULL"
_PAST_KEY = "tenant_id uuid NOT NULL, id uuid NOT NULL, since bigint NOT NULL, until bigint"

# No index on `until`: closing a version is then a HOT update.
_DDL = f"""
CREATE TABLE read.lead_v1 ({_NOW_KEY}, {_COLUMNS}, PRIMARY KEY (tenant_id, id)) WITH (fillfactor = 80);
CREATE INDEX ON read.lead_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_v1 (tenant_id, status_since, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_v1 (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_v1 (tenant_id, owner_id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_v1 (tenant_id, contact_id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_v1 (tenant_id, company_id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_v1 (tenant_id, last_activity_at, id)
 WHERE deleted_at IS NULL AND inactive_since IS NULL AND status IN ('new', 'qualified', 'nurturing');
CREATE INDEX ON read.lead_v1 (tenant_id, last_activity_at, id) WHERE deleted_at IS NULL AND inactive_since IS NOT NULL;
CREATE TABLE read.lead_past_v1 ({_PAST_KEY}, {_COLUMNS}, PRIMARY KEY (tenant_id, id, since)) WITH (fillfactor = 80);
CREATE INDEX ON read.lead_past_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.lead_past_v1 (tenant_id, contact_id) WHERE deleted_at IS NULL;
"""

FIELDS = tuple(column.split()[0] for column in _COLUMNS.split(","))
"""What both tables have of a lead beside its id."""
_TYPED = ", ".join(" ".join(column.split()[:2]) for column in _COLUMNS.split(","))
STATE = ", ".join(("id", *FIELDS))
"""The columns that the domain's lead is read from."""
_SET = ", ".join(f"{name} = excluded.{name}" for name in ("position", *FIELDS))
_JSON = ("value", "custom", "external_ids", "stays")

_LOAD = f"""
SELECT coalesce(json_agg(l), '[]')::text
  FROM (SELECT {STATE} FROM lead_v1 WHERE tenant_id = %s AND id = ANY(%s)) l
"""
_SAVE = f"""
INSERT INTO lead_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (tenant_id uuid, id uuid, position bigint, {_TYPED})
ON CONFLICT (tenant_id, id) DO UPDATE SET {_SET}
"""
_SAVE_PAST = f"""
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (tenant_id uuid, id uuid, since bigint, until bigint, {_TYPED})
), closed AS (
    UPDATE lead_past_v1 p SET until = first.since
      FROM (SELECT id, min(since) AS since FROM new GROUP BY id) first
     WHERE p.tenant_id = %s AND p.id = first.id AND p.until IS NULL
)
INSERT INTO lead_past_v1 SELECT * FROM new
"""

_leads = msgspec.json.Decoder(list[Lead])


def _versions(leads: dict[UUID, Lead], events: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    """A row for each event, from the states before them, which are brought up to date."""
    rows: list[dict[str, Any]] = []
    last: dict[UUID, dict[str, Any]] = {}
    for item in events:
        lead = leads[item.stream_id] = evolved(domain.evolve, leads.get(item.stream_id), item)
        if item.stream_id in last:
            last[item.stream_id]["until"] = item.position
        last[item.stream_id] = structs.asdict(lead) | {
            "tenant_id": item.tenant_id,
            "since": item.position,
            "until": None,
        }
        rows.append(last[item.stream_id])
    return rows


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    started = {item.stream_id for item in events if item.version == 1}
    known = list({item.stream_id for item in events} - started)
    versions = _versions(await _load(connection, tenant_id, known) if known else {}, events)
    now = [row | {"position": row["since"]} for row in versions if row["until"] is None]
    await connection.execute(_SAVE, (msgspec.json.encode(now).decode(),))
    await connection.execute(_SAVE_PAST, (msgspec.json.encode(versions).decode(), tenant_id))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    versions = _versions({}, events)
    for row in versions:
        row.update({name: None if row[name] is None else json_text(row[name]) for name in _JSON})
        row.update(tags=list(row["tags"]), position=row["since"])
    return {
        "lead_v1": [tuple(versions[-1][name] for name in ("tenant_id", "id", "position", *FIELDS))],
        "lead_past_v1": [
            tuple(row[name] for name in ("tenant_id", "id", "since", "until", *FIELDS)) for row in versions
        ],
    }


async def _load(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Lead]:
    found = await (await connection.execute(_LOAD, (tenant_id, list(ids)))).fetchone()
    return {lead.id: lead for lead in _leads.decode(found[0])}


PROJECTION = Projection(
    name="lead",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("lead_v1", "lead_past_v1"),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
