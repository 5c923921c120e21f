-- Whom an import has met is in the memory of its worker.
DROP FUNCTION store.keep_import_seen(uuid, integer, bytea[], uuid[]);

CREATE OR REPLACE FUNCTION store.drop_import(import uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM store.import_part p WHERE p.tenant_id = store.current_tenant() AND p.import_id = import;
$$;

CREATE OR REPLACE FUNCTION store.sweep_imports(keep interval, most integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (
        DELETE FROM store.import_part p USING (
               SELECT o.tenant_id, o.import_id, o.kind, o.n FROM store.import_part o
                WHERE o.kept_at < clock_timestamp() - keep ORDER BY o.kept_at LIMIT most) x
         WHERE (p.tenant_id, p.import_id, p.kind, p.n) = (x.tenant_id, x.import_id, x.kind, x.n)
        RETURNING p.tenant_id
    )
    SELECT count(*)::integer FROM gone
$$;

DROP TABLE store.import_seen;
