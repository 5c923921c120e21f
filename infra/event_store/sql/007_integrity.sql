-- The hash chain's checkpoints, and what a restored database needs to begin anew (docs/integrity.md). The auditor reads
-- one tenant's log at a time, under row level security, and signs what it has read.
GRANT USAGE ON SCHEMA store, ops TO rapport_auditor;
GRANT SELECT ON store.event, store.tenant_head TO rapport_auditor;
GRANT SELECT ON ops.installation TO rapport_auditor;
GRANT EXECUTE ON FUNCTION store.tenants TO rapport_auditor;

-- Signed checkpoints once more, so that a proof finds its own. What counts is the copy outside the database.
CREATE TABLE store.checkpoint (
    tenant_id      uuid NOT NULL,
    last_position  bigint NOT NULL,
    first_position bigint NOT NULL,
    record         text NOT NULL,
    PRIMARY KEY (tenant_id, last_position, first_position)
);
ALTER TABLE store.checkpoint ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.checkpoint USING (tenant_id = store.current_tenant());
GRANT SELECT ON store.checkpoint TO rapport_service, rapport_auditor;

CREATE FUNCTION store.keep_checkpoints(firsts bigint[], lasts bigint[], records text[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.checkpoint
    SELECT store.current_tenant(), c.last, c.first, c.record FROM unnest(firsts, lasts, records) AS c (first, last, record)
    ON CONFLICT DO NOTHING
$$;
REVOKE EXECUTE ON FUNCTION store.keep_checkpoints FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.keep_checkpoints TO rapport_auditor;

-- Every tenant that has a head or an event, with both ends: one of them may be what somebody has removed.
CREATE FUNCTION store.logs() RETURNS TABLE (
    tenant_id uuid, head_position bigint, head_hash bytea, head_recorded_at timestamptz,
    last_position bigint, last_hash bytea, last_recorded_at timestamptz
)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE found AS (
        (SELECT e.tenant_id FROM store.event e ORDER BY e.tenant_id LIMIT 1)
        UNION ALL
        -- A look-up for each tenant, however many events there are.
        SELECT (SELECT e.tenant_id FROM store.event e WHERE e.tenant_id > f.tenant_id ORDER BY e.tenant_id LIMIT 1)
          FROM found f WHERE f.tenant_id IS NOT NULL
    )
    SELECT t.tenant_id, h.position, h.hash, h.recorded_at, l.position, l.hash, l.recorded_at
      FROM (SELECT tenant_id FROM found WHERE tenant_id IS NOT NULL UNION SELECT tenant_id FROM store.tenant_head) t
      LEFT JOIN store.tenant_head h USING (tenant_id)
      LEFT JOIN LATERAL (
           SELECT e.position, e.hash, e.recorded_at FROM store.event e
            WHERE e.tenant_id = t.tenant_id ORDER BY e.position DESC LIMIT 1) l ON true
     ORDER BY t.tenant_id
$$;
REVOKE EXECUTE ON FUNCTION store.logs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.logs TO rapport_auditor;

-- Begins another incarnation of the history, or says again that one has begun: what knows positions beyond the heads
-- forgets them, and read models that do are emptied, to be built anew from the log.
CREATE FUNCTION ops.begin_incarnation(fresh uuid, known uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    ahead uuid[];
    name  text;
BEGIN
    UPDATE ops.installation i SET incarnation = fresh, former = ARRAY(
        SELECT DISTINCT k FROM unnest(i.former || i.incarnation || known) k WHERE k <> fresh);
    DELETE FROM ops.relay_checkpoint c WHERE NOT EXISTS (SELECT FROM store.tenant_head h WHERE h.tenant_id = c.tenant_id);
    UPDATE ops.relay_checkpoint c SET position = h.position
      FROM store.tenant_head h WHERE h.tenant_id = c.tenant_id AND c.position > h.position;
    DELETE FROM store.command c WHERE c.position > coalesce(
        (SELECT h.position FROM store.tenant_head h WHERE h.tenant_id = c.tenant_id), 0);
    DELETE FROM store.snapshot s WHERE s.position > coalesce(
        (SELECT h.position FROM store.tenant_head h WHERE h.tenant_id = s.tenant_id), 0);
    DELETE FROM store.checkpoint c WHERE c.last_position > coalesce(
        (SELECT h.position FROM store.tenant_head h WHERE h.tenant_id = c.tenant_id), 0);
    ahead := ARRAY(
        SELECT DISTINCT c.tenant_id FROM read.checkpoint c LEFT JOIN store.tenant_head h USING (tenant_id)
         WHERE c.position > coalesce(h.position, 0));
    FOR name IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'read' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND ahead <> '{}'
         ORDER BY c.relname
    LOOP
        EXECUTE format('DELETE FROM read.%I WHERE tenant_id = ANY ($1)', name) USING ahead;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION ops.begin_incarnation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ops.begin_incarnation TO rapport_auditor;
