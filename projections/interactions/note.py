"""Notes: a row for each version, written once and closed once, so that edits and the past come of the same table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from domain.event import Event, Recorded, topics
from domain.note import EVENTS, NoteAdded, NoteEdited, NoteRemoved
from projections.folding import json_text
from projections.ports import Connection
from projections.projection import Projection

_DDL = """
CREATE TABLE read.note_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    since      bigint NOT NULL,
    until      bigint,
    version    integer NOT NULL,
    contact_id uuid NOT NULL,
    author_id  uuid,
    editor_id  uuid,
    html       text NOT NULL,
    mentions   uuid[] NOT NULL,
    at         timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id, since)
) WITH (fillfactor = 90);
"""
_COLUMNS = """
    tenant_id uuid, id uuid, since bigint, until bigint, version integer, contact_id uuid, author_id uuid,
    editor_id uuid, html text, mentions uuid[], at timestamptz, created_at timestamptz
"""
_LOAD = """
SELECT coalesce(json_agg(n), '[]')::text FROM note_v1 n
 WHERE n.tenant_id = %s AND n.id = ANY(%s) AND n.until IS NULL
"""
_SAVE = f"""
WITH closed AS (
    UPDATE note_v1 n SET until = over.since
      FROM unnest(%s::uuid[], %s::bigint[]) AS over (id, since)
     WHERE n.tenant_id = %s AND n.id = over.id AND n.until IS NULL
)
INSERT INTO note_v1 SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({_COLUMNS})
"""


class Row(Struct, kw_only=True):
    """A version of a note, from one position until another one. `at` is when it was written, `editor_id` by whom."""

    tenant_id: UUID
    id: UUID
    since: int
    until: int | None = None
    version: int
    contact_id: UUID
    author_id: UUID | None
    editor_id: UUID | None
    html: str
    mentions: tuple[UUID, ...]
    at: datetime
    created_at: datetime


_rows = msgspec.json.Decoder(list[Row])


def _versions(standing: Mapping[UUID, Row], events: Sequence[Recorded[Event]]) -> tuple[list[Row], dict[UUID, int]]:
    """The rows that events make, and where those that stood before them end."""
    rows: list[Row] = []
    last, ends = dict(standing), dict[UUID, int]()
    for item in events:
        before = last.pop(item.stream_id, None)
        if before is not None:
            before.until = item.position
            if before is standing.get(item.stream_id):
                ends[item.stream_id] = item.position
        if not isinstance(item.event, NoteRemoved):
            last[item.stream_id] = _row(before, item)
            rows.append(last[item.stream_id])
    return rows, ends


def _row(before: Row | None, item: Recorded[Event]) -> Row:
    place: dict[str, Any] = {"since": item.position, "until": None, "version": item.version, "at": item.recorded_at}
    match before, item.event:
        case None, NoteAdded(contact_id=contact_id, author_id=author_id, html=html, mentions=mentions):
            return Row(
                tenant_id=item.tenant_id,
                id=item.stream_id,
                contact_id=contact_id,
                author_id=author_id,
                editor_id=author_id,
                html=html,
                mentions=mentions,
                created_at=item.recorded_at,
                **place,
            )
        case Row(), NoteEdited(author_id=editor_id, html=html, mentions=mentions):
            return structs.replace(before, editor_id=editor_id, html=html, mentions=mentions, **place)
        case _:
            raise TypeError(f"{type(item.event).__name__} does not fit what is known of this note")


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    # What starts in this batch need not be looked for.
    known = {item.stream_id for item in events} - {item.stream_id for item in events if item.version == 1}
    standing: dict[UUID, Row] = {}
    if known:
        found = await (await connection.execute(_LOAD, (tenant_id, list(known)))).fetchone()
        standing = {row.id: row for row in _rows.decode(found[0])}
    rows, ends = _versions(standing, events)
    await connection.execute(_SAVE, (list(ends), list(ends.values()), tenant_id, json_text(rows)))


def _fold(events: Sequence[Recorded[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    rows, _ = _versions({}, events)
    return {"note_v1": [(*structs.astuple(row)[:9], list(row.mentions), row.at, row.created_at) for row in rows]}


PROJECTION = Projection(
    name="note",
    version=1,
    topics=topics(EVENTS),
    tables=("note_v1",),
    ddl=_DDL,
    apply=_apply,
    fold=_fold,
)
