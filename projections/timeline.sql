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
    refs      jsonb NOT NULL,
    words     bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, record_id, id, since)
) WITH (fillfactor = 90);
-- What is filtered by is in the index: a rare value is found without reading the rows that have another.
CREATE INDEX ON read.timeline_v1 (tenant_id, record_id, at, id) INCLUDE (since, until, type, channel, author_id, outcome);
CREATE INDEX ON read.timeline_v1 (tenant_id, stream_id);
-- The words' numbers are salted with the record: they lead to its entries, and to nobody else's.
CREATE INDEX ON read.timeline_v1 USING gin (words) WITH (gin_pending_list_limit = 256);

-- A page of the entries of some records, as JSON. `filters` may have kind, type, channel, author_id, outcome, from, to;
-- authors, of whom alone interactions are shown; and, where it is about a moment, position. `wanted` has as many words' numbers for each record, in their order.
-- It runs as the owner, for array operators are not leakproof, and takes the tenant from the transaction.
CREATE FUNCTION read.timeline_page_v1(
    records uuid[], filters jsonb, wanted bigint[], after_at timestamptz, after_id uuid, descending boolean, most integer
)
    RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    per    constant integer := cardinality(wanted) / greatest(cardinality(records), 1);
    way    constant text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
    having_ text[] := ARRAY[format('t.tenant_id = %L AND t.record_id = r.id', tenant)];
    page   text;
BEGIN
    having_ := having_ || CASE WHEN filters ? 'position'
        THEN format('t.since <= %1$s AND (t.until IS NULL OR t.until > %1$s)', (filters ->> 'position')::bigint)
        ELSE 't.until IS NULL' END;
    having_ := having_ || ARRAY(
        SELECT format('t.%I = %L', key, value) FROM jsonb_each_text(filters)
         WHERE key IN ('type', 'channel', 'author_id', 'outcome', 'kind'));
    IF filters ? 'authors' THEN
        having_ := having_ || format('(t.kind <> ''interaction'' OR t.author_id = ANY (%L::uuid[]))',
                                     ARRAY(SELECT jsonb_array_elements_text(filters -> 'authors')));
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
    IF per > 0 THEN
        having_ := having_ || format('t.words @> (%L::bigint[])[(r.n - 1) * %s + 1 : r.n * %2$s]', wanted, per);
    END IF;
    EXECUTE format(
        'SELECT coalesce(json_agg(p ORDER BY p.at %2$s, p.id %2$s), ''[]'')::text FROM ('
        '  SELECT DISTINCT ON (q.at, q.id) q.* FROM unnest(%1$L::uuid[]) WITH ORDINALITY AS r (id, n) CROSS JOIN LATERAL ('
        '    SELECT t.id, t.kind, t.type, t.channel, t.at, t.author_id, t.outcome, t.title, t.refs, t.since, t.record_id'
        '      FROM read.timeline_v1 t WHERE %3$s ORDER BY t.at %2$s, t.id %2$s LIMIT %4$s) q'
        '  ORDER BY q.at %2$s, q.id %2$s LIMIT %4$s) p',
        records, way, array_to_string(having_, ' AND '), most) INTO page;
    RETURN page;
END $$;
REVOKE EXECUTE ON FUNCTION read.timeline_page_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.timeline_page_v1 TO rapport_service;
