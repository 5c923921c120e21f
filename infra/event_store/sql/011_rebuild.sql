-- Building read models anew beside those that are read. `aside` has the tables that are being built, under the names that
-- they will have; `gone` the ones that were replaced, until nobody can be reading them any more.
CREATE SCHEMA aside;
CREATE SCHEMA gone;
GRANT USAGE ON SCHEMA aside TO rapport_projector;

-- One row for each projection that is being built anew, or was not long ago.
CREATE TABLE ops.rebuild (
    projection text PRIMARY KEY,
    tables     text[] NOT NULL,
    indexed    boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    swapped_at timestamptz
);
GRANT SELECT ON ops.rebuild TO rapport_projector;

-- How far a tenant's rows aside are while they are not complete: all streams up to `after`, with their events until a
-- position. Once they are complete, read.checkpoint has a row with '/next' after the projection's name.
CREATE TABLE read.filling (
    tenant_id  uuid NOT NULL,
    projection text NOT NULL,
    until      bigint NOT NULL,
    after      uuid NOT NULL,
    PRIMARY KEY (tenant_id, projection)
);
ALTER TABLE read.filling ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON read.filling USING (tenant_id = store.current_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON read.filling TO rapport_projector;

-- Makes the tables aside, or says that they are there already (true): from a rebuild that was interrupted.
-- Without indexes, which are quicker to make at the end, and without row level security, under which nothing can be
-- copied in: until then a constraint sees to it that each row is of the transaction's tenant, and nobody may read them.
CREATE FUNCTION read.rebuild_begin(name text, names text[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    each text;
    options text;
    coarse name;
BEGIN
    IF EXISTS (SELECT FROM ops.rebuild r WHERE r.projection = name AND r.swapped_at IS NULL) THEN
        RETURN true;
    END IF;
    PERFORM read.rebuild_forget(name);
    FOREACH each IN ARRAY names LOOP
        IF each IN ('checkpoint', 'parked', 'filling') THEN
            RAISE EXCEPTION '% is not made from the log', each;
        END IF;
        EXECUTE format('CREATE TABLE aside.%1$I (LIKE read.%1$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', each);
        SELECT array_to_string(c.reloptions, ', ') INTO options FROM pg_class c WHERE c.oid = format('read.%I', each)::regclass;
        IF options IS NOT NULL THEN
            EXECUTE format('ALTER TABLE aside.%I SET (%s)', each, options);
        END IF;
        -- Columns of which no statistics are kept; LIKE does not take that over.
        FOR coarse IN
            SELECT a.attname FROM pg_attribute a WHERE a.attrelid = format('read.%I', each)::regclass AND a.attstattarget = 0
        LOOP
            EXECUTE format('ALTER TABLE aside.%I ALTER %I SET STATISTICS 0', each, coarse);
        END LOOP;
        EXECUTE format('ALTER TABLE aside.%I ADD CONSTRAINT filling CHECK (tenant_id = store.current_tenant())', each);
        EXECUTE format('GRANT INSERT ON aside.%I TO rapport_projector', each);
    END LOOP;
    INSERT INTO ops.rebuild (projection, tables) VALUES (name, names);
    RETURN false;
END $$;

-- Drops what is left of a rebuild, and begins none.
CREATE FUNCTION read.rebuild_forget(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    each text;
BEGIN
    FOR each IN SELECT unnest(r.tables) FROM ops.rebuild r WHERE r.projection = name LOOP
        EXECUTE format('DROP TABLE IF EXISTS aside.%1$I, gone.%1$I', each);
    END LOOP;
    DELETE FROM ops.rebuild r WHERE r.projection = name;
    DELETE FROM read.checkpoint c WHERE c.projection = name || '/next';
    DELETE FROM read.parked p WHERE p.projection = name || '/next';
    DELETE FROM read.filling f WHERE f.projection = name || '/next';
END $$;

-- Indexes that the tables aside lack, by table.
CREATE FUNCTION read.rebuild_indexes(name text) RETURNS TABLE (table_name text, index_name text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.name, i.relname
      FROM ops.rebuild r
     CROSS JOIN unnest(r.tables) AS t (name)
      JOIN pg_index x ON x.indrelid = format('read.%I', t.name)::regclass
      JOIN pg_class i ON i.oid = x.indexrelid
     WHERE r.projection = rebuild_indexes.name AND to_regclass(format('aside.%I', i.relname)) IS NULL
$$;

-- Makes one of them. It comes into the schema of its table, under the same name.
CREATE FUNCTION read.rebuild_index(table_name text, index_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET maintenance_work_mem = '256MB'
AS $$
BEGIN
    EXECUTE replace(pg_get_indexdef(format('read.%I', index_name)::regclass),
                    format(' ON read.%I ', table_name), format(' ON aside.%I ', table_name));
END $$;

-- Gives the tables aside what the read ones have beside indexes: constraints, the fence between tenants, rights.
CREATE FUNCTION read.rebuild_fence(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    each text;
    key record;
BEGIN
    IF (SELECT r.indexed FROM ops.rebuild r WHERE r.projection = name) THEN
        RETURN;
    END IF;
    FOR each IN SELECT unnest(r.tables) FROM ops.rebuild r WHERE r.projection = name LOOP
        FOR key IN
            SELECT c.conname, i.relname, CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END AS kind
              FROM pg_constraint c JOIN pg_class i ON i.oid = c.conindid
             WHERE c.conrelid = format('read.%I', each)::regclass AND c.contype IN ('p', 'u')
        LOOP
            EXECUTE format('ALTER TABLE aside.%I ADD CONSTRAINT %I %s USING INDEX %I', each, key.conname, key.kind,
                           key.relname);
        END LOOP;
        EXECUTE format('ALTER TABLE aside.%I DROP CONSTRAINT filling', each);
        EXECUTE format('ALTER TABLE aside.%I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY tenant ON aside.%I USING (tenant_id = store.current_tenant())', each);
        EXECUTE format('GRANT SELECT ON aside.%I TO rapport_service', each);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON aside.%I TO rapport_projector', each);
    END LOOP;
    UPDATE ops.rebuild r SET indexed = true WHERE r.projection = name;
END $$;

-- Statistics of the tables aside, once their rows are there. Nobody waits for it: it can be read and written meanwhile.
CREATE FUNCTION read.rebuild_analyze(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    each text;
BEGIN
    FOR each IN SELECT unnest(r.tables) FROM ops.rebuild r WHERE r.projection = name LOOP
        EXECUTE format('ANALYZE aside.%I', each);
    END LOOP;
END $$;

-- Tenants whose rows aside lack what the read ones have.
CREATE FUNCTION read.rebuild_gaps(name text)
    RETURNS TABLE (tenant_id uuid, next bigint, live bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.tenant_id, coalesce(n.position, 0), l.position
      FROM read.checkpoint l
      LEFT JOIN read.checkpoint n ON n.tenant_id = l.tenant_id AND n.projection = name || '/next'
     WHERE l.projection = name AND l.position > coalesce(n.position, 0)
     ORDER BY l.tenant_id
$$;

-- Puts the tables aside in the place of the read ones. The caller holds a lock on read.checkpoint under which no
-- projector can move on. Statements that come later find the new tables by their names; those that are under way have
-- been waited for.
CREATE FUNCTION read.rebuild_swap(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    each text;
    names text[];
BEGIN
    SELECT r.tables INTO names FROM ops.rebuild r WHERE r.projection = name AND r.indexed AND r.swapped_at IS NULL;
    IF names IS NULL OR EXISTS (SELECT FROM read.rebuild_gaps(name)) THEN
        RAISE EXCEPTION '% has not been built as far as what is read', name USING ERRCODE = 'RP002';
    END IF;
    FOREACH each IN ARRAY names LOOP
        EXECUTE format('ALTER TABLE read.%I SET SCHEMA gone', each);
        EXECUTE format('ALTER TABLE aside.%I SET SCHEMA read', each);
    END LOOP;
    INSERT INTO read.checkpoint AS c
    SELECT n.tenant_id, name, n.position, n.parked FROM read.checkpoint n WHERE n.projection = name || '/next'
    ON CONFLICT (tenant_id, projection) DO UPDATE SET position = excluded.position, parked = excluded.parked;
    DELETE FROM read.checkpoint c WHERE c.projection = name || '/next';
    DELETE FROM read.parked p WHERE p.projection = name;
    UPDATE read.parked p SET projection = name WHERE p.projection = name || '/next';
    UPDATE ops.rebuild r SET swapped_at = now() WHERE r.projection = name;
    UPDATE ops.active_projection a SET generation = a.generation + 1 WHERE a.name || '_v' || a.version = rebuild_swap.name;
END $$;

-- Drops tables that were replaced so long ago that no statement can be reading them.
CREATE FUNCTION read.rebuild_sweep(older_than interval) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    each text;
    swept integer := 0;
BEGIN
    FOR each IN SELECT r.projection FROM ops.rebuild r WHERE r.swapped_at < now() - older_than FOR UPDATE SKIP LOCKED LOOP
        PERFORM read.rebuild_forget(each);
        swept := swept + 1;
    END LOOP;
    RETURN swept;
END $$;

-- Streams that wait, of all tenants, the longest first.
CREATE FUNCTION read.parked_streams(names text[], most integer)
    RETURNS TABLE (
        tenant_id uuid, projection text, stream_id uuid, "position" bigint, reason text, since timestamptz, attempts integer
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.tenant_id, p.projection, p.stream_id, p.position, p.reason, p.since, p.attempts
      FROM read.parked p WHERE p.projection = ANY (names) AND p.skipped_at IS NULL
     ORDER BY p.since, p.tenant_id, p.projection, p.stream_id LIMIT most
$$;

-- By how many events each projection is behind the log: the tenants that are furthest behind, and, where tenant_id is
-- NULL, the sum over all and how many tenants those are.
CREATE FUNCTION read.lag(names text[], most integer)
    RETURNS TABLE (projection text, tenant_id uuid, events bigint, tenants bigint, parked bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH state AS (
        SELECT n.name, h.tenant_id, h.position - coalesce(c.position, 0) AS events, coalesce(c.parked, 0) AS parked
          FROM unnest(names) AS n (name)
         CROSS JOIN store.tenant_head h
          LEFT JOIN read.checkpoint c ON c.tenant_id = h.tenant_id AND c.projection = n.name
    ), furthest AS (
        SELECT s.name, s.tenant_id, s.events, s.parked FROM state s WHERE s.events > 0 OR s.parked > 0
         ORDER BY s.events DESC, s.parked DESC LIMIT most
    )
    SELECT n.name, NULL, coalesce(sum(s.events), 0)::bigint, count(*) FILTER (WHERE s.events > 0),
           coalesce(sum(s.parked), 0)::bigint
      FROM unnest(names) AS n (name) LEFT JOIN state s ON s.name = n.name GROUP BY n.name
     UNION ALL
    SELECT f.name, f.tenant_id, f.events, 1, f.parked FROM furthest f
$$;

-- By how many events the relay is behind the log, over all tenants.
CREATE FUNCTION store.relay_backlog() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(sum(h.position - coalesce(c.position, 0)), 0)::bigint
      FROM store.tenant_head h LEFT JOIN ops.relay_checkpoint c USING (tenant_id)
     WHERE h.position > coalesce(c.position, 0)
$$;

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['rebuild_begin(text, text[])', 'rebuild_forget(text)', 'rebuild_indexes(text)', 'rebuild_index(text, text)', 'rebuild_fence(text)', 'rebuild_gaps(text)', 'rebuild_analyze(text)',
                                'rebuild_swap(text)', 'rebuild_sweep(interval)', 'parked_streams(text[], integer)'] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION read.%s FROM PUBLIC', each);
        EXECUTE format('GRANT EXECUTE ON FUNCTION read.%s TO rapport_projector', each);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION read.lag, store.relay_backlog FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.lag TO rapport_projector, rapport_monitor;
GRANT EXECUTE ON FUNCTION store.relay_backlog TO rapport_monitor;
GRANT USAGE ON SCHEMA read, store TO rapport_monitor;
