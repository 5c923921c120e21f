-- One row for each record (contact, company, lead) that an entry is about, and version of the entry.
CREATE TABLE read.timeline_v1 (
    tenant_id uuid NOT NULL,
    record_id uuid NOT NULL,
    id        uuid NOT NULL,
    since     bigint NOT NULL,
    until     bigint,
    stream_id uuid NOT NULL,
    kind      text NOT NULL,
    at        timestamptz NOT NULL,
    told_at   timestamptz NOT NULL,
    type      text,
    channel   text,
    author_id uuid,
    outcome   text,
    title     text,
    said      text NOT NULL,
    next      text,
    refs      jsonb NOT NULL,
    words     tsvector NOT NULL,
    PRIMARY KEY (tenant_id, record_id, since, id)
) WITH (fillfactor = 90);
CREATE INDEX ON read.timeline_v1 (tenant_id, record_id, at, id);
CREATE INDEX ON read.timeline_v1 (tenant_id, stream_id);

-- A page of the entries of some records, as JSON. `filters` may have from, to;
-- authors, of whom alone interactions are shown; leads_of, of whom alone leads are; without, kinds that are not; and,
-- where it is about a moment, position. `wanted` is empty, or has for each record, in their order, the query that an
-- entry's words and the values that are filtered by must fit.
-- It runs as the owner, for text search is not leakproof, and takes the tenant from the transaction.
CREATE FUNCTION read.timeline_page_v1(
    records uuid[], filters jsonb, wanted text[], after_at timestamptz, after_id uuid, descending boolean, most integer
)
    RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    way    constant text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
    deep   constant integer := 24 * most;
    having_ text[] := ARRAY[format('t.tenant_id = %L AND t.record_id = r.id', tenant)];
    entries text := 'SELECT DISTINCT ON (q.at, q.id) q.* FROM unnest(%L::uuid[], %L::tsquery[], %L::bigint[])'
        ' AS r (id, asked, listed) CROSS JOIN LATERAL (SELECT t.id, t.kind, t.type, t.channel, t.at, t.author_id, t.outcome, t.title, t.refs,'
        '    t.since, t.words @@ r.asked AS fits FROM %%2$s WHERE %s'
        '    ORDER BY t.at %5$s, t.id %5$s LIMIT %%1$s) q ORDER BY q.at %5$s, q.id %5$s LIMIT %%1$s';
    told    text := 'coalesce(json_agg(p ORDER BY p.at %1$s, p.id %1$s), ''[]'')::text FROM ('
        'SELECT e.id, e.kind, e.type, e.channel, e.at, e.author_id, e.outcome, e.title, e.refs, e.since FROM %%s) p';
    source  text := 'read.timeline_v1 t';
    walked  integer;
    found_  integer;
    page    text;
    listed  bigint[];                   -- by record: up to which position the words of all its entries are in the index
BEGIN
    having_ := having_ || CASE WHEN filters ? 'position'
        THEN format('t.since <= %1$s AND (t.until IS NULL OR t.until > %1$s)', (filters ->> 'position')::bigint)
        ELSE 't.until IS NULL' END;
    IF filters ? 'authors' THEN
        having_ := having_ || format('(t.kind <> ''interaction'' OR t.author_id = ANY (%L::uuid[]))',
                                     ARRAY(SELECT jsonb_array_elements_text(filters -> 'authors')));
    END IF;
    -- Who may read a lead now may read what became of it, whose it was then is not asked.
    IF filters ? 'leads_of' THEN
        having_ := having_ || format(
            '(NOT starts_with(t.kind, ''lead_'') OR EXISTS (SELECT FROM read.lead_v1 l WHERE l.tenant_id = t.tenant_id'
            ' AND l.id = t.stream_id AND l.owner_id = ANY (%L::uuid[])))',
            ARRAY(SELECT jsonb_array_elements_text(filters -> 'leads_of')));
    END IF;
    IF filters ? 'without' THEN
        having_ := having_ || format('t.kind <> ALL (%L)', ARRAY(SELECT jsonb_array_elements_text(filters -> 'without')));
    END IF;
    IF filters ? 'from' THEN
        having_ := having_ || format('t.at >= %L', filters ->> 'from');
    END IF;
    IF filters ? 'to' THEN
        having_ := having_ || format('t.at < %L', filters ->> 'to');
    END IF;
    IF after_at IS NOT NULL THEN
        having_ := having_ || format('(t.at, t.id) %s (%L, %L)', CASE WHEN descending THEN '<' ELSE '>' END,
                                     after_at, after_id);
    END IF;
    IF wanted <> '{}' THEN
        SELECT array_agg(CASE WHEN (SELECT count(*) FROM (
                   SELECT FROM read.timeline_word_v1 w WHERE w.tenant_id = tenant AND w.record_id = u.id LIMIT 8) c) = 8
               THEN coalesce((SELECT p.position FROM read.checkpoint p
                               WHERE p.tenant_id = tenant AND p.projection = 'timeline_words_v1'), 0)
               ELSE 0 END ORDER BY u.n)
          INTO listed FROM unnest(records) WITH ORDINALITY AS u (id, n);
    END IF;
    entries := format(entries, records, wanted, listed, array_to_string(having_, ' AND '), way);
    told := format(told, way);
    IF wanted <> '{}' THEN
        -- What many entries have is soon met with on a walk through these in their order, what is rarer is looked up. The
        -- planner can't choose: it knows nothing about a record's words.
        EXECUTE format(
            'WITH w AS MATERIALIZED (%s), e AS (SELECT * FROM w WHERE w.fits ORDER BY w.at %s, w.id %2$s LIMIT %s)'
            ' SELECT (SELECT count(*) FROM w), (SELECT count(*) FROM e), %s',
            format(entries, deep, source), way, most, format(told, 'e')) INTO walked, found_, page;
        IF found_ = most OR walked < deep THEN
            RETURN page;
        END IF;
        -- What the index does not have is looked through: all of a record that is not crowded, and what has just come.
        source := format(
            '(SELECT i.* FROM (SELECT * FROM read.timeline_word_v1 y WHERE y.words @@ r.asked OFFSET 0) x'
            '  CROSS JOIN LATERAL (SELECT * FROM read.timeline_v1 v WHERE v.tenant_id = x.tenant_id'
            '    AND v.record_id = x.record_id AND v.since = x.since AND v.id = x.id OFFSET 0) i'
            '  WHERE x.tenant_id = %1$L AND x.record_id = r.id AND x.since <= r.listed'
            '  UNION ALL SELECT i.* FROM read.timeline_v1 i'
            '  WHERE i.tenant_id = %1$L AND i.record_id = r.id AND i.since > r.listed AND i.words @@ r.asked) t', tenant);
    END IF;
    EXECUTE format('SELECT %s', format(told, format('(%s) e', format(entries, most, source)))) INTO page;
    RETURN page;
END $$;
REVOKE EXECUTE ON FUNCTION read.timeline_page_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.timeline_page_v1 TO rapport_service;
