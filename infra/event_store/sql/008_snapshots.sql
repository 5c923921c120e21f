-- Folded states of long streams, so that a process which has just started need not fold them from their first event.
-- Sealed as a whole with a key of the subject, so destroying the person's keys ends them too. Nothing relies on a row:
-- one that is missing, of another fold or not to be opened only costs time.
CREATE TABLE store.snapshot (
    tenant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    fold      text NOT NULL,
    version   integer NOT NULL,
    position  bigint NOT NULL,
    key_id    bytea NOT NULL,
    sealed    bytea NOT NULL,
    PRIMARY KEY (tenant_id, stream_id)
) WITH (fillfactor = 70);
ALTER TABLE store.snapshot ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.snapshot USING (tenant_id = store.current_tenant());
GRANT SELECT ON store.snapshot TO rapport_service;

-- Keeps snapshots, unless there is a later one of the same fold, or the person has been erased meanwhile.
CREATE FUNCTION store.keep_snapshots(
    tenants uuid[], streams uuid[], folds text[], versions integer[], positions bigint[], keys bytea[], seals bytea[]
) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.snapshot AS s
    SELECT n.* FROM unnest(tenants, streams, folds, versions, positions, keys, seals)
        AS n (tenant_id, stream_id, fold, version, position, key_id, sealed)
     WHERE NOT EXISTS (SELECT FROM store.erased_subject e WHERE e.tenant_id = n.tenant_id AND e.subject = n.stream_id)
     ORDER BY n.tenant_id, n.stream_id
    ON CONFLICT (tenant_id, stream_id) DO UPDATE
       SET fold = excluded.fold, version = excluded.version, position = excluded.position, key_id = excluded.key_id,
           sealed = excluded.sealed
     WHERE s.fold <> excluded.fold OR s.version < excluded.version
$$;
REVOKE EXECUTE ON FUNCTION store.keep_snapshots FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.keep_snapshots TO rapport_append;
