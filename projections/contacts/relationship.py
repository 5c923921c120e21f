"""Relationships from both ends: one row an end and version, with the positions from and until which it stood.

A row is written once and closed once, so that what is read now and as of a moment come of the same table.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain.event import Event, Recorded, topics
from domain.relationship import EVENTS, Relationship, evolve
from projections.folding import evolved
from projections.ports import Connection
from projections.projection import Projection

# None on `until`: closing a row is then a HOT update.
_DDL = """
CREATE TABLE read.relationship_v1 (
    tenant_id    uuid NOT NULL,
    contact_id   uuid NOT NULL,
    other_id     uuid NOT NULL,
    since        bigint NOT NULL,
    until        bigint,
    id           uuid NOT NULL,
    version      integer NOT NULL,
    kind         text NOT NULL,
    reverse_kind text NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, contact_id, other_id, since)
) WITH (fillfactor = 80);
CREATE INDEX ON read.relationship_v1 (tenant_id, id);
"""

_COLUMNS = """
    tenant_id uuid, contact_id uuid, other_id uuid, since bigint, until bigint, id uuid, version integer, kind text,
    reverse_kind text, created_at timestamptz, updated_at timestamptz
"""
_ORDER = tuple(column.split()[0] for column in _COLUMNS.split(","))

# One end is enough to know both.
_LOAD = """
SELECT coalesce(json_agg(r), '[]')::text
  FROM (SELECT DISTINCT ON (id) * FROM relationship_v1
         WHERE tenant_id = %s AND id = ANY(%s) AND until IS NULL ORDER BY id, contact_id) r
"""
_SAVE = f"""
WITH closed AS (
    UPDATE relationship_v1 r SET until = over.at
      FROM unnest(%s::uuid[], %s::bigint[]) AS over (id, at)
     WHERE r.tenant_id = %s AND r.id = over.id AND r.until IS NULL
)
INSERT INTO relationship_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({_COLUMNS})
"""

_standing = msgspec.json.Decoder(list[Relationship])


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    first: dict[UUID, int] = {}
    for item in events:
        first.setdefault(item.stream_id, item.position)
    known = [item.stream_id for item in events if item.version > 1]
    states: dict[UUID, Relationship] = {}
    if known:
        found = await (await connection.execute(_LOAD, (tenant_id, known))).fetchone()
        states = {state.id: state for state in _standing.decode(found[0])}
    rows = msgspec.json.encode(_versions(states, events)).decode()
    await connection.execute(_SAVE, (list(first), list(first.values()), tenant_id, rows))


def _versions(states: dict[UUID, Relationship], events: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    """Two rows for each event that leaves a relationship standing, from those that stood before."""
    rows: list[dict[str, Any]] = []
    last: dict[UUID, list[dict[str, Any]]] = {}
    for item in events:
        for row in last.pop(item.stream_id, ()):
            row["until"] = item.position
        state = states[item.stream_id] = evolved(evolve, states.get(item.stream_id), item)
        if state.deleted_at is None:
            last[item.stream_id] = [_row(item, state.seen_from(end)) for end in (state.contact_id, state.other_id)]
            rows += last[item.stream_id]
    return rows


def _row(item: Recorded[Any], state: Relationship) -> dict[str, Any]:
    row = structs.asdict(state) | {"tenant_id": item.tenant_id, "since": item.position, "until": None}
    return {name: row[name] for name in _ORDER}


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    return {"relationship_v1": [tuple(row.values()) for row in _versions({}, events)]}


PROJECTION = Projection(
    name="relationship",
    version=1,
    topics=topics(EVENTS),
    tables=("relationship_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
