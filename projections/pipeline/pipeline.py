"""The figures of the pipeline, kept as sums that each event corrects: see pipeline.sql.

Mirrors the rows of leads: what has been counted of a lead is taken back when it changes, and counted anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from domain import lead as domain
from domain.event import Event, Recorded, topics
from domain.lead import Lead
from domain.lead_status import Status
from projections.leads import lead
from projections.pipeline.stays import Cell, Counted, Sums, stays_of
from projections.ports import Connection
from projections.projection import Projection

_STAY = tuple(Counted.__struct_fields__)
_LEADS = f"SELECT {lead.STATE} FROM read.lead_v1 l WHERE l.tenant_id = %s AND"
_SOME = f"SELECT coalesce(json_agg(l), '[]')::text FROM ({_LEADS} l.id = ANY(%s)) l"
_PAGE = f"SELECT coalesce(json_agg(l), '[]')::text FROM ({_LEADS} l.id > %s ORDER BY l.id LIMIT {{}}) l"
_OLD = f"""
SELECT coalesce(json_agg(s), '[]')::text
  FROM (SELECT {", ".join(_STAY[:-1])}, amount::text FROM pipeline_stay_v1 WHERE tenant_id = %s AND id = ANY(%s)) s
"""
_SAVE = f"""
INSERT INTO pipeline_stay_v1
SELECT %s, r.* FROM jsonb_to_recordset(%s::jsonb) AS r (
    id uuid, number integer, owner_id uuid, source text, status text, entered_at timestamptz, lasted bigint,
    again_since timestamptz, later integer, closed boolean, currency text, amount numeric)
ON CONFLICT (tenant_id, id, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _STAY[2:])}
"""
_GONE = "DELETE FROM pipeline_stay_v1 WHERE tenant_id = %s AND id = ANY(%s)"

_LATER = tuple(f"to_{status.value}" for status in Status)
_KEY = {"cube": "integer", "owner_id": "uuid", "source": "text"}
_TABLES: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
    "now": (_KEY | {"status": "text", "currency": "text"}, {"leads": "bigint", "amount": "numeric"}),
    "lasted": (_KEY | {"status": "text", "bucket": "bigint"}, {"stays": "bigint"}),
    "day": (
        _KEY | {"day": "date", "status": "text", "again": "boolean"},
        dict.fromkeys(("entered", "closed", *_LATER), "bigint"),
    ),
    "again": (
        _KEY | {"before": "date", "day": "date", "status": "text"},
        dict.fromkeys(("entered", *_LATER), "bigint"),
    ),
}
"""Key and sums of each table of sums; the first of the sums is 0 when there is nothing left of a row."""


def _correct(name: str) -> str:
    """Adds to the rows of a table; one of which nothing is left goes."""
    key, sums = _TABLES[name]
    columns = ", ".join(f"{column} {kind}" for column, kind in (key | sums).items())
    first = next(iter(sums))
    return f"""
    MERGE INTO pipeline_{name}_v1 t
    USING (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r ({columns})) d
       ON t.tenant_id = %s AND {" AND ".join(f"t.{column} = d.{column}" for column in key)}
     WHEN MATCHED AND t.{first} + d.{first} = 0 THEN DELETE
     WHEN MATCHED THEN UPDATE SET {", ".join(f"{column} = t.{column} + d.{column}" for column in sums)}
     WHEN NOT MATCHED THEN INSERT VALUES (%s, {", ".join(f"d.{column}" for column in key | sums)})
    """


_CORRECT = {name: _correct(name) for name in _TABLES}
_AT_ONCE = 1000

_leads = msgspec.json.Decoder(list[Lead])
_stays = msgspec.json.Decoder(list[Counted])


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id, ids = events[0].tenant_id, list({item.stream_id for item in events})
    found = await (await connection.execute(_SOME, (tenant_id, ids))).fetchone()
    old = await (await connection.execute(_OLD, (tenant_id, ids))).fetchone()
    await _count(connection, tenant_id, _leads.decode(found[0]), _stays.decode(old[0]))


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    found = await (await connection.execute(_PAGE.format(_AT_ONCE), (tenant_id, after))).fetchone()
    leads = _leads.decode(found[0])
    if not leads:
        return None
    await _count(connection, tenant_id, leads, ())
    return leads[-1].id


async def _count(connection: Connection, tenant_id: UUID, leads: Iterable[Lead], old: Iterable[Counted]) -> None:
    """Make the sums say what the leads say, which have been counted as in `old`."""
    before = {(stay.id, stay.number): stay for stay in old}
    after = {(stay.id, stay.number): stay for each in leads for stay in stays_of(each)}
    gone = [stay for key, stay in before.items() if after.get(key) != stay]
    new = [stay for key, stay in after.items() if before.get(key) != stay]
    sums = Sums()
    sums.count(gone, -1)
    sums.count(new, 1)
    if lost := list({stay_id for stay_id, _ in before.keys() - after.keys()}):
        await connection.execute(_GONE, (tenant_id, lost))
    if new:
        rows = [structs.asdict(stay) for stay in new]
        await connection.execute(_SAVE, (tenant_id, msgspec.json.encode(rows).decode()))
    for name, cells in (("now", sums.now), ("lasted", sums.lasted), ("day", sums.day), ("again", sums.again)):
        if delta := _delta(name, cells):
            await connection.execute(_CORRECT[name], (delta, tenant_id, tenant_id))


def _delta(name: str, cells: Mapping[Cell, Sequence[Any]]) -> str:
    """Rows to be added, as JSON; "" for none."""
    key, sums = _TABLES[name]
    rows = [
        dict(zip((*key, *sums), (*cell, *values), strict=True)) for cell, values in sorted(cells.items()) if any(values)
    ]
    return msgspec.json.encode(rows).decode() if rows else ""


PROJECTION = Projection(
    name="pipeline",
    version=1,
    topics=topics(domain.EVENTS),
    tables=("pipeline_stay_v1", "pipeline_now_v1", "pipeline_lasted_v1", "pipeline_day_v1", "pipeline_again_v1"),
    ddl="".join(Path(__file__).with_name(f"{name}.sql").read_text() for name in ("again", "pipeline")),
    apply=_apply,
    refill=_refill,
    follows=(lead.PROJECTION.checkpoint,),
    stream_column=None,
)
