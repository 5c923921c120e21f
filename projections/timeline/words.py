"""Words of timelines in an index, for crowded records alone: see words.sql.

Mirrors the rows of timelines. One row in 64 is a sample, known by its id and position, and is kept whatever its record
is. With as many samples as `SAMPLES` a record is crowded, after some 500 rows: then all of its rows are kept. Nothing
has to be counted, and the rows follow from those of timelines alone. Who reads looks through a timeline that is not
crowded, and through what has come to a crowded one after this projection's position: nobody has to wait for it.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from domain.event import Event, Recorded
from projections.placing import placed
from projections.ports import Connection
from projections.projection import Projection
from projections.timeline import timeline
from projections.timeline.system import is_silent

SAMPLES = 8
"""As read.timeline_page_v1 has it: a record is crowded when so many of its rows are here."""

_IS_SAMPLE = "(get_byte(uuid_send(t.id), 15) # (t.since & 63)::integer) & 63 = 0"
_COLUMNS = "t.tenant_id, t.record_id, t.since, t.id, t.words"
_TAKE_OVER = """
ON CONFLICT (tenant_id, record_id, since, id) DO UPDATE SET words = excluded.words
 WHERE timeline_word_v1.words <> excluded.words
"""
# OFFSET keeps these look-ups by an index, whatever is estimated.
_IS_CROWDED = f"""
EXISTS (SELECT FROM timeline_word_v1 w WHERE w.tenant_id = %(tenant)s AND w.record_id = {{}} OFFSET {SAMPLES - 1})
"""
_MIRROR = f"""
WITH told AS (
    SELECT {_COLUMNS}, {_IS_SAMPLE} AS is_sample, {_IS_CROWDED.format("t.record_id")} AS is_crowded
      FROM unnest(%(ids)s::uuid[]) AS u (id)
     CROSS JOIN LATERAL (
           SELECT * FROM read.timeline_v1 v WHERE v.tenant_id = %(tenant)s AND v.stream_id = u.id OFFSET 0) t
), kept AS (
    INSERT INTO timeline_word_v1 SELECT {_COLUMNS} FROM told t WHERE t.is_sample OR t.is_crowded {_TAKE_OVER}
)
SELECT DISTINCT t.record_id FROM told t WHERE t.is_sample AND NOT t.is_crowded
"""
_CROWDED = f"""
INSERT INTO timeline_word_v1
SELECT {_COLUMNS}
  FROM unnest(%(ids)s::uuid[]) AS u (id)
 CROSS JOIN LATERAL (
       SELECT * FROM read.timeline_v1 v WHERE v.tenant_id = %(tenant)s AND v.record_id = u.id OFFSET 0) t
 WHERE {_IS_CROWDED.format("u.id")}
{_TAKE_OVER}
"""
_PAGE = "SELECT DISTINCT record_id FROM read.timeline_v1 WHERE tenant_id = %s AND record_id > %s ORDER BY 1 LIMIT %s"
_FILL = f"""
INSERT INTO timeline_word_v1
SELECT {_COLUMNS}
  FROM unnest(%(ids)s::uuid[]) AS u (id)
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE {_IS_SAMPLE}) >= {SAMPLES} AS is_crowded
         FROM read.timeline_v1 t WHERE t.tenant_id = %(tenant)s AND t.record_id = u.id OFFSET 0) c
 CROSS JOIN LATERAL (
       SELECT * FROM read.timeline_v1 v WHERE v.tenant_id = %(tenant)s AND v.record_id = u.id OFFSET 0) t
 WHERE c.is_crowded OR {_IS_SAMPLE}
"""
_AT_ONCE = 500


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    ids = list({item.stream_id for item in events if not is_silent(item)})
    if not ids:
        return
    found = await connection.execute(*placed(_MIRROR, {"tenant": tenant_id, "ids": ids}))
    if sampled := [record_id for (record_id,) in await found.fetchall()]:
        await connection.execute(*placed(_CROWDED, {"tenant": tenant_id, "ids": sampled}))


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    found = await connection.execute(_PAGE, (tenant_id, after, _AT_ONCE))
    if not (ids := [record_id for (record_id,) in await found.fetchall()]):
        return None
    await connection.execute(*placed(_FILL, {"tenant": tenant_id, "ids": ids}))
    last: UUID = ids[-1]
    return last


PROJECTION = Projection(
    name="timeline_words",
    version=1,
    topics=timeline.PROJECTION.topics,
    tables=("timeline_word_v1",),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    refill=_refill,
    follows=(timeline.PROJECTION.checkpoint,),
    stream_column=None,
)
