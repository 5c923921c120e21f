-- Which tenants have streams of these ids, and of what kind: for violations of the walls between tenants, which are found
-- beside the requests (commands/violations.py). It takes ids, each with the tenant that named it, and gives owners, nothing
-- of what is in the streams; it is not for the query pool. What a tenant has itself is one look, and left out. The others
-- are looked for tenant by tenant, through the key that is there already: an index by stream alone would cost every
-- append, for a question that is seldom asked.
CREATE FUNCTION store.owners_of(namers uuid[], ids uuid[])
    RETURNS TABLE (stream_id uuid, tenant_id uuid, kind text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH strange AS MATERIALIZED (
        SELECT array_agg(DISTINCT a.id) AS ids
          FROM unnest(namers, ids) a (namer, id)
         WHERE NOT EXISTS (
               SELECT FROM store.event o WHERE o.tenant_id = a.namer AND o.stream_id = a.id AND o.version = 1)
    )
    SELECT e.stream_id, h.tenant_id, split_part(e.topic, '.', 1)
      FROM strange s
     CROSS JOIN store.tenant_head h
     CROSS JOIN LATERAL (
           SELECT v.stream_id, v.topic FROM store.event v
            WHERE v.tenant_id = h.tenant_id AND v.stream_id = ANY (s.ids) AND v.version = 1
            OFFSET 0) e     -- OFFSET: tenant by tenant, so that one partition is looked into and not all
     WHERE s.ids IS NOT NULL
$$;
REVOKE EXECUTE ON FUNCTION store.owners_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.owners_of TO rapport_append;
