"""What reports count of interactions: see report.sql for the tables, docs/reports.md for the figures.

Mirrors the rows of interactions and the links of merged contacts: what has been counted of an interaction is taken back
when it changes, and counted anew. All of it is done where the rows are, one statement for a batch's counts and one for
its responses.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

from domain import interaction as domain
from domain.contact import ContactMerged, ContactUnmerged
from domain.event import Event, Recorded, topics
from domain.interaction import Type
from projections.contacts import family as contact_family
from projections.interactions import interaction
from projections.placing import placed
from projections.ports import Connection
from projections.projection import Projection

NIL = UUID(int=0)
"""Stands for nobody."""

SPOKEN = (Type.CALL, Type.EMAIL, Type.MEETING, Type.MESSAGE)
"""What somebody waits for an answer to, and what is one."""

_SPOKEN = ", ".join(f"'{each.value}'" for each in SPOKEN)
_COUNTED = ("at", "author_id", "contact_id", "channel", "type", "outcome", "due_at", "turn", "thread")
_COLUMNS = ", ".join(_COUNTED)
_LATER = ", ".join(f"excluded.{name}" for name in _COUNTED)
_BEFORE = ", ".join(f"f.{name}" for name in _COUNTED)

_SURVIVOR = f"""
CASE WHEN NOT EXISTS (SELECT FROM read.contact_family_v1 f
                       WHERE f.tenant_id = %(tenant)s AND f.id = i.contact_id AND {contact_family.STANDS})
     THEN i.contact_id
     ELSE (WITH RECURSIVE chain (id) AS (
               SELECT i.contact_id
                UNION
               SELECT f.into_id FROM chain c
                 JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.id = c.id AND {contact_family.STANDS})
           SELECT c.id FROM chain c
            WHERE NOT EXISTS (SELECT FROM read.contact_family_v1 f
                               WHERE f.tenant_id = %(tenant)s AND f.id = c.id AND {contact_family.STANDS}))
 END
"""
_COUNT = f"""
WITH told AS (
    SELECT i.id, i.at, coalesce(i.author_id, '{NIL}') AS author_id, coalesce({_SURVIVOR}, '{NIL}') AS contact_id,
           i.channel, coalesce(i.type, '') AS type, coalesce(i.outcome, '') AS outcome, i.due_at,
           CASE WHEN i.occurred_at IS NOT NULL AND i.contact_id IS NOT NULL AND i.type IN ({_SPOKEN})
                     AND i.direction <> 'internal' THEN i.direction END AS turn, i.conversation_id AS thread
      FROM unnest(%(ids)s::uuid[]) AS u (id)
     CROSS JOIN LATERAL (
           SELECT * FROM read.interaction_v1 v WHERE v.tenant_id = %(tenant)s AND v.id = u.id OFFSET 0) i
), gone AS (
    DELETE FROM report_interaction_v1 f
     WHERE (SELECT count(*) FROM told) < cardinality(%(ids)s::uuid[])
       AND f.tenant_id = %(tenant)s AND f.id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM told t WHERE t.id = f.id)
    RETURNING f.at, f.author_id, f.contact_id, f.channel, f.type, f.outcome
), kept AS (
    INSERT INTO report_interaction_v1 AS f (tenant_id, id, {_COLUMNS})
    SELECT %(tenant)s, t.id, {_COLUMNS} FROM told t
    ON CONFLICT (tenant_id, id) DO UPDATE SET ({_COLUMNS}) = ROW ({_LATER})
     WHERE ({_BEFORE}) IS DISTINCT FROM ({_LATER})
    RETURNING old AS was, new AS now
), change (at, author_id, contact_id, channel, type, outcome, by) AS (
    SELECT (k.now).at, (k.now).author_id, (k.now).contact_id, (k.now).channel, (k.now).type, (k.now).outcome, 1
      FROM kept k
     UNION ALL
    SELECT (k.was).at, (k.was).author_id, (k.was).contact_id, (k.was).channel, (k.was).type, (k.was).outcome, -1
      FROM kept k WHERE (k.was).id IS NOT NULL
     UNION ALL
    SELECT g.*, -1 FROM gone g
), of_day AS (
    SELECT (c.at AT TIME ZONE 'UTC')::date AS day, c.author_id, c.channel, c.type, c.outcome, sum(c.by) AS by
      FROM change c GROUP BY 1, 2, 3, 4, 5 HAVING sum(c.by) <> 0
), delta AS (
    SELECT w.by_author, s.step, s.day, w.author_id, d.channel, d.type, d.outcome, sum(d.by)::bigint AS interactions
      FROM of_day d
     CROSS JOIN LATERAL (VALUES (false, '{NIL}'::uuid), (true, d.author_id)) AS w (by_author, author_id)
     CROSS JOIN LATERAL (VALUES ('day', d.day),
                                ('month', date_trunc('month', d.day::timestamp)::date)) AS s (step, day)
     GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(d.by) <> 0
), added AS (
    INSERT INTO report_count_v1 AS t
    SELECT %(tenant)s, d.by_author, d.step, d.day, d.author_id, d.channel, d.type, d.outcome, d.interactions
      FROM delta d
    ON CONFLICT (tenant_id, by_author, step, day, author_id, channel, type, outcome)
    DO UPDATE SET interactions = t.interactions + excluded.interactions
    RETURNING t.*
), yearly AS (
    INSERT INTO report_contact_v1 AS t
    SELECT %(tenant)s, date_trunc('year', c.at AT TIME ZONE 'UTC')::date, c.contact_id, c.author_id, sum(c.by)::bigint
      FROM change c GROUP BY 2, 3, 4 HAVING sum(c.by) <> 0
    ON CONFLICT (tenant_id, year, contact_id, author_id)
    DO UPDATE SET interactions = t.interactions + excluded.interactions
    RETURNING t.*
)
SELECT (SELECT json_agg(a)::text FROM added a WHERE a.interactions = 0),
       (SELECT json_agg(y)::text FROM yearly y WHERE y.interactions = 0)
"""

# Rows of which nothing is left, table by table.
_EMPTY = (
    """
DELETE FROM report_count_v1 t
 USING jsonb_to_recordset(%s::jsonb) AS d (
       by_author boolean, step text, day date, author_id uuid, channel text, type text, outcome text)
 WHERE t.tenant_id = %s AND t.by_author = d.by_author AND t.step = d.step AND t.day = d.day
   AND t.author_id = d.author_id AND t.channel = d.channel AND t.type = d.type AND t.outcome = d.outcome
   AND t.interactions = 0
""",
    """
DELETE FROM report_contact_v1 t
 USING jsonb_to_recordset(%s::jsonb) AS d (year date, contact_id uuid, author_id uuid)
 WHERE t.tenant_id = %s AND t.year = d.year AND t.contact_id = d.contact_id AND t.author_id = d.author_id
   AND t.interactions = 0
""",
)

# What answers what: where both sides are of threads, those have to be the same; else it is the contact that has to be.
# Who has to be looked at: what changed itself, what it answered, and what it answers now. That is what came in since
# something else would have answered it: in the thread, since the last one out in it; in none, since the contact was
# last written to; in any, if this itself is of none, since the last one out that was of none. OFFSET 0 keeps each
# look-up one by an index, whatever is estimated.
_RESPOND = """
WITH asked AS (
    SELECT u.id FROM unnest(%(ids)s::uuid[]) AS u (id)
     UNION
    SELECT r.id
      FROM unnest(%(ids)s::uuid[]) AS u (id)
     CROSS JOIN LATERAL (
           SELECT n.id FROM report_response_v1 n WHERE n.tenant_id = %(tenant)s AND n.answer_id = u.id OFFSET 0) r
     UNION
    SELECT i.id
      FROM unnest(%(ids)s::uuid[]) AS u (id)
     CROSS JOIN LATERAL (
           SELECT o.contact_id, o.thread, o.at FROM report_interaction_v1 o
            WHERE o.tenant_id = %(tenant)s AND o.id = u.id AND o.turn = 'outbound'
              AND (o.thread IS NOT NULL OR EXISTS (
                  SELECT FROM report_interaction_v1 n
                   WHERE n.tenant_id = %(tenant)s AND n.contact_id = o.contact_id AND n.turn = 'inbound'
                     AND n.at < o.at OFFSET 0))
           OFFSET 0) a
     CROSS JOIN LATERAL (
           SELECT n.id FROM report_interaction_v1 n
            WHERE a.thread IS NOT NULL AND n.tenant_id = %(tenant)s AND n.thread = a.thread AND n.turn = 'inbound'
              AND n.at < a.at AND n.at >= coalesce((
                  SELECT max(p.at) FROM report_interaction_v1 p
                   WHERE p.tenant_id = %(tenant)s AND p.thread = a.thread AND p.turn = 'outbound' AND p.at < a.at
                  ), '-infinity')
            UNION ALL
           SELECT n.id FROM report_interaction_v1 n
            WHERE n.tenant_id = %(tenant)s AND n.contact_id = a.contact_id AND n.turn = 'inbound' AND n.thread IS NULL
              AND n.at < a.at AND n.at >= greatest('-infinity', (
                  SELECT max(p.at) FROM report_interaction_v1 p
                   WHERE p.tenant_id = %(tenant)s AND p.contact_id = a.contact_id AND p.turn = 'outbound'
                     AND p.thread IS NULL AND p.at < a.at), (
                  SELECT max(p.at) FROM report_interaction_v1 p
                   WHERE p.tenant_id = %(tenant)s AND p.contact_id = a.contact_id AND p.turn = 'outbound'
                     AND p.thread IS NOT NULL AND p.at < a.at))
            UNION ALL
           SELECT n.id FROM report_interaction_v1 n
            WHERE a.thread IS NULL AND n.tenant_id = %(tenant)s AND n.contact_id = a.contact_id AND n.turn = 'inbound'
              AND n.thread IS NOT NULL AND n.at < a.at AND n.at >= coalesce((
                  SELECT max(p.at) FROM report_interaction_v1 p
                   WHERE p.tenant_id = %(tenant)s AND p.contact_id = a.contact_id AND p.turn = 'outbound'
                     AND p.thread IS NULL AND p.at < a.at
                  ), '-infinity') OFFSET 0) i
), wanted AS (
    SELECT i.id, i.at, o.author_id, i.contact_id, i.channel, i.type, i.outcome,
           (extract(epoch FROM o.at - i.at) * 1000000)::bigint AS lasted, o.id AS answer_id
      FROM asked a
     CROSS JOIN LATERAL (
           SELECT n.* FROM report_interaction_v1 n
            WHERE n.tenant_id = %(tenant)s AND n.id = a.id AND n.turn = 'inbound' OFFSET 0) i
     CROSS JOIN LATERAL (
           SELECT f.id, f.at, f.author_id FROM (
               (SELECT n.id, n.at, n.author_id FROM report_interaction_v1 n
                 WHERE n.tenant_id = %(tenant)s AND n.contact_id = i.contact_id
                   AND n.turn = 'outbound' AND n.thread IS NULL AND n.at > i.at ORDER BY n.at, n.id LIMIT 1)
                UNION ALL
               (SELECT n.id, n.at, n.author_id FROM report_interaction_v1 n
                 WHERE i.thread IS NULL AND n.tenant_id = %(tenant)s AND n.contact_id = i.contact_id
                   AND n.turn = 'outbound' AND n.thread IS NOT NULL AND n.at > i.at ORDER BY n.at, n.id LIMIT 1)
                UNION ALL
               (SELECT n.id, n.at, n.author_id FROM report_interaction_v1 n
                 WHERE i.thread IS NOT NULL AND n.tenant_id = %(tenant)s AND n.thread = i.thread
                   AND n.turn = 'outbound' AND n.at > i.at ORDER BY n.at, n.id LIMIT 1)) f
            ORDER BY f.at, f.id LIMIT 1) o
), stale AS (
    SELECT r.id
      FROM asked a
     CROSS JOIN LATERAL (
           SELECT n.id FROM report_response_v1 n WHERE n.tenant_id = %(tenant)s AND n.id = a.id OFFSET 0) r
     WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.id = r.id)
), gone AS (
    DELETE FROM report_response_v1 r
     WHERE EXISTS (SELECT FROM stale) AND r.tenant_id = %(tenant)s AND r.id = ANY(ARRAY(SELECT s.id FROM stale s))
)
INSERT INTO report_response_v1 AS r
SELECT %(tenant)s, w.* FROM wanted w
ON CONFLICT (tenant_id, id) DO UPDATE
   SET (at, author_id, contact_id, channel, type, outcome, lasted, answer_id) =
       ROW (excluded.at, excluded.author_id, excluded.contact_id, excluded.channel, excluded.type, excluded.outcome,
            excluded.lasted, excluded.answer_id)
 WHERE r IS DISTINCT FROM excluded
"""
_OF_CONTACTS = f"""
WITH RECURSIVE family (id) AS (
    SELECT u.id FROM unnest(%(ids)s::uuid[]) AS u (id)
     UNION
    SELECT f.id FROM family m
      JOIN read.contact_family_v1 f ON f.tenant_id = %(tenant)s AND f.into_id = m.id AND {contact_family.STANDS}
)
SELECT i.id FROM family m JOIN read.interaction_v1 i ON i.tenant_id = %(tenant)s AND i.contact_id = m.id
"""
_PAGE = "SELECT i.id FROM read.interaction_v1 i WHERE i.tenant_id = %s AND i.id > %s ORDER BY i.id LIMIT %s"
_AT_ONCE = 2000

# Every look-up is by an index whatever is estimated, and planning for one interaction takes longer than all the rest.
_PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
_PLANNED_AS_EVER = "SET LOCAL plan_cache_mode = auto"


async def _apply(connection: Connection, events: Sequence[Recorded[Event]]) -> None:
    tenant_id = events[0].tenant_id
    merged = {item.stream_id for item in events if item.event.TOPIC.startswith("contact.")}
    ids = {item.stream_id for item in events} - merged
    if merged:
        query, values = placed(_OF_CONTACTS, {"tenant": tenant_id, "ids": sorted(merged)})
        ids |= {row[0] for row in await (await connection.execute(query, values)).fetchall()}
    await _mirror(connection, tenant_id, ids)


async def _refill(connection: Connection, tenant_id: UUID, after: UUID) -> UUID | None:
    rows = await (await connection.execute(_PAGE, (tenant_id, after, _AT_ONCE))).fetchall()
    if not rows:
        return None
    await _mirror(connection, tenant_id, [row[0] for row in rows])
    last: UUID = rows[-1][0]
    return last


async def _mirror(connection: Connection, tenant_id: UUID, ids: Iterable[UUID]) -> None:
    """Make what is counted of some interactions what they say."""
    ordered = sorted(ids)
    await connection.execute(_PLANNED_ONCE)
    for start in range(0, len(ordered), _AT_ONCE):
        values = {"tenant": tenant_id, "ids": ordered[start : start + _AT_ONCE]}
        emptied = await (await connection.execute(*placed(_COUNT, values))).fetchone()
        for query, rows in zip(_EMPTY, emptied, strict=True):
            if rows:
                await connection.execute(query, (rows, tenant_id))
        await connection.execute(*placed(_RESPOND, values))
    await connection.execute(_PLANNED_AS_EVER)


PROJECTION = Projection(
    name="report",
    version=1,
    topics=topics([*domain.EVENTS, ContactMerged, ContactUnmerged]),
    tables=("report_interaction_v1", "report_response_v1", "report_count_v1", "report_contact_v1"),
    ddl=Path(__file__).with_suffix(".sql").read_text(),
    apply=_apply,
    refill=_refill,
    follows=(interaction.PROJECTION.checkpoint, contact_family.PROJECTION.checkpoint),
    stream_column=None,
)
