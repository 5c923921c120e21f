-- What the relay may read: events of all tenants (they are opaque to it), from a position each.
CREATE FUNCTION store.relay_read(tenants uuid[], after bigint[], most integer)
    RETURNS SETOF store.event
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.*
      FROM unnest(tenants, after) AS t (tenant_id, after)
     CROSS JOIN LATERAL (
           SELECT * FROM store.event v
            WHERE v.tenant_id = t.tenant_id AND v.position > t.after
            ORDER BY v.position LIMIT most
     ) e
$$;
REVOKE EXECUTE ON FUNCTION store.relay_read FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.relay_read TO rapport_relay;

-- Heads that are ahead of what the relay has published.
CREATE FUNCTION store.relay_behind(most integer)
    RETURNS TABLE (tenant_id uuid, published bigint, head bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.tenant_id, coalesce(c.position, 0), h.position
      FROM store.tenant_head h LEFT JOIN ops.relay_checkpoint c USING (tenant_id)
     WHERE h.position > coalesce(c.position, 0)
     LIMIT most
$$;
REVOKE EXECUTE ON FUNCTION store.relay_behind FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.relay_behind TO rapport_relay;

-- Which tenant a user's e-mail belongs to: for login, which knows no tenant yet.
CREATE FUNCTION store.owner_of_claim(claim_tenant uuid, claim_kind text, claim_value bytea)
    RETURNS TABLE (owner_tenant uuid, stream_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.owner_tenant, c.stream_id FROM store.claim c
     WHERE c.tenant_id = claim_tenant AND c.kind = claim_kind AND c.value_hmac = claim_value
       AND claim_tenant = '00000000-0000-7000-8000-000000000000' AND claim_kind = 'user.email'
$$;
REVOKE EXECUTE ON FUNCTION store.owner_of_claim FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.owner_of_claim TO rapport_service;

-- Idempotency keys that nobody can use any more.
CREATE FUNCTION store.purge_expired_commands(most integer)
    RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH old AS (
        SELECT tenant_id, key_digest FROM store.command WHERE expires_at <= now() ORDER BY expires_at LIMIT most
           FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM store.command c USING old
         WHERE c.tenant_id = old.tenant_id AND c.key_digest = old.key_digest RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION store.purge_expired_commands FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.purge_expired_commands TO rapport_relay;

-- What the tenant's log had reached at a moment: the position of the last event recorded by then, 0 for none. Times of
-- recording never go back along positions, so halving finds it by the primary key alone (24 looks among ten million
-- events); an index on the time would cost every append. Runs as its caller: row level security stays as it is.
CREATE FUNCTION store.position_at(moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    head   record;
    low    bigint := 0;     -- recorded by then, or the beginning
    high   bigint;          -- recorded later
    middle bigint;
BEGIN
    SELECT h.position, h.recorded_at INTO head FROM store.tenant_head h WHERE h.tenant_id = tenant;
    IF NOT FOUND OR head.recorded_at <= moment THEN
        RETURN coalesce(head.position, 0);
    END IF;
    high := head.position;
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        IF (SELECT e.recorded_at <= moment FROM store.event e WHERE e.tenant_id = tenant AND e.position = middle) THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END $$;
