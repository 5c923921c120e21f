-- Conditions (projections.contact_filters, made ready by infra.search.postgres_conditions) as SQL over the rows c of
-- read.contact_v1 and w of read.contact_words_v1. Values become literals; fields and comparisons are those that stand here.

-- What a field that has one value is compared by.
CREATE FUNCTION read.contact_column_v1(field text)
    RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN field IN ('id', 'owner_id', 'company_id', 'lifecycle', 'created_at', 'updated_at')
                THEN 'c.' || field ELSE format('((w.kept -> %L ->> 0) COLLATE "C")', field) END;
$$;
REVOKE EXECUTE ON FUNCTION read.contact_column_v1 FROM PUBLIC;

CREATE FUNCTION read.contact_condition_v1(tree jsonb)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    field   constant text := tree ->> 'field';
    column_ constant text := read.contact_column_v1(field);
    values_ constant text[] := ARRAY(SELECT jsonb_array_elements_text(tree -> 'values'));
BEGIN
    CASE tree ->> 'type'
    WHEN 'every' THEN
        RETURN (SELECT coalesce('(' || string_agg(read.contact_condition_v1(part), ' AND ') || ')', 'true')
                  FROM jsonb_array_elements(tree -> 'parts') part);
    WHEN 'some' THEN
        RETURN (SELECT coalesce('(' || string_agg(read.contact_condition_v1(part), ' OR ') || ')', 'false')
                  FROM jsonb_array_elements(tree -> 'parts') part);
    WHEN 'not' THEN
        RETURN format('(%s) IS NOT TRUE', read.contact_condition_v1(tree -> 'part'));
    WHEN 'has' THEN
        RETURN CASE WHEN column_ LIKE 'c.%' THEN column_ || ' IS NOT NULL' ELSE format('w.kept ? %L', field) END;
    WHEN 'is' THEN
        RETURN CASE WHEN column_ LIKE 'c.%' THEN format('%s = ANY (%L)', column_, values_)
                    ELSE format('(w.kept -> %L) ?| %L::text[]', field, values_) END;
    WHEN 'beyond' THEN
        RETURN format('%s %s %L', column_,
                      CASE WHEN tree ->> 'side' IN ('<', '<=', '>', '>=') THEN tree ->> 'side' END,
                      tree ->> 'value');
    WHEN 'says' THEN
        RETURN format('(w.kept -> %L) ?& %L::text[]', '~' || field, values_);
    WHEN 'words' THEN  -- one of these is among the contact's words, in one of the fields of the mask if there is one
        RETURN CASE WHEN tree ->> 'mask' IS NULL THEN format('w.words && %L::bigint[]', values_)
                    ELSE format('(w.words && %1$L::bigint[] AND EXISTS ('
                                'SELECT FROM unnest(w.words, w.fields) AS x (id, field)'
                                ' WHERE x.field & %2$s <> 0 AND x.id = ANY (%1$L::bigint[])))',
                                values_, (tree ->> 'mask')::smallint) END;
    END CASE;
END $$;
REVOKE EXECUTE ON FUNCTION read.contact_condition_v1 FROM PUBLIC;

-- The contacts for which `wanted` holds, in the order of `keys`. `near` is true of all of them, and of words alone: they
-- are looked for by it, unless it is true of too many; then in the order, until there are enough.
CREATE FUNCTION read.select_contacts_v1(wanted jsonb, near jsonb, keys jsonb, owners uuid[], most integer)
    RETURNS TABLE (contact_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    many   constant integer := 20000;
    clause text := read.contact_condition_v1(wanted);
    found_ uuid[];
BEGIN
    IF near IS NOT NULL THEN
        found_ := read.contacts_having_v1(read.contact_condition_v1(near), many + 1);
        IF cardinality(found_) <= many THEN
            clause := format('c.id = ANY (%L) AND %s', found_, clause);
        END IF;
    END IF;
    IF owners IS NOT NULL THEN
        clause := format('%s AND c.owner_id = ANY (%L)', clause, owners);
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT c.id FROM read.contact_v1 c'
        '  JOIN read.contact_words_v1 w ON w.tenant_id = c.tenant_id AND w.contact_id = c.id'
        ' WHERE c.tenant_id = %L AND c.deleted_at IS NULL AND %s ORDER BY %s LIMIT %s',
        store.current_tenant(), clause,
        (SELECT string_agg(
                    read.contact_column_v1(key ->> 'field')
                    || CASE WHEN NOT (key ->> 'descending')::boolean THEN ''
                            -- Said only where it changes anything: it keeps an index from being read backwards.
                            WHEN key ->> 'field' IN ('id', 'lifecycle', 'created_at', 'updated_at') THEN ' DESC'
                            ELSE ' DESC NULLS LAST' END, ', ' ORDER BY place)
           FROM jsonb_array_elements(keys) WITH ORDINALITY AS k (key, place)),
        most);
END $$;
REVOKE EXECUTE ON FUNCTION read.select_contacts_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.select_contacts_v1 TO rapport_service;
