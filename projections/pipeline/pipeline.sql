-- What is counted of leads. `cube` says what a row is of: 0 all leads, 1 those of an owner, 2 those from a source, 3 both;
-- where it is not of an owner (or of leads without one) that is the nil UUID, without a source ''. So every figure is the
-- sum of few rows, however many leads there are, and all of them are corrected with each event. Cubes from 4 on are coarse:
-- 4 more than the one that they are of, by month for day, and with buckets of an 8th of an octave.

-- One row a stay in a status: what has been counted of it, to be taken back when it changes.
CREATE TABLE read.pipeline_stay_v1 (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,      -- of the lead
    number      integer NOT NULL,
    owner_id    uuid NOT NULL,
    source      text NOT NULL,
    status      text NOT NULL,
    entered_at  timestamptz NOT NULL,
    lasted      bigint,             -- microseconds; NULL while it goes on
    again_since timestamptz,        -- when the lead entered the same status before
    later       integer NOT NULL,   -- a bit for each status that the lead entered afterwards
    closed      boolean NOT NULL,   -- the lead stands here, converted or lost
    currency    text,               -- of the last stay: the lead's value, '' for none; NULL of the others
    amount      numeric(30, 4) NOT NULL,
    PRIMARY KEY (tenant_id, id, number)
) WITH (fillfactor = 80);
-- What is read stay by stay is read from these alone.
CREATE INDEX ON read.pipeline_stay_v1 (tenant_id, status, lasted) INCLUDE (owner_id, source) WHERE lasted IS NOT NULL;
CREATE INDEX ON read.pipeline_stay_v1 (tenant_id, entered_at)
       INCLUDE (status, again_since, later, closed, owner_id, source);
CREATE INDEX ON read.pipeline_stay_v1 (tenant_id, again_since) INCLUDE (entered_at, status, later, owner_id, source)
 WHERE again_since IS NOT NULL;
CREATE INDEX ON read.pipeline_stay_v1 (tenant_id, entered_at) INCLUDE (again_since, status, later, owner_id, source)
 WHERE again_since IS NOT NULL;

-- Where leads stand, and what they are worth by currency.
CREATE TABLE read.pipeline_now_v1 (
    tenant_id uuid NOT NULL,
    cube      integer NOT NULL,
    owner_id  uuid NOT NULL,
    source    text NOT NULL,
    status    text NOT NULL,
    currency  text NOT NULL,
    leads     bigint NOT NULL,
    amount    numeric(30, 4) NOT NULL,
    PRIMARY KEY (tenant_id, cube, owner_id, source, status, currency)
) WITH (fillfactor = 50);

-- How long completed stays have lasted: so many in each bucket. A bucket is narrow, so that what is exactly in the middle
-- is soon found among its stays.
CREATE TABLE read.pipeline_lasted_v1 (
    tenant_id uuid NOT NULL,
    cube      integer NOT NULL,
    owner_id  uuid NOT NULL,
    source    text NOT NULL,
    status    text NOT NULL,
    bucket    bigint NOT NULL,      -- the least that is in it
    stays     bigint NOT NULL,
    PRIMARY KEY (tenant_id, cube, owner_id, source, status, bucket)
) WITH (fillfactor = 80);

-- Entries into statuses by day (UTC); `again` are those of leads that had entered the same status before.
CREATE TABLE read.pipeline_day_v1 (
    tenant_id  uuid NOT NULL,
    cube       integer NOT NULL,
    owner_id   uuid NOT NULL,
    source     text NOT NULL,
    day        date NOT NULL,
    status     text NOT NULL,
    again      boolean NOT NULL,
    entered    bigint NOT NULL,
    closed     bigint NOT NULL,
    to_new     bigint NOT NULL,     -- of those that entered, how many entered that status later
    to_qualified  bigint NOT NULL,
    to_nurturing  bigint NOT NULL,
    to_converted  bigint NOT NULL,
    to_lost       bigint NOT NULL,
    PRIMARY KEY (tenant_id, cube, owner_id, source, day, status, again)
) WITH (fillfactor = 80);

-- The functions take the tenant from the transaction. `owners` and `from_source` are NULL for all.

-- Stays of a period, as few rows as possible: whole days as they were counted (whole months as their first day, where
-- `by_month` allows it), and what is left of the first and the last day stay by stay.
CREATE FUNCTION read.pipeline_entries_v1(
    owners uuid[], from_source text, since timestamptz, until timestamptz, by_month boolean
)
    RETURNS TABLE (day date, status text, again boolean, entered bigint, closed bigint, to_new bigint,
                   to_qualified bigint, to_nurturing bigint, to_converted bigint, to_lost bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    which  constant integer := (owners IS NOT NULL)::integer + 2 * (from_source IS NOT NULL)::integer;
    whose  constant uuid[] := coalesce(owners, ARRAY['00000000-0000-0000-0000-000000000000'::uuid]);
    first  date := (since AT TIME ZONE 'UTC')::date;
    last   date := (until AT TIME ZONE 'UTC')::date;
    edges  tstzrange[] := '{}';
    begins date;
    ends   date;
    month  date;   -- the first that is whole
    upto   date;   -- the month that is not whole any more
BEGIN
    IF since >= until THEN
        RETURN;
    END IF;
    IF since IS NOT NULL AND first::timestamp AT TIME ZONE 'UTC' < since THEN
        first := first + 1;
        edges := edges || tstzrange(since, least(first::timestamp AT TIME ZONE 'UTC', until));
    END IF;
    IF until IS NOT NULL AND last::timestamp AT TIME ZONE 'UTC' < until AND (first IS NULL OR first <= last) THEN
        edges := edges || tstzrange(last::timestamp AT TIME ZONE 'UTC', until);
    END IF;
    begins := coalesce(first, '-infinity');
    ends := coalesce(last, 'infinity');
    month := date_trunc('month', begins::timestamp);
    month := CASE WHEN month < begins THEN month + interval '1 month' ELSE month END;
    upto := date_trunc('month', ends::timestamp);
    IF NOT by_month OR month >= upto THEN
        month := ends;
        upto := ends;
    END IF;
    RETURN QUERY
    SELECT d.day, d.status, d.again, sum(d.entered)::bigint, sum(d.closed)::bigint, sum(d.to_new)::bigint,
           sum(d.to_qualified)::bigint, sum(d.to_nurturing)::bigint, sum(d.to_converted)::bigint, sum(d.to_lost)::bigint
      FROM (VALUES (which, begins, month), (which + 4, month, upto), (which, upto, ends)) AS part (cube, since, until)
     CROSS JOIN LATERAL (
           SELECT * FROM read.pipeline_day_v1 p
            WHERE p.tenant_id = tenant AND p.cube = part.cube AND p.owner_id = ANY (whose)
              AND p.source = coalesce(from_source, '') AND p.day >= part.since AND p.day < part.until) d
     GROUP BY d.day, d.status, d.again;
    FOR i IN 1..cardinality(edges) LOOP
        RETURN QUERY
        SELECT (s.entered_at AT TIME ZONE 'UTC')::date, s.status, s.again_since IS NOT NULL, count(*),
               count(*) FILTER (WHERE s.closed), count(*) FILTER (WHERE s.later & 1 <> 0),
               count(*) FILTER (WHERE s.later & 2 <> 0), count(*) FILTER (WHERE s.later & 4 <> 0),
               count(*) FILTER (WHERE s.later & 8 <> 0), count(*) FILTER (WHERE s.later & 16 <> 0)
          FROM read.pipeline_stay_v1 s
         WHERE s.tenant_id = tenant AND s.entered_at >= lower(edges[i]) AND s.entered_at < upper(edges[i])
           AND (owners IS NULL OR s.owner_id = ANY (owners)) AND (from_source IS NULL OR s.source = from_source)
         GROUP BY 1, 2, 3;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION read.pipeline_entries_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.pipeline_entries_v1 TO rapport_service;

-- Everything that a look at the pipeline shows, as of one moment, as JSON: {now: [{status, currency, leads, amount}],
-- lasted: [{status, stays, around: {"0.5": [low, high], "0.9": ...}}] (what stands beside the fraction's place),
-- entries: [{status, again, entered, closed, to_*}], repeats: [{status, entered, to_*}] (see again.sql)}.
CREATE FUNCTION read.pipeline_v1(owners uuid[], from_source text, since timestamptz, until timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    which  constant integer := (owners IS NOT NULL)::integer + 2 * (from_source IS NOT NULL)::integer;
    whose  constant uuid[] := coalesce(owners, ARRAY['00000000-0000-0000-0000-000000000000'::uuid]);
BEGIN
    RETURN jsonb_build_object(
        'now', (
            SELECT coalesce(jsonb_agg(n), '[]') FROM (
                SELECT p.status, p.currency, sum(p.leads) AS leads, sum(p.amount)::text AS amount
                  FROM read.pipeline_now_v1 p
                 WHERE p.tenant_id = tenant AND p.cube = which AND p.owner_id = ANY (whose)
                   AND p.source = coalesce(from_source, '')
                 GROUP BY p.status, p.currency ORDER BY p.status, p.currency) n),
        'lasted', (
            WITH cell AS (
                SELECT p.status, p.bucket, sum(p.stays)::bigint AS stays FROM read.pipeline_lasted_v1 p
                 WHERE p.tenant_id = tenant AND p.cube = which + 4 AND p.owner_id = ANY (whose)
                   AND p.source = coalesce(from_source, '')
                 GROUP BY p.status, p.bucket
            ), run AS MATERIALIZED (
                SELECT c.*, (sum(c.stays) OVER w)::bigint AS upto, lead(c.bucket) OVER w AS next
                  FROM cell c WINDOW w AS (PARTITION BY c.status ORDER BY c.bucket ROWS UNBOUNDED PRECEDING)
            ), asked AS MATERIALIZED (
                -- Both neighbours of each fraction's place, counted from 0.
                SELECT t.status, t.total, f.fraction, n.k
                  FROM (SELECT c.status, sum(c.stays)::bigint AS total FROM cell c GROUP BY c.status) t
                 CROSS JOIN (VALUES ('0.5', 1, 2), ('0.9', 9, 10)) AS f (fraction, above, below)
                 CROSS JOIN LATERAL (VALUES (f.above * (t.total - 1) / f.below),
                                            ((f.above * (t.total - 1) + f.below - 1) / f.below)) AS n (k)
            ), near AS (
                -- In which bucket they are, and after how many there.
                SELECT a.*, r.bucket, r.next, a.k - (r.upto - r.stays) AS skip
                  FROM asked a JOIN run r ON r.status = a.status AND r.upto > a.k AND r.upto - r.stays <= a.k
            ), fine AS MATERIALIZED (
                SELECT c.*, (sum(c.stays) OVER w)::bigint AS upto, coalesce(lead(c.bucket) OVER w, c.last) AS next
                  FROM (SELECT n.status, n.bucket AS near, n.next AS last, f.bucket, sum(f.stays)::bigint AS stays
                          FROM (SELECT DISTINCT near.status, near.bucket, near.next FROM near) n
                         CROSS JOIN LATERAL (
                               SELECT p.bucket, p.stays FROM read.pipeline_lasted_v1 p
                                WHERE p.tenant_id = tenant AND p.cube = which AND p.owner_id = ANY (whose)
                                  AND p.source = coalesce(from_source, '') AND p.status = n.status
                                  AND p.bucket >= n.bucket AND p.bucket < coalesce(n.next, 9223372036854775807)
                               OFFSET 0) f
                         GROUP BY n.status, n.bucket, n.next, f.bucket) c
                WINDOW w AS (PARTITION BY c.status, c.near ORDER BY c.bucket ROWS UNBOUNDED PRECEDING)
            ), neighbour AS (
                -- The same among the fine buckets of that one.
                SELECT n.status, n.total, n.fraction, n.k, f.bucket, f.next, n.skip - (f.upto - f.stays) AS skip
                  FROM near n
                  JOIN fine f ON f.status = n.status AND f.near = n.bucket AND f.upto > n.skip
                   AND f.upto - f.stays <= n.skip
            ), place AS (
                SELECT n.status, n.total, n.fraction, array_agg(e.lasted ORDER BY n.k) AS around
                  FROM neighbour n
                 CROSS JOIN LATERAL (
                       SELECT s.lasted FROM read.pipeline_stay_v1 s
                        WHERE s.tenant_id = tenant AND s.status = n.status AND s.lasted IS NOT NULL
                          AND s.lasted >= n.bucket AND s.lasted < coalesce(n.next, 9223372036854775807)
                          AND (owners IS NULL OR s.owner_id = ANY (owners))
                          AND (from_source IS NULL OR s.source = from_source)
                        ORDER BY s.lasted OFFSET n.skip LIMIT 1) e
                 GROUP BY n.status, n.total, n.fraction
            ), told AS (
                SELECT p.status, p.total AS stays, jsonb_object_agg(p.fraction, p.around) AS around
                  FROM place p GROUP BY p.status, p.total
            )
            SELECT coalesce(jsonb_agg(t), '[]') FROM told t),
        'entries', (
            SELECT coalesce(jsonb_agg(e), '[]') FROM (
                SELECT p.status, p.again, sum(p.entered) AS entered, sum(p.closed) AS closed, sum(p.to_new) AS to_new,
                       sum(p.to_qualified) AS to_qualified, sum(p.to_nurturing) AS to_nurturing,
                       sum(p.to_converted) AS to_converted, sum(p.to_lost) AS to_lost
                  FROM read.pipeline_entries_v1(owners, from_source, since, until, true) p
                 GROUP BY p.status, p.again) e),
        'repeats', CASE WHEN since IS NULL THEN '[]' ELSE (
            SELECT coalesce(jsonb_agg(r), '[]') FROM read.pipeline_repeats_v1(owners, from_source, since, until) r) END);
END $$;
REVOKE EXECUTE ON FUNCTION read.pipeline_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.pipeline_v1 TO rapport_service;

-- Entries into each status by day, week (from Monday) or month of a time zone. Counted are days of UTC; what was entered
-- near the edge of a period, and so is of another one in the zone, is looked up stay by stay and moved.
CREATE FUNCTION read.pipeline_trend_v1(
    owners uuid[], from_source text, since timestamptz, until timestamptz, step text, zone text
)
    RETURNS TABLE (period date, status text, entered bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    tenant constant uuid := store.current_tenant();
BEGIN
    RETURN QUERY
    WITH whole AS MATERIALIZED (
        SELECT date_trunc(step, p.day::timestamp) AS period, p.status, sum(p.entered)::bigint AS entered
          FROM read.pipeline_entries_v1(owners, from_source, since, until, step = 'month') p GROUP BY 1, 2
    ), near AS (
        -- From before one midnight to after the other, an hour more for clocks that are turned; ranges that meet are one.
        SELECT unnest(range_agg(tstzrange(least(e.ours, e.theirs) - interval '1 hour',
                                          greatest(e.ours, e.theirs) + interval '1 hour'))) AS span
          FROM (SELECT m AT TIME ZONE 'UTC' AS ours, m AT TIME ZONE zone AS theirs
                  FROM (SELECT min(w.period) AS first, max(w.period) AS last FROM whole w) f
                 CROSS JOIN generate_series(f.first, f.last + ('1 ' || step)::interval, ('1 ' || step)::interval) m
                 WHERE zone <> 'UTC') e
    ), moved AS (
        SELECT date_trunc(step, s.entered_at AT TIME ZONE 'UTC') AS ours,
               date_trunc(step, s.entered_at AT TIME ZONE zone) AS theirs, s.status, count(*) AS entered
          FROM near n
         CROSS JOIN LATERAL (
               SELECT s.entered_at, s.status FROM read.pipeline_stay_v1 s
                WHERE s.tenant_id = tenant AND s.entered_at >= lower(n.span) AND s.entered_at < upper(n.span)
                  AND s.entered_at >= coalesce(since, '-infinity') AND s.entered_at < coalesce(until, 'infinity')
                  AND (owners IS NULL OR s.owner_id = ANY (owners)) AND (from_source IS NULL OR s.source = from_source)
               OFFSET 0) s
         GROUP BY 1, 2, 3
    )
    SELECT a.period::date, a.status, sum(a.entered)::bigint
      FROM (SELECT w.period, w.status, w.entered FROM whole w
             UNION ALL SELECT m.ours, m.status, -m.entered FROM moved m WHERE m.ours <> m.theirs
             UNION ALL SELECT m.theirs, m.status, m.entered FROM moved m WHERE m.ours <> m.theirs) a
     GROUP BY 1, 2 HAVING sum(a.entered) <> 0 ORDER BY 1, 2;
END $$;
REVOKE EXECUTE ON FUNCTION read.pipeline_trend_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.pipeline_trend_v1 TO rapport_service;
