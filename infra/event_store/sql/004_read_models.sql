-- Where read models live; their tables belong to the projections, which create them under this role's schema.
CREATE SCHEMA read;
GRANT USAGE ON SCHEMA read TO rapport_service, rapport_projector;

-- How far each projection has applied each tenant's log. Moved by compare-and-set in the projection's own transaction.
CREATE TABLE read.checkpoint (
    tenant_id  uuid NOT NULL,
    projection text NOT NULL,
    position   bigint NOT NULL,
    parked     integer NOT NULL DEFAULT 0,  -- streams of the tenant that wait in read.parked
    PRIMARY KEY (tenant_id, projection)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE read.checkpoint ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON read.checkpoint USING (tenant_id = store.current_tenant());
GRANT SELECT ON read.checkpoint TO rapport_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON read.checkpoint TO rapport_projector;

-- Compare-and-set for projections at the same position with nothing parked. It raises, so that a projector need not wait
-- for its answer before it sends what it wants to write.
CREATE FUNCTION read.advance(projections text[], followed text[], before bigint, after bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved bigint;
BEGIN
    UPDATE read.checkpoint SET position = after
     WHERE tenant_id = store.current_tenant() AND projection = ANY (projections) AND position = before AND parked = 0;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(projections) THEN
        RAISE EXCEPTION 'the checkpoints are not at %', before USING ERRCODE = 'RP001';
    END IF;
    -- A projector that saw them there may have seen a commit that a crash has taken back since.
    IF EXISTS (SELECT FROM unnest(followed) AS f (name)
                WHERE NOT EXISTS (SELECT FROM read.checkpoint c WHERE c.tenant_id = store.current_tenant()
                                     AND c.projection = f.name AND c.position >= after)) THEN
        RAISE EXCEPTION 'those that are followed are not at %', after USING ERRCODE = 'RP001';
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION read.advance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.advance TO rapport_projector;

-- Events that a projection could not apply. Their streams wait from there on, for this projection only, until they are
-- retried; an event that a person has skipped stays noted, for rebuilds. No content of events, which may be personal.
CREATE TABLE read.parked (
    tenant_id    uuid NOT NULL,
    projection   text NOT NULL,
    stream_id    uuid NOT NULL,
    position     bigint NOT NULL,
    reason       text NOT NULL,
    since        timestamptz NOT NULL DEFAULT now(),
    attempts     integer NOT NULL DEFAULT 1,
    skipped_at   timestamptz,
    skipped_by   text,
    skipped_why  text,
    PRIMARY KEY (tenant_id, projection, stream_id, position)
);
ALTER TABLE read.parked ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON read.parked USING (tenant_id = store.current_tenant());
GRANT SELECT ON read.parked TO rapport_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON read.parked TO rapport_projector;

-- Which version of each projection is read, and how often its tables were replaced by ones built anew.
CREATE TABLE ops.active_projection (
    name       text PRIMARY KEY,
    version    integer NOT NULL,
    generation integer NOT NULL DEFAULT 1
);
GRANT SELECT ON ops.active_projection TO rapport_service, rapport_projector;

-- Tenants whose log is ahead of a projection. A lost tail shows no gap in what is delivered, so this is asked every second.
CREATE FUNCTION read.behind(projections text[], most integer)
    RETURNS TABLE (tenant_id uuid, head bigint, "position" bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.tenant_id, h.position, l.position
      FROM store.tenant_head h
     CROSS JOIN LATERAL (
           SELECT min(coalesce(c.position, 0)) AS position FROM unnest(projections) p
             LEFT JOIN read.checkpoint c ON c.tenant_id = h.tenant_id AND c.projection = p) l
     WHERE l.position < h.position
     LIMIT most
$$;
REVOKE EXECUTE ON FUNCTION read.behind FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.behind TO rapport_projector;

-- Every tenant there is, for work that goes through them one by one (rebuilds, sweeps).
CREATE FUNCTION store.tenants()
    RETURNS TABLE (tenant_id uuid, head bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.tenant_id, h.position FROM store.tenant_head h ORDER BY h.tenant_id
$$;
REVOKE EXECUTE ON FUNCTION store.tenants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.tenants TO rapport_projector;
