-- What contacts are compared by: a digest of the values, and the keys under which others are found, as numbers. Neither
-- tells a value to somebody who does not know it already.
CREATE TABLE read.match_contact_v1 (
    tenant_id  uuid NOT NULL,
    contact_id uuid NOT NULL,
    digest     bigint NOT NULL,
    keys       bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, contact_id)
) WITH (fillfactor = 90);

CREATE TABLE read.match_key_v1 (
    tenant_id  uuid NOT NULL,
    key        bigint NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, key, contact_id)
);

-- Pairs that are at least somewhat probable, in millionths; `parts` says what each field adds to that. one_id < other_id.
CREATE TABLE read.duplicate_v1 (
    tenant_id uuid NOT NULL,
    id        uuid NOT NULL,
    one_id    uuid NOT NULL,
    other_id  uuid NOT NULL,
    score     integer NOT NULL,
    parts     jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON read.duplicate_v1 (tenant_id, score DESC, id);
CREATE INDEX ON read.duplicate_v1 (tenant_id, one_id);
CREATE INDEX ON read.duplicate_v1 (tenant_id, other_id);

-- What the pairs of a tenant were scored with. Not derived from the log alone, so no rebuild makes it anew: rebuilds and
-- comparisons read it, and `contacts` and `rules` tell when it is time for another one.
CREATE TABLE read.match_model_v1 (
    tenant_id uuid NOT NULL PRIMARY KEY,
    version   integer NOT NULL,
    rules     integer NOT NULL,
    keys      text[] NOT NULL,
    least     integer NOT NULL,
    contacts  bigint NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT now(),
    model     jsonb
);
ALTER TABLE read.match_model_v1 ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON read.match_model_v1 USING (tenant_id = store.current_tenant());
GRANT SELECT ON read.match_model_v1 TO rapport_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON read.match_model_v1 TO rapport_projector;

-- Contacts that came since the model was made, so that growth shows without counting: since when, until when. Pairs of
-- those that are `owed` are found with the next model.
CREATE TABLE read.match_growth_v1 (
    tenant_id uuid NOT NULL PRIMARY KEY,
    contacts  bigint NOT NULL,
    owed      bigint NOT NULL DEFAULT 0,
    since     timestamptz NOT NULL DEFAULT now(),
    grown_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
ALTER TABLE read.match_growth_v1 ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON read.match_growth_v1 USING (tenant_id = store.current_tenant());
GRANT SELECT ON read.match_growth_v1 TO rapport_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON read.match_growth_v1 TO rapport_projector;

-- Tenants whose rules are others than those that the model was made with, or that have grown to twice the contacts, or owe pairs. Who
-- is still growing waits a little: a model in the middle of a burst would be made for nothing, and slow the burst down.
CREATE FUNCTION read.matching_due_v1()
    RETURNS TABLE (tenant_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(g.tenant_id, r.tenant_id)
      FROM read.match_growth_v1 g
      FULL JOIN read.matching_rules_v1 r ON r.tenant_id = g.tenant_id
      LEFT JOIN read.match_model_v1 m ON m.tenant_id = coalesce(g.tenant_id, r.tenant_id)
     WHERE coalesce(r.version, 0) <> coalesce(m.rules, 0)
        OR coalesce(g.contacts, 0) >= coalesce(m.contacts, 0) + 50 AND g.since < now() - interval '30 s'
        OR (coalesce(g.contacts, 0) >= coalesce(m.contacts, 0) + 50 OR g.owed > 0)
       AND g.grown_at < now() - interval '2 s';
$$;
REVOKE EXECUTE ON FUNCTION read.matching_due_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.matching_due_v1 TO rapport_projector;

-- Tenants whose sure pairs are merged by themselves, by the rules that they were scored by.
CREATE FUNCTION read.auto_merging_v1()
    RETURNS TABLE (tenant_id uuid, merge_at double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.tenant_id, r.merge_at
      FROM read.matching_rules_v1 r
      JOIN read.match_model_v1 m ON m.tenant_id = r.tenant_id AND m.rules = r.version
     WHERE r.auto_merge;
$$;
REVOKE EXECUTE ON FUNCTION read.auto_merging_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.auto_merging_v1 TO rapport_projector;
