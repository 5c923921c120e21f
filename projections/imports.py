"""Imports as they stand: one row each, folded by the domain's own `evolve`."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec

from domain.event import Event, Recorded, topics
from domain.imports import EVENTS, Import, evolve
from projections.folding import evolved, json_text
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.import_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    owner_id   uuid,
    created_at timestamptz NOT NULL,
    state      jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX ON read.import_v1 (tenant_id, created_at, id);
"""
_LOAD = "SELECT coalesce(json_agg(state), '[]')::text FROM import_v1 WHERE tenant_id = %s AND id = ANY(%s)"
_SAVE = """
INSERT INTO import_v1
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r (
    tenant_id uuid, id uuid, owner_id uuid, created_at timestamptz, state jsonb)
ON CONFLICT (tenant_id, id) DO UPDATE SET state = excluded.state
"""
_PAGE = """
SELECT coalesce(json_agg(p.state ORDER BY p.created_at DESC, p.id DESC), '[]')::text
  FROM (SELECT * FROM read.import_v1 i
         WHERE i.tenant_id = %s AND (i.created_at, i.id) < (%s::timestamptz, %s::uuid)
           AND (%s::uuid[] IS NULL OR i.owner_id = ANY(%s::uuid[]))
         ORDER BY i.created_at DESC, i.id DESC LIMIT %s) p
"""
_HAVE_MORE_ROWS = """
SELECT count(*) = %s FROM read.import_v1 WHERE tenant_id = %s AND id = ANY(%s) AND (state->>'rows')::bigint > %s
"""
_CAUSE = "import:"

LATEST = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")
"""The bound before the latest import."""

_states = msgspec.json.Decoder(list[Import])


async def page(
    connection: Connection,
    tenant_id: UUID,
    *,
    after: tuple[str, str],
    limit: int,
    owners: Sequence[UUID] | None,
) -> tuple[list[Import], tuple[str, str] | None]:
    """A page of imports that some users have sent (None: anybody), latest first, and the bound of the next one."""
    of = None if owners is None else list(owners)
    found = await (await connection.execute(_PAGE, (tenant_id, *after, of, of, limit + 1))).fetchone()
    states = _states.decode(found[0])
    if len(states) <= limit:
        return states, None
    last = states[limit - 1]
    return states[:limit], (last.created_at.isoformat(), str(last.id))


def file_of(cause: str | None) -> UUID | None:
    """The import whose rows an event came of, by its causation id; None of any other, and of what is undone."""
    told = cause or ""
    return UUID(told.removeprefix(_CAUSE)) if told.startswith(_CAUSE) and "/" not in told else None


async def have_more_rows(connection: Connection, tenant_id: UUID, ids: Collection[UUID], *, than: int) -> bool:
    """Whether the files of all these imports have."""
    found = await connection.execute(_HAVE_MORE_ROWS, (len(ids), tenant_id, list(ids), than))
    return bool((await found.fetchone())[0])


def _row(tenant_id: UUID, state: Import) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "id": state.id,
        "owner_id": state.owner_id,
        "created_at": state.created_at,
        "state": state,
    }


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    started = {item.stream_id for item in events if item.version == 1}
    known = list({item.stream_id for item in events} - started)
    states: dict[UUID, Import] = {}
    if known:
        found = await (await connection.execute(_LOAD, (tenant_id, known))).fetchone()
        states = {state.id: state for state in _states.decode(found[0])}
    for item in events:
        states[item.stream_id] = evolved(evolve, states.get(item.stream_id), item)
    rows = [_row(tenant_id, state) for state in states.values()]
    await connection.execute(_SAVE, (msgspec.json.encode(rows).decode(),))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    state = None
    for item in events:
        state = evolved(evolve, state, item)
    if state is None:
        return {}
    row = _row(events[0].tenant_id, state) | {"state": json_text(state)}
    return {"import_v1": [tuple(row.values())]}


PROJECTION = Projection(
    name="import",
    version=1,
    topics=topics(EVENTS),
    tables=("import_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
