CREATE TABLE read.company_v1 (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    version      integer NOT NULL,
    position     bigint NOT NULL,
    name         text NOT NULL,
    domain       text,
    industry     text,
    size         jsonb,
    parent_id    uuid,
    custom       jsonb NOT NULL,
    external_ids jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    sort_name    text NOT NULL,
    keys         integer[] NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX ON read.company_v1 (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.company_v1 (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.company_v1 (tenant_id, sort_name, id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.company_v1 (tenant_id, parent_id) WHERE deleted_at IS NULL;
CREATE INDEX ON read.company_v1 (tenant_id, domain) WHERE deleted_at IS NULL;
-- Salted with the tenant: one tenant's lists are its own. No pending list: every search would read through it.
CREATE INDEX ON read.company_v1 USING gin (keys) WITH (fastupdate = off);

-- Companies that have one of the numbers of each word asked for (projections/companies/text.py), or, where `spare` says so,
-- of all words but one. `parts` tells the word of each number, from 1. Array operators are not leakproof, so under row
-- level security their index is out of reach: this runs as the owner, and takes the tenant from the transaction. The
-- planner takes comparing arrays for cheap and would read whole tables; so here it has no choice.
CREATE FUNCTION read.companies_like_v1(numbers integer[], parts integer[], words integer, spare boolean, most integer)
    RETURNS TABLE (id uuid, name text, domain text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
    SET enable_indexscan = off
AS $$
DECLARE
    has    text[];
    clause text;
BEGIN
    SELECT array_agg(format('c.keys && %L::integer[]', ARRAY(
               SELECT u.number FROM unnest(numbers, parts) AS u (number, part) WHERE u.part = n)) ORDER BY n)
      INTO has FROM generate_series(1, words) n;
    IF spare THEN
        clause := (
            SELECT string_agg(format('(%s)', array_to_string(has[:n - 1] || has[n + 1:], ' AND ')), ' OR ')
              FROM generate_series(1, cardinality(has)) n);
    ELSE
        clause := array_to_string(has, ' AND ');
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT c.id, c.name, c.domain FROM read.company_v1 c'
        ' WHERE c.tenant_id = %L AND c.deleted_at IS NULL AND (%s) LIMIT %s', store.current_tenant(), clause, most);
END $$;
REVOKE EXECUTE ON FUNCTION read.companies_like_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.companies_like_v1 TO rapport_service;
