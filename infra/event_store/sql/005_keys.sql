-- Keys of the personal data in events (docs/encryption.md). Only wrapped ones are here: a data key by its tenant's key,
-- that one by the master key, which is not in the database. `append` adds keys, `destroy_keys` ends them.
CREATE TABLE store.tenant_key (
    tenant_id  uuid NOT NULL,
    id         bytea NOT NULL,
    master     text NOT NULL,
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- Two processes may each have made a key for the same subject, class and year: both are used, both are destroyed.
CREATE TABLE store.data_key (
    tenant_id    uuid NOT NULL,
    subject      uuid NOT NULL,
    id           bytea NOT NULL,
    year         smallint NOT NULL,
    data_class   text NOT NULL,
    tenant_key   bytea NOT NULL,
    wrapped      bytea,
    destroyed_at timestamptz,
    PRIMARY KEY (tenant_id, subject, id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

-- Whose keys were destroyed: no key is ever made for them again, of whatever class or year.
CREATE TABLE store.erased_subject (
    tenant_id uuid NOT NULL,
    subject   uuid NOT NULL,
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subject)
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant_key', 'data_key', 'erased_subject'] LOOP
        EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON store.%I USING (tenant_id = store.current_tenant())', name);
        EXECUTE format('GRANT SELECT ON store.%I TO rapport_service, rapport_projector', name);
    END LOOP;
END $$;

-- Destroys every key of a subject, for good; answers how many there still were. Harmless to repeat.
CREATE FUNCTION store.destroy_keys(tenant uuid, subject uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    destroyed integer;
BEGIN
    -- Appends add keys under the tenant's head: whatever was added before is seen below, and none is added after.
    PERFORM FROM store.tenant_head h WHERE h.tenant_id = tenant FOR UPDATE;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('there is no tenant %s', tenant);
    END IF;
    INSERT INTO store.erased_subject VALUES (tenant, subject, clock_timestamp()) ON CONFLICT DO NOTHING;
    UPDATE store.data_key k SET wrapped = NULL, destroyed_at = clock_timestamp()
     WHERE k.tenant_id = tenant AND k.subject = subject AND k.wrapped IS NOT NULL;
    GET DIAGNOSTICS destroyed = ROW_COUNT;
    DELETE FROM store.snapshot s WHERE s.tenant_id = tenant AND s.stream_id = subject;
    RETURN destroyed;
END $$;
REVOKE EXECUTE ON FUNCTION store.destroy_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.destroy_keys TO rapport_append;
