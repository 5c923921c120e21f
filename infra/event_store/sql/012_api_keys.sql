-- When API keys were used last: known here alone, for it is no fact worth an event. Everything else of a key is in the log
-- (domain/api_key.py), so that it is good, or revoked, as of the last commit like all of access.
CREATE TABLE store.api_key_use (
    tenant_id uuid NOT NULL,
    key_id    uuid NOT NULL,
    used_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
) WITH (fillfactor = 50);
ALTER TABLE store.api_key_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.api_key_use USING (tenant_id = store.current_tenant());
GRANT SELECT ON store.api_key_use TO rapport_service;

-- A key was used now. Where another process has said so less than `grain` ago, the row stays as it is.
CREATE FUNCTION store.used_api_key(key uuid, grain interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.api_key_use AS u VALUES (store.current_tenant(), key, clock_timestamp())
        ON CONFLICT (tenant_id, key_id) DO UPDATE SET used_at = excluded.used_at
     WHERE u.used_at < excluded.used_at - grain
$$;
REVOKE EXECUTE ON FUNCTION store.used_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.used_api_key TO rapport_service;
