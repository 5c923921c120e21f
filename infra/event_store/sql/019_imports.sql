-- Files that are imported, in portions, and what was wrong with their rows: sealed with a key of the import, and deleted
-- after a few days. What came of an import is in the log (domain/imports.py); nothing here decides about that.
CREATE TABLE store.import_part (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    kind      text NOT NULL,            -- rows, errors, undo
    n         integer NOT NULL,
    data      bytea STORAGE EXTERNAL NOT NULL,  -- ciphertext can't be compressed
    kept_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, import_id, kind, n)
);
CREATE INDEX ON store.import_part (kept_at);

-- By which e-mails and phones an import has met whom: its own contacts are found by these, for the read models may be
-- some way behind it. Digests, because that is enough.
CREATE TABLE store.import_seen (
    tenant_id  uuid NOT NULL,
    import_id  uuid NOT NULL,
    digest     bytea NOT NULL,
    portion    integer NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, import_id, digest, contact_id)
);

-- Imports that a worker is to go on with. A lease is a courtesy: two workers on one import would be told apart by its
-- stream's version. `served_at` is when the tenant had its last turn with this import.
CREATE TABLE store.import_job (
    tenant_id    uuid NOT NULL,
    import_id    uuid NOT NULL,
    queued_at    timestamptz NOT NULL,
    served_at    timestamptz,
    holder       uuid,
    leased_until timestamptz,
    PRIMARY KEY (tenant_id, import_id)
) WITH (fillfactor = 50);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['import_part', 'import_seen', 'import_job'] LOOP
        EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON store.%I USING (tenant_id = store.current_tenant())', name);
        EXECUTE format('GRANT SELECT ON store.%I TO rapport_service', name);
    END LOOP;
END $$;

-- The key of an import's parts, and of its events: it has to be there before the first part. In base64, like the keys of
-- an append; `tenant_row` is [id, master, wrapped] of the tenant's key where that is new.
CREATE FUNCTION store.keep_import_key(import uuid, id bytea, year smallint, tenant_key bytea, wrapped bytea,
                                      master text, tenant_wrapped bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.tenant_key
    SELECT store.current_tenant(), tenant_key, master, tenant_wrapped, clock_timestamp() WHERE tenant_wrapped IS NOT NULL
        ON CONFLICT DO NOTHING;
    INSERT INTO store.data_key VALUES (store.current_tenant(), import, id, year, 'import', tenant_key, wrapped);
$$;

CREATE FUNCTION store.keep_import_part(import uuid, kind text, n integer, data bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.import_part VALUES (store.current_tenant(), import, kind, n, data, clock_timestamp())
        ON CONFLICT (tenant_id, import_id, kind, n) DO UPDATE SET data = excluded.data, kept_at = excluded.kept_at
$$;

-- Whom a portion has met. What an earlier try of it had noted stays: contacts that never came to be are found by nobody.
CREATE FUNCTION store.keep_import_seen(import uuid, of_portion integer, digests bytea[], contacts uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.import_seen
    SELECT store.current_tenant(), import, u.digest, of_portion, u.contact FROM unnest(digests, contacts) u (digest, contact)
        ON CONFLICT DO NOTHING;
$$;

CREATE FUNCTION store.drop_import(import uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM store.import_part p WHERE p.tenant_id = store.current_tenant() AND p.import_id = import;
    DELETE FROM store.import_seen s WHERE s.tenant_id = store.current_tenant() AND s.import_id = import;
$$;

CREATE FUNCTION store.queue_import(import uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.import_job VALUES (store.current_tenant(), import, clock_timestamp())
        ON CONFLICT (tenant_id, import_id) DO UPDATE SET queued_at = excluded.queued_at
$$;

-- A turn with one import, of the tenant that has waited longest for one: a tenant has one turn at a time.
CREATE FUNCTION store.take_import(worker uuid, lease interval) RETURNS TABLE (tenant_id uuid, import_id uuid)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE store.import_job j
       SET holder = worker, leased_until = clock_timestamp() + lease, served_at = clock_timestamp()
     WHERE (j.tenant_id, j.import_id) = (
           SELECT c.tenant_id, c.import_id FROM store.import_job c
            WHERE NOT EXISTS (
                  SELECT FROM store.import_job o
                   WHERE o.tenant_id = c.tenant_id AND o.leased_until > clock_timestamp() AND o.holder <> worker)
            ORDER BY (SELECT max(o.served_at) FROM store.import_job o WHERE o.tenant_id = c.tenant_id) NULLS FIRST,
                     c.served_at NULLS FIRST, c.queued_at
              FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING j.tenant_id, j.import_id
$$;

-- Whether the worker may go on.
CREATE FUNCTION store.hold_import(worker uuid, tenant uuid, import uuid, lease interval) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH held AS (
        UPDATE store.import_job j SET leased_until = clock_timestamp() + lease
         WHERE j.tenant_id = tenant AND j.import_id = import AND j.holder = worker RETURNING 1
    )
    SELECT EXISTS (SELECT FROM held)
$$;

-- The end of a turn. One that is done with is forgotten, unless it was queued again a moment ago.
CREATE FUNCTION store.leave_import(worker uuid, tenant uuid, import uuid, done boolean, grace interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM store.import_job j
     WHERE done AND j.tenant_id = tenant AND j.import_id = import AND j.holder = worker
       AND j.queued_at < clock_timestamp() - grace;
    UPDATE store.import_job j SET holder = NULL, leased_until = NULL
     WHERE j.tenant_id = tenant AND j.import_id = import AND j.holder = worker;
$$;

-- Deletes what was kept for longer than `keep`, of all tenants; answers how many parts that were.
CREATE FUNCTION store.sweep_imports(keep interval, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    swept integer;
BEGIN
    WITH gone AS (
        DELETE FROM store.import_part p USING (
               SELECT o.tenant_id, o.import_id, o.kind, o.n FROM store.import_part o
                WHERE o.kept_at < clock_timestamp() - keep ORDER BY o.kept_at LIMIT most) x
         WHERE (p.tenant_id, p.import_id, p.kind, p.n) = (x.tenant_id, x.import_id, x.kind, x.n)
        RETURNING p.tenant_id, p.import_id
    ), forgotten AS (
        DELETE FROM store.import_seen s USING (SELECT DISTINCT g.tenant_id, g.import_id FROM gone g) d
         WHERE s.tenant_id = d.tenant_id AND s.import_id = d.import_id
    )
    SELECT count(*) INTO swept FROM gone;
    RETURN swept;
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['keep_import_key', 'keep_import_part', 'keep_import_seen', 'drop_import', 'queue_import'] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION store.%I FROM PUBLIC', name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION store.%I TO rapport_service', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['take_import', 'hold_import', 'leave_import', 'sweep_imports'] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION store.%I FROM PUBLIC', name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION store.%I TO rapport_append', name);
    END LOOP;
END $$;
