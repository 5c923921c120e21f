-- Events of one stream of the transaction's tenant. A query of `store.event` is prepared for all of its partitions, which takes
-- several times as long as to read a record's few events from one of them: whatever loads a state asks here.

-- The partition of `store.event` that has a tenant: how Postgres hashes one uuid for 16 of them. Checked below.
CREATE FUNCTION store.partition_of(tenant uuid) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((uuid_hash_extended(tenant, 8816678312871386365) & 15)::integer + 3) & 15;

DO $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT gen_random_uuid() AS tenant FROM generate_series(1, 500)) t
         WHERE NOT satisfies_hash_partition('store.event'::regclass, 16, store.partition_of(t.tenant), t.tenant))
    THEN
        RAISE EXCEPTION 'this Postgres hashes tenants otherwise: store.partition_of is wrong';
    END IF;
END $$;

-- Events after a version, up to a position. The partitions are nobody's but the owner's, so the function runs as the
-- owner, and takes the tenant from nowhere but the transaction.
DO $make$
DECLARE
    branches text;
BEGIN
    SELECT string_agg(format($branch$
        WHEN %s THEN
            RETURN QUERY SELECT * FROM store.event_%1$s e
             WHERE e.tenant_id = tenant AND e.stream_id = stream AND e.version > after AND e.position <= until
             ORDER BY e.version;$branch$, i), '' ORDER BY i)
      INTO branches FROM generate_series(0, 15) i;
    EXECUTE format($function$
CREATE FUNCTION store.stream_events(stream uuid, after integer, until bigint)
    RETURNS SETOF store.event
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 10
AS $body$
DECLARE
    tenant constant uuid := store.current_tenant();
BEGIN
    CASE store.partition_of(tenant) %s
        ELSE NULL;  -- no tenant, no events
    END CASE;
END
$body$
    $function$, branches);
END $make$;

REVOKE EXECUTE ON FUNCTION store.stream_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.stream_events TO rapport_service;
