CREATE TABLE read.contact_words_v1 (
    tenant_id  uuid NOT NULL,
    contact_id uuid NOT NULL,
    position   bigint NOT NULL,
    owner_id   uuid,
    words      bigint[] NOT NULL,
    fields     smallint[] NOT NULL,
    kept       jsonb NOT NULL,
    PRIMARY KEY (tenant_id, contact_id)
) WITH (fillfactor = 90);
-- A short pending list, for every search reads through it: some 100 contacts, which costs 20 us. Words that many of them
-- share are written once then, and a contact a third of what it would cost without.
CREATE INDEX ON read.contact_words_v1 USING gin (words) WITH (gin_pending_list_limit = 64);

-- COLLATE "C": beginnings are looked for as ranges of bytes, whatever the database sorts by.
CREATE TABLE read.contact_vocabulary_v1 (
    tenant_id uuid NOT NULL,
    id        bigint NOT NULL,
    word      text COLLATE "C" NOT NULL,
    near      integer[] NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON read.contact_vocabulary_v1 (tenant_id, word);
CREATE INDEX ON read.contact_vocabulary_v1 USING gin (near) WITH (fastupdate = off);

-- Apart from the words, because it changes with every contact: narrow rows and room in the pages for updates.
CREATE TABLE read.contact_word_uses_v1 (
    tenant_id uuid NOT NULL,
    id        bigint NOT NULL,
    uses      integer NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Array operators are not leakproof: under row level security their indexes are out of reach. So both functions run as
-- the owner, and take the tenant from the transaction, never from an argument.

-- Words of the tenant that begin with one of `asked` (the most used ones), share a key of `near`, or are among `exact`.
CREATE FUNCTION read.contact_words_like_v1(asked text[], near_keys integer[], most integer, exact text[] DEFAULT '{}')
    RETURNS TABLE (word text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Many keys look to the planner like many rows; the index of keys is the way all the same.
    SET enable_seqscan = off
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
BEGIN
    RETURN QUERY
    SELECT b.word
      FROM unnest(asked) AS a (text)
     CROSS JOIN LATERAL (
           SELECT r.word FROM (
                  SELECT v.id, v.word FROM read.contact_vocabulary_v1 v
                   WHERE v.tenant_id = tenant
                     AND v.word >= a.text COLLATE "C" AND v.word < a.text || U&'\+10FFFF' COLLATE "C"
                   ORDER BY v.word LIMIT 2000  -- one letter begins more words than can be weighed
           ) r
             JOIN read.contact_word_uses_v1 u ON u.tenant_id = tenant AND u.id = r.id
            ORDER BY r.word = a.text DESC, u.uses DESC LIMIT most
     ) b
     UNION
    SELECT k.word FROM (
           SELECT v.tenant_id, v.word FROM read.contact_vocabulary_v1 v WHERE v.near && near_keys OFFSET 0
    ) k WHERE k.tenant_id = tenant  -- the keys are a tenant's own already
     UNION
    SELECT v.word FROM read.contact_vocabulary_v1 v WHERE v.tenant_id = tenant AND v.word = ANY (exact);
END $$;
REVOKE EXECUTE ON FUNCTION read.contact_words_like_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.contact_words_like_v1 TO rapport_service;

-- Contacts for which a condition on their words holds. The planner takes comparing arrays for cheap and reads whole
-- tables rather than the index; so here it has no choice.
-- `wanted` is about the rows c of read.contact_v1 as well.
CREATE FUNCTION read.contacts_having_v1(clause text, most integer, wanted text DEFAULT NULL)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_indexscan = off
AS $$
DECLARE
    having_ uuid[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(f.contact_id) FROM (SELECT w.contact_id FROM read.contact_words_v1 w'
        ' %s WHERE w.tenant_id = %L AND (%s) LIMIT %s) f',
        CASE WHEN wanted IS NOT NULL THEN format(
             -- One by one: joined whole, it would be every contact of the tenant.
             'CROSS JOIN LATERAL (SELECT FROM read.contact_v1 c WHERE c.tenant_id = w.tenant_id AND c.id = w.contact_id'
             ' AND c.deleted_at IS NULL AND %s OFFSET 0) c', wanted) END,
        store.current_tenant(), clause, most) INTO having_;
    RETURN coalesce(having_, '{}');
END $$;
REVOKE EXECUTE ON FUNCTION read.contacts_having_v1 FROM PUBLIC;

-- Contacts that have the words asked for. `variants` are the words that do for word number `part` (from 1), each with
-- a weight and a tier: 1 as asked or longer, 2 with a typo, 3 further off; where `also` has a word (not 0), with that one
-- only. Contacts are gathered tier by tier until there are enough; where there are none at all and `spare` says so, those
-- that lack one of the `asked` words. A tier comes whole before the next.
-- Of `owners` only, where there are some; by words in `seen` fields only (a bit each), where that is given; and those only
-- for which `wanted` holds. `matched` has a bit for each field in which one of the variants is.
CREATE FUNCTION read.search_contacts_v1(
    variants bigint[], parts smallint[], weights real[], tiers smallint[], spare boolean, skip integer, most integer,
    deepest integer, asked integer, owners uuid[] DEFAULT NULL, seen smallint DEFAULT NULL,
    wanted jsonb DEFAULT NULL, also bigint[] DEFAULT NULL
)
    RETURNS TABLE (contact_id uuid, score real, matched smallint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planning takes longer than a search of few contacts: it is done once, for any number of variants. So these are
    -- hashed; contacts are looked up one by one all the same, for where it says OFFSET 0 there is no other way.
    SET plan_cache_mode = force_generic_plan SET enable_nestloop = off
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    found_ uuid[] := '{}';
    ranks  integer[] := '{}';
    batch  uuid[];
    has    text[];
    clause text;
BEGIN
    FOR tier_ IN 1..4 LOOP
        has := ARRAY(
            SELECT format(
                CASE WHEN seen IS NULL THEN '(w.words && %1$L::bigint[]%3$s)'
                     -- The index leads to the words, wherever they are; the row tells where.
                     ELSE '((w.words && %1$L::bigint[] AND EXISTS (SELECT FROM unnest(w.words, w.fields) AS x (id, field)'
                          ' WHERE x.field & %2$s <> 0 AND x.id = ANY (%1$L::bigint[])))%3$s)' END,
                coalesce(array_agg(v.id) FILTER (WHERE coalesce(v.also, 0) = 0), '{}'),
                seen,
                string_agg(format(' OR w.words @> %L::bigint[]', ARRAY[v.id, v.also]), '')
                    FILTER (WHERE v.also <> 0 AND v.id < v.also))
              FROM generate_series(1, asked) AS p (part)
              LEFT JOIN unnest(variants, parts, tiers, also) AS v (id, part, tier, also)
                ON v.part = p.part AND v.tier <= tier_
             GROUP BY p.part ORDER BY p.part);
        IF tier_ < 4 THEN
            clause := array_to_string(has, ' AND ');
        ELSE
            EXIT WHEN NOT spare OR found_ <> '{}';
            clause := (
                SELECT string_agg(format('(%s)', array_to_string(has[:n - 1] || has[n + 1:], ' AND ')), ' OR ')
                  FROM generate_series(1, asked) n);
        END IF;
        IF owners IS NOT NULL THEN
            clause := format('(%s) AND w.owner_id = ANY (%L::uuid[])', clause, owners);
        END IF;
        batch := read.contacts_having_v1(clause, deepest, read.contact_condition_v1(wanted));
        found_ := found_ || batch;
        ranks := ranks || array_fill(tier_, ARRAY[cardinality(batch)]);
        -- Enough for the page: whatever another tier would add comes after it.
        EXIT WHEN cardinality(batch) >= least(skip + most, deepest);
    END LOOP;
    RETURN QUERY
    WITH candidate AS (
        SELECT f.id, min(f.tier) AS tier FROM unnest(found_, ranks) AS f (id, tier) GROUP BY f.id
    ), best AS (
        SELECT c.id, c.tier, v.part, max(v.weight) AS weight,
               bit_or(x.field & coalesce(seen, x.field)) AS fields, w.size
          FROM candidate c
         CROSS JOIN LATERAL (
               SELECT w.words, w.fields,
                      CASE WHEN seen IS NULL
                           THEN cardinality(w.words) - cardinality(array_positions(w.fields, 0::smallint)) ELSE (SELECT count(*) FROM unnest(w.fields) AS f WHERE f & seen <> 0) END AS size
                 FROM read.contact_words_v1 w WHERE w.tenant_id = tenant AND w.contact_id = c.id OFFSET 0
         ) w
         CROSS JOIN LATERAL unnest(w.words, w.fields) AS x (id, field)
          JOIN unnest(variants, parts, weights, also) AS v (id, part, weight, also)
            ON v.id = x.id AND (coalesce(v.also, 0) = 0 OR w.words @> ARRAY[v.also])
         WHERE seen IS NULL OR x.field & seen <> 0
         GROUP BY c.id, c.tier, v.part, w.size
    ), page AS (
        SELECT b.id, b.tier, (sum(b.weight) / asked)::real AS score, b.size, bit_or(b.fields) AS fields
          FROM best b GROUP BY b.id, b.tier, b.size
         ORDER BY b.tier, 3 DESC, b.size, b.id OFFSET skip LIMIT most
    )
    SELECT p.id, p.score, p.fields
      FROM page p
     CROSS JOIN LATERAL (
           SELECT FROM read.contact_v1 r WHERE r.tenant_id = tenant AND r.id = p.id AND r.deleted_at IS NULL OFFSET 0
     ) there
     ORDER BY p.tier, p.score DESC, p.size, p.id;
END $$;
REVOKE EXECUTE ON FUNCTION read.search_contacts_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.search_contacts_v1 TO rapport_service;
