-- Whose turn it is to be looked through for leads that nothing happens with, and when it was before. The platform's row
-- tells until when the clock was believed.
CREATE TABLE store.sweep (
    tenant_id    uuid PRIMARY KEY,
    position     bigint NOT NULL DEFAULT 0,    -- up to here the read models were when it was last looked through
    next_at      timestamptz,                  -- when the next lead is due, if nothing happens until then
    written      bigint NOT NULL DEFAULT 0,    -- the last event that a sweep has written
    swept_at     timestamptz NOT NULL DEFAULT '-infinity',
    cleared_at   timestamptz NOT NULL DEFAULT '-infinity',
    took         interval NOT NULL DEFAULT '0',
    flagged      boolean NOT NULL DEFAULT false,
    failures     integer NOT NULL DEFAULT 0,
    error        text,
    not_before   timestamptz NOT NULL DEFAULT '-infinity',
    holder       uuid,
    leased_until timestamptz
) WITH (fillfactor = 70);
ALTER TABLE store.sweep ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.sweep USING (tenant_id = store.current_tenant());

-- Leads that are quiet by their own events, and were found active by interactions: not looked at again until that is old.
CREATE TABLE store.lead_active (
    tenant_id uuid NOT NULL,
    lead_id   uuid NOT NULL,
    active_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, lead_id)
) WITH (fillfactor = 80);
ALTER TABLE store.lead_active ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.lead_active USING (tenant_id = store.current_tenant());
GRANT SELECT ON store.lead_active TO rapport_service;

-- Tenants that something may be due of, for a while one worker's: those whose log has moved on since, or where a lead is
-- due by now. Those with flagged leads are looked at every `soon`, but never for more than a twentieth of the time.
CREATE FUNCTION store.take_sweeps(worker uuid, lease interval, every interval, soon interval, at timestamptz, most integer)
    RETURNS TABLE (tenant_id uuid, written bigint, flags boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    now_ constant timestamptz := clock_timestamp();
BEGIN
    INSERT INTO store.sweep (tenant_id)
    SELECT h.tenant_id FROM store.tenant_head h
     WHERE h.tenant_id <> '00000000-0000-7000-8000-000000000000'
       AND NOT EXISTS (SELECT FROM store.sweep s WHERE s.tenant_id = h.tenant_id)
        ON CONFLICT DO NOTHING;
    RETURN QUERY
    UPDATE store.sweep s SET holder = worker, leased_until = now_ + lease
      FROM (SELECT c.tenant_id, c.swept_at NOT BETWEEN now_ - every AND now_ AS flags
              FROM store.sweep c JOIN store.tenant_head h ON h.tenant_id = c.tenant_id
             WHERE (h.position > c.position OR c.next_at <= at OR c.swept_at > now_)
               -- A time that lies ahead for longer than it may was noted by a clock that was ahead.
               AND c.not_before NOT BETWEEN now_ AND now_ + interval '1 hour'
               AND (c.leased_until IS NULL OR c.leased_until NOT BETWEEN now_ AND now_ + lease)
               AND (c.swept_at NOT BETWEEN now_ - every AND now_
                    OR c.flagged AND c.cleared_at NOT BETWEEN now_ - greatest(soon, c.took * 20) AND now_)
               AND c.tenant_id <> '00000000-0000-7000-8000-000000000000'
             ORDER BY c.cleared_at LIMIT most FOR UPDATE OF c SKIP LOCKED) due
     WHERE s.tenant_id = due.tenant_id
    RETURNING s.tenant_id, s.written, due.flags;
END $$;

-- A tenant was looked through: for quiet leads too where `flags`, else only for flagged ones that are active again.
CREATE FUNCTION store.leave_sweep(
    worker uuid, tenant uuid, flags boolean, up_to bigint, due timestamptz, wrote bigint, has_flagged boolean, lasted interval
)
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE store.sweep s
       SET position = CASE WHEN flags THEN up_to ELSE s.position END, next_at = CASE WHEN flags THEN due ELSE s.next_at END,
           swept_at = CASE WHEN flags THEN clock_timestamp() ELSE s.swept_at END, cleared_at = clock_timestamp(),
           written = greatest(s.written, wrote), flagged = has_flagged, took = lasted,
           failures = 0, error = NULL, not_before = '-infinity', holder = NULL, leased_until = NULL
     WHERE s.tenant_id = tenant AND s.holder = worker
$$;

-- It could not be: others go on, and it is tried again after 1 s, 2 s, 4 s, up to `longest`.
CREATE FUNCTION store.fail_sweep(worker uuid, tenant uuid, why text, longest interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE store.sweep s
       SET failures = s.failures + 1, error = why, holder = NULL, leased_until = NULL,
           not_before = clock_timestamp() + least(longest, interval '1 second' * 2 ^ least(s.failures, 20))
     WHERE s.tenant_id = tenant AND s.holder = worker
$$;

-- The clock as it is here, and until when it was believed before (NULL at first); `believed` moves that on.
CREATE FUNCTION store.sweep_clock(believed timestamptz) RETURNS TABLE (here timestamptz, before timestamptz)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.sweep AS s (tenant_id, next_at) VALUES ('00000000-0000-7000-8000-000000000000', believed)
        ON CONFLICT (tenant_id) DO UPDATE SET next_at = coalesce(believed, s.next_at)
    RETURNING clock_timestamp(), s.next_at
$$;

-- What sweeps have found out of leads of the transaction's tenant; what is older than `old` tells nothing any more.
CREATE FUNCTION store.note_active(leads uuid[], times timestamptz[], old timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM store.lead_active a WHERE a.tenant_id = store.current_tenant() AND a.active_at < old;
    INSERT INTO store.lead_active AS a
    SELECT store.current_tenant(), u.lead, u.at FROM unnest(leads, times) u (lead, at)
        ON CONFLICT (tenant_id, lead_id) DO UPDATE SET active_at = excluded.active_at;
$$;

-- How many tenants can't be looked through, for metrics.
CREATE FUNCTION store.sweeps_failing() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FROM store.sweep s WHERE s.failures > 0
$$;

REVOKE EXECUTE ON FUNCTION store.take_sweeps, store.leave_sweep, store.fail_sweep, store.sweep_clock, store.note_active,
                           store.sweeps_failing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.take_sweeps, store.leave_sweep, store.fail_sweep, store.sweep_clock TO rapport_append;
GRANT EXECUTE ON FUNCTION store.note_active TO rapport_service;
GRANT EXECUTE ON FUNCTION store.sweeps_failing TO rapport_monitor;
