-- Repeats: entries into a status whose lead had entered it before. One that it had entered in the same period is counted
-- twice by the entries of its days, and has to be taken off.

-- How many there are by the day of the entry, and by that of the one before; of all, of an owner, of a source or both as
-- `cube` says (see pipeline.sql). Cubes have 4 more where `before` is a month (its first day), 8 where `day` is one.
CREATE TABLE read.pipeline_again_v1 (
    tenant_id     uuid NOT NULL,
    cube          integer NOT NULL,
    owner_id      uuid NOT NULL,
    source        text NOT NULL,
    before        date NOT NULL,
    day           date NOT NULL,
    status        text NOT NULL,
    entered       bigint NOT NULL,
    to_new        bigint NOT NULL,     -- of those that entered, how many entered that status later
    to_qualified  bigint NOT NULL,
    to_nurturing  bigint NOT NULL,
    to_converted  bigint NOT NULL,
    to_lost       bigint NOT NULL,
    PRIMARY KEY (tenant_id, cube, owner_id, source, before, day, status)
) WITH (fillfactor = 80);

-- Repeats of which both entries are in a period that has a beginning: both ends are months, as far as they are whole, and
-- days; what is left of the first and the last day is counted stay by stay.
CREATE FUNCTION read.pipeline_repeats_v1(owners uuid[], from_source text, since timestamptz, until timestamptz)
    RETURNS TABLE (status text, entered bigint, to_new bigint, to_qualified bigint, to_nurturing bigint,
                   to_converted bigint, to_lost bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    which  constant integer := (owners IS NOT NULL)::integer + 2 * (from_source IS NOT NULL)::integer;
    whose  constant uuid[] := coalesce(owners, ARRAY['00000000-0000-0000-0000-000000000000'::uuid]);
    first  date := (since AT TIME ZONE 'UTC')::date;
    last   date := coalesce((until AT TIME ZONE 'UTC')::date, 'infinity');
    month  date;   -- the first that is whole
    upto   date;   -- the month that is not whole any more
    begins timestamptz;
    ends   timestamptz;
BEGIN
    IF since >= until THEN
        RETURN;
    END IF;
    first := CASE WHEN first::timestamp AT TIME ZONE 'UTC' < since THEN first + 1 ELSE first END;
    begins := first::timestamp AT TIME ZONE 'UTC';
    ends := last::timestamp AT TIME ZONE 'UTC';
    month := date_trunc('month', first::timestamp + interval '1 month' - interval '1 day');
    upto := date_trunc('month', last::timestamp);
    IF month > upto THEN
        month := 'infinity';
        upto := '-infinity';
    END IF;
    RETURN QUERY
    SELECT x.status, sum(x.entered)::bigint, sum(x.to_new)::bigint, sum(x.to_qualified)::bigint,
           sum(x.to_nurturing)::bigint, sum(x.to_converted)::bigint, sum(x.to_lost)::bigint
      FROM (
        SELECT p.status, p.entered, p.to_new, p.to_qualified, p.to_nurturing, p.to_converted, p.to_lost
          FROM (VALUES (0, first, month), (4, month, 'infinity'::date)) AS b (more, since, until)
         CROSS JOIN (VALUES (8, '-infinity'::date, upto), (0, upto, last)) AS e (more, since, until)
         CROSS JOIN LATERAL (
               SELECT * FROM read.pipeline_again_v1 a
                WHERE a.tenant_id = tenant AND a.cube = which + b.more + e.more AND a.owner_id = ANY (whose)
                  AND a.source = coalesce(from_source, '') AND a.before >= b.since AND a.before < b.until
                  AND a.day >= e.since AND a.day < e.until) p
         UNION ALL
        SELECT s.status, 1, s.later & 1, s.later >> 1 & 1, s.later >> 2 & 1, s.later >> 3 & 1, s.later >> 4 & 1
          FROM (SELECT * FROM read.pipeline_stay_v1 f
                 WHERE f.tenant_id = tenant AND f.again_since >= since AND f.again_since < begins
                   AND f.entered_at < coalesce(until, 'infinity')
                 UNION ALL
                SELECT * FROM read.pipeline_stay_v1 l
                 WHERE l.tenant_id = tenant AND l.again_since >= begins AND l.entered_at >= ends
                   AND l.entered_at < coalesce(until, 'infinity')) s
         WHERE (owners IS NULL OR s.owner_id = ANY (owners)) AND (from_source IS NULL OR s.source = from_source)) x
     GROUP BY x.status;
END $$;
REVOKE EXECUTE ON FUNCTION read.pipeline_repeats_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.pipeline_repeats_v1 TO rapport_service;
