-- The log: events under each tenant's own gapless numbering. Only `append` writes here.
CREATE SCHEMA store;

GRANT USAGE ON SCHEMA store TO rapport_service, rapport_append, rapport_relay, rapport_projector;
GRANT USAGE ON SCHEMA ops TO rapport_service, rapport_append, rapport_relay, rapport_projector;

-- The tenant that the transaction acts for; NULL (so: no row at all) when none is set.
CREATE FUNCTION store.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant', true), '')::uuid;

-- One narrow row a tenant. No index on position and a low fillfactor: every update is a HOT update.
CREATE TABLE store.tenant_head (
    tenant_id   uuid PRIMARY KEY,
    position    bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash        bytea NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- `hash` chains a tenant's events in order of position; docs/integrity.md has its bytes.
CREATE TABLE store.event (
    tenant_id   uuid NOT NULL,
    position    bigint NOT NULL,
    stream_id   uuid NOT NULL,
    version     integer NOT NULL,
    topic       text NOT NULL,
    data        bytea NOT NULL,
    metadata    bytea NOT NULL,
    command_id  uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash        bytea NOT NULL,
    PRIMARY KEY (tenant_id, position),
    UNIQUE (tenant_id, stream_id, version)
) PARTITION BY HASH (tenant_id);

DO $$
BEGIN
    FOR i IN 0..15 LOOP
        EXECUTE format('CREATE TABLE store.event_%s PARTITION OF store.event FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i);
    END LOOP;
END $$;

-- Values that must be unique. Kept as HMACs; `owner_tenant` differs from `tenant_id` only under the platform tenant.
CREATE TABLE store.claim (
    tenant_id    uuid NOT NULL,
    kind         text NOT NULL,
    value_hmac   bytea NOT NULL,
    stream_id    uuid NOT NULL,
    owner_tenant uuid NOT NULL,
    PRIMARY KEY (tenant_id, kind, value_hmac)
);

-- Idempotent commands: what a key was used for, and up to where its answer reaches.
CREATE TABLE store.command (
    tenant_id   uuid NOT NULL,
    key_digest  bytea NOT NULL,
    command_id  uuid NOT NULL,
    body_digest bytea NOT NULL,
    result_id   uuid NOT NULL,
    position    bigint NOT NULL,
    status      smallint NOT NULL,
    expires_at  timestamptz NOT NULL,
    results     bytea,              -- of several commands at once: what came of each, sealed
    PRIMARY KEY (tenant_id, key_digest)
);
-- For the sweep of what has expired, of all tenants. Not unique, so it need not start with the tenant.
CREATE INDEX ON store.command (expires_at);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant_head', 'event', 'claim', 'command'] LOOP
        EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON store.%I USING (tenant_id = store.current_tenant())', name);
        EXECUTE format('GRANT SELECT ON store.%I TO rapport_service, rapport_projector', name);
    END LOOP;
END $$;

-- One row: what this installation is. The incarnation names this history, so that nothing outside
-- Postgres mistakes a restored one for the one that it knew.
CREATE TABLE ops.installation (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    incarnation uuid NOT NULL DEFAULT gen_random_uuid(),
    former      uuid[] NOT NULL DEFAULT '{}',   -- incarnations whose streams and indexes are to go
    partitions  smallint NOT NULL DEFAULT 4 CHECK (partitions BETWEEN 1 AND 256)
);
INSERT INTO ops.installation DEFAULT VALUES;

-- A lease avoids that two processes do the same work; nothing relies on it for being right.
CREATE TABLE ops.lease (
    name       text PRIMARY KEY,
    holder     uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

-- How far the relay has published. Behind or lost, it only costs duplicates.
CREATE TABLE ops.relay_checkpoint (
    tenant_id uuid PRIMARY KEY,
    position  bigint NOT NULL
) WITH (fillfactor = 50);

-- Keys that sign access tokens, sealed by the installation's secret; the public part follows from the private one. They
-- take turns (infra/keys/turns.py).
CREATE TABLE ops.signing_key (
    kid         text PRIMARY KEY,
    private_key bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    signs_from  timestamptz NOT NULL DEFAULT now(),
    retires_at  timestamptz
);

GRANT SELECT ON ops.installation TO rapport_service, rapport_append, rapport_relay, rapport_projector;
GRANT SELECT, INSERT, UPDATE ON ops.lease, ops.relay_checkpoint TO rapport_relay;
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.lease TO rapport_projector;
GRANT SELECT, INSERT ON ops.signing_key TO rapport_service;
