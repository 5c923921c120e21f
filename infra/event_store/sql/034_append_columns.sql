-- store.append with an array for each column of its events: JSON is left for what few appends have. To read it all from JSON
-- was a third of an append, the more the longer its events. All else is as in 002_append.sql, which has the outcomes:
-- appends are sorted by tenant; e_append is the number of an event's append (from 1), in its order; e_first marks the first
-- event of each stream, whose version is checked. `batch` has the rest, which most appends don't have:
--   appends   [{key?, body?, result?, status?, ttl?, results?}]  one an append; none at all where none has a key
--   claims, releases, expects, keys, tenant_keys  as there
CREATE FUNCTION store.append_columns(
    a_tenant uuid[], a_command uuid[],
    e_append integer[], e_stream uuid[], e_version integer[], e_first boolean[], e_topic text[], e_data bytea[],
    e_metadata bytea[], e_occurred timestamptz[],
    batch jsonb, skip_busy boolean
) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, at timestamptz,
    result_id uuid, status smallint, detail integer
)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Every statement is a look-up by primary key: one generic plan is right for all calls.
    SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
    now_     timestamptz;
    genesis  constant bytea := decode(repeat('00', 32), 'hex');
    appends  constant integer := cardinality(a_tenant);
    events   constant integer := cardinality(e_append);
    a_key    bytea[]; a_body bytea[]; a_result uuid[]; a_status smallint[]; a_ttl interval[]; a_results bytea[];
    c_append integer[]; c_tenant uuid[]; c_kind text[]; c_value bytea[]; c_stream uuid[];
    t_tenant uuid[]; t_kind text[]; t_value bytea[];  -- claims that this call took
    r_append integer[]; r_tenant uuid[]; r_kind text[]; r_value bytea[]; r_stream uuid[];
    results  text[];
    details  integer[];
    counts   integer[];                 -- events of the append
    shifts   bigint[];                  -- position of an event of the append, less its number in the call
    lasts    bigint[];                  -- position after the append
    heads    bigint[];                  -- head of the append's tenant; NULL while another transaction holds it
    clocks   timestamptz[];
    chains   bytea[];                   -- hash of the append's tenant: at its head, then of the append's last event
    hashes   bytea[];                   -- of each event
    e_what   bytea[]; e_bytes bytea[];  -- of each event, what its hash covers: stream to occurred_at; data and metadata
    link     bytea;
    tenant   bytea;
    clock    timestamptz;
    recorded bytea;
    fresh    boolean[];                 -- the tenant has no head row yet
    mine     boolean[];                 -- of each claim: whether this call took it
    moved    integer[] := '{}';         -- the last append of each tenant whose head moves
    total    integer := 0;
    head     bigint;
    locked   refcursor;
    found_   record;
    over     integer;                   -- the last claim that another stream or this one had already
    i        integer;
    n        integer;
BEGIN
    IF batch ? 'appends' THEN
        SELECT array_agg(decode(x.key, 'hex')), array_agg(decode(x.body, 'hex')), array_agg(x.result),
               array_agg(x.status), array_agg(x.ttl), array_agg(decode(x.results, 'base64'))
          INTO a_key, a_body, a_result, a_status, a_ttl, a_results
          FROM jsonb_to_recordset(batch->'appends')
            AS x (key text, body text, result uuid, status smallint, ttl interval, results text);
    END IF;
    SELECT array_agg('\x00000010'::bytea || uuid_send(x.stream) || '\x00000004' || int4send(x.version)
                     || int4send(octet_length(x.topic)) || convert_to(x.topic, 'UTF8')
                     || '\x00000008' || int8send((extract(epoch FROM x.occurred_at) * 1000000)::bigint)),
           array_agg(int4send(octet_length(x.data)) || x.data || int4send(octet_length(x.metadata)) || x.metadata
                     || '\x00000010')
      INTO e_what, e_bytes
      FROM unnest(e_stream, e_version, e_topic, e_data, e_metadata, e_occurred)
        AS x (stream, version, topic, data, metadata, occurred_at);
    results := array_fill('ok'::text, ARRAY[appends]);
    details := array_fill(NULL::integer, ARRAY[appends]);
    counts := array_fill(0, ARRAY[appends]);
    shifts := array_fill(0::bigint, ARRAY[appends]);
    lasts := array_fill(NULL::bigint, ARRAY[appends]);
    heads := array_fill(NULL::bigint, ARRAY[appends]);
    clocks := array_fill(NULL::timestamptz, ARRAY[appends]);
    chains := array_fill(genesis, ARRAY[appends]);
    hashes := array_fill(NULL::bytea, ARRAY[events]);
    fresh := array_fill(true, ARRAY[appends]);

    -- 1. Lock the heads.
    i := 1;
    IF skip_busy THEN
        OPEN locked FOR SELECT h.tenant_id, h.position, h.recorded_at, h.hash FROM store.tenant_head h
                         WHERE h.tenant_id = ANY (a_tenant) ORDER BY h.tenant_id FOR UPDATE SKIP LOCKED;
    ELSE
        OPEN locked FOR SELECT h.tenant_id, h.position, h.recorded_at, h.hash FROM store.tenant_head h
                         WHERE h.tenant_id = ANY (a_tenant) ORDER BY h.tenant_id FOR UPDATE;
    END IF;
    LOOP
        FETCH locked INTO found_;
        EXIT WHEN NOT FOUND;
        WHILE a_tenant[i] < found_.tenant_id LOOP
            i := i + 1;
        END LOOP;
        WHILE i <= appends AND a_tenant[i] = found_.tenant_id LOOP
            heads[i] := found_.position;
            clocks[i] := found_.recorded_at;
            chains[i] := found_.hash;
            fresh[i] := false;
            i := i + 1;
        END LOOP;
    END LOOP;
    CLOSE locked;
    -- As-of reads go by recorded_at: it never goes back, whatever the clock does, and is not of before a wait for a head.
    now_ := clock_timestamp();
    FOR i IN 1..appends LOOP
        clocks[i] := greatest(now_, clocks[i]);
        IF heads[i] IS NULL THEN
            IF skip_busy AND EXISTS (SELECT FROM store.tenant_head h WHERE h.tenant_id = a_tenant[i]) THEN
                results[i] := 'busy';
            ELSE
                heads[i] := 0;
            END IF;
        END IF;
    END LOOP;

    -- 2. Check idempotency keys and versions.
    FOR i IN 1..appends LOOP
        CONTINUE WHEN a_key[i] IS NULL OR results[i] <> 'ok';
        SELECT k.body_digest INTO found_ FROM store.command k
         WHERE k.tenant_id = a_tenant[i] AND k.key_digest = a_key[i] AND k.expires_at > now_;
        IF FOUND THEN
            results[i] := CASE WHEN found_.body_digest = a_body[i] THEN 'replay' ELSE 'key_reused' END;
        END IF;
    END LOOP;
    FOR found_ IN
        SELECT s.n, s.append FROM (
               SELECT u.n, u.append, u.stream, u.version, u.first FROM unnest(e_append, e_stream, e_version, e_first)
                      WITH ORDINALITY AS u (append, stream, version, first, n)) s
         WHERE s.first AND s.version - 1 IS DISTINCT FROM coalesce((
               SELECT v.version FROM store.event v
                WHERE v.tenant_id = a_tenant[s.append] AND v.stream_id = s.stream ORDER BY v.version DESC LIMIT 1),
               -- A stream counts from 1; one of the eventsourcing library may count from 0.
               CASE s.version WHEN 0 THEN -1 ELSE 0 END)
    LOOP
        CONTINUE WHEN results[found_.append] <> 'ok';
        results[found_.append] := CASE WHEN EXISTS (
            SELECT FROM store.event v
             WHERE v.tenant_id = a_tenant[found_.append] AND v.stream_id = e_stream[found_.n]
               AND v.version = e_version[found_.n] AND v.command_id = a_command[found_.append])
            THEN 'repeated' ELSE 'conflict' END;
        details[found_.append] := found_.n;
    END LOOP;

    -- What it was decided by still stands. Looked up by key, as above; what else this call writes counts as a change.
    IF batch ? 'expects' THEN
        FOR found_ IN
            SELECT x.a FROM jsonb_to_recordset(batch->'expects') AS x (a integer, stream uuid, version integer)
             WHERE x.version <> coalesce((
                   SELECT v.version FROM store.event v
                    WHERE v.tenant_id = a_tenant[x.a] AND v.stream_id = x.stream ORDER BY v.version DESC LIMIT 1), 0)
                OR x.stream = ANY (e_stream)
        LOOP
            CONTINUE WHEN results[found_.a] <> 'ok';
            results[found_.a] := 'conflict';
        END LOOP;
    END IF;

    -- No key is made for whom the keys were destroyed. The sub-select stays a look-up by key; a join might not.
    IF batch ? 'keys' THEN
        FOR found_ IN
            SELECT k.a, k.subject FROM jsonb_to_recordset(batch->'keys') AS k (a integer, subject uuid)
             WHERE (SELECT true FROM store.erased_subject s WHERE s.tenant_id = a_tenant[k.a] AND s.subject = k.subject)
        LOOP
            CONTINUE WHEN results[found_.a] <> 'ok';
            results[found_.a] := 'erased';
            a_result[found_.a] := found_.subject;
        END LOOP;
    END IF;

    -- 3. Take the claims of what is still to be written, in key order.
    IF batch ? 'claims' THEN
        SELECT array_agg(x.a), array_agg(x.tenant), array_agg(x.kind), array_agg(decode(x.value, 'hex')),
               array_agg(x.stream)
          INTO c_append, c_tenant, c_kind, c_value, c_stream
          FROM jsonb_to_recordset(batch->'claims') AS x (a integer, tenant uuid, kind text, value text, stream uuid);
        WITH taken AS (
            INSERT INTO store.claim
            SELECT c_tenant[g], c_kind[g], c_value[g], c_stream[g], a_tenant[c_append[g]]
              FROM generate_subscripts(c_append, 1) g WHERE results[c_append[g]] = 'ok'
             ORDER BY c_tenant[g], c_kind[g], c_value[g], g
                ON CONFLICT DO NOTHING
            RETURNING tenant_id, kind, value_hmac
        )
        SELECT array_agg(t.tenant_id), array_agg(t.kind), array_agg(t.value_hmac), count(*)
          INTO t_tenant, t_kind, t_value, n FROM taken t;
        IF n < cardinality(c_append) THEN
            -- Some were there, are claimed twice in this call, or are of an append that is refused already.
            SELECT array_agg(u.first AND t.tenant IS NOT NULL ORDER BY u.n) INTO mine
              FROM (SELECT c.*, results[c.a] = 'ok' AND row_number() OVER (
                               PARTITION BY results[c.a] = 'ok', c.tenant, c.kind, c.value ORDER BY c.n) = 1 AS first
                      FROM unnest(c_append, c_tenant, c_kind, c_value)
                           WITH ORDINALITY AS c (a, tenant, kind, value, n)) u
              LEFT JOIN unnest(t_tenant, t_kind, t_value) AS t (tenant, kind, value)
                ON t.tenant = u.tenant AND t.kind = u.kind AND t.value = u.value;
            FOR n IN SELECT s FROM generate_subscripts(c_append, 1) s ORDER BY c_tenant[s], c_kind[s], c_value[s] LOOP
                CONTINUE WHEN results[c_append[n]] <> 'ok' OR mine[n];
                -- It goes over once: two of this call that had it from the same stream can't both.
                IF over IS NOT NULL AND results[c_append[over]] = 'ok' AND c_append[over] <> c_append[n]
                   AND c_stream[over] <> c_stream[n]
                   AND (c_tenant[over], c_kind[over], c_value[over]) = (c_tenant[n], c_kind[n], c_value[n])
                   OR NOT EXISTS (
                    SELECT FROM store.claim c WHERE c.tenant_id = c_tenant[n] AND c.kind = c_kind[n]
                       AND c.value_hmac = c_value[n] AND (c.stream_id = c_stream[n] OR EXISTS (
                           SELECT FROM jsonb_to_recordset(coalesce(batch->'releases', '[]'))
                                    AS r (a integer, tenant uuid, kind text, value text, stream uuid)
                            WHERE r.a = c_append[n] AND r.tenant = c.tenant_id AND r.kind = c.kind
                              AND decode(r.value, 'hex') = c.value_hmac AND r.stream = c.stream_id))) THEN
                    results[c_append[n]] := 'claimed';
                    details[c_append[n]] := n;
                ELSE
                    over := n;
                END IF;
            END LOOP;
            DELETE FROM store.claim c USING generate_subscripts(c_append, 1) g
             WHERE mine[g] AND results[c_append[g]] = 'claimed'
               AND c.tenant_id = c_tenant[g] AND c.kind = c_kind[g] AND c.value_hmac = c_value[g];
        END IF;
    END IF;

    -- 4. Number the events and write them, all appends in one statement.
    FOR n IN 1..events LOOP
        counts[e_append[n]] := counts[e_append[n]] + 1;
    END LOOP;
    FOR i IN 1..appends LOOP
        IF i = 1 OR a_tenant[i] <> a_tenant[i - 1] THEN
            head := heads[i];
        END IF;
        IF results[i] = 'ok' THEN
            shifts[i] := head - total;
            head := head + counts[i];
            lasts[i] := head;
            IF counts[i] > 0 THEN
                IF moved <> '{}' AND a_tenant[moved[cardinality(moved)]] = a_tenant[i] THEN
                    moved[cardinality(moved)] := i;
                ELSE
                    moved := moved || i;
                END IF;
            END IF;
        END IF;
        total := total + counts[i];
    END LOOP;
    -- Chain them: docs/integrity.md has the bytes.
    i := 0;
    FOR n IN 1..events LOOP
        CONTINUE WHEN results[e_append[n]] <> 'ok';
        IF i <> e_append[n] THEN
            IF i > 0 THEN
                chains[i] := link;
            END IF;
            IF i = 0 OR a_tenant[i] <> a_tenant[e_append[n]] THEN
                link := chains[e_append[n]];
                tenant := '\x00000010'::bytea || uuid_send(a_tenant[e_append[n]]) || '\x00000008';
            END IF;
            i := e_append[n];
            IF clock IS DISTINCT FROM clocks[i] THEN
                clock := clocks[i];
                recorded := '\x00000008'::bytea || int8send((extract(epoch FROM clock) * 1000000)::bigint);
            END IF;
        END IF;
        link := sha256('\x00000010726170706f72742e6576656e742e763100000020'::bytea || link || tenant
                       || int8send(shifts[i] + n) || e_what[n] || recorded || e_bytes[n] || uuid_send(a_command[i]));
        hashes[n] := link;
    END LOOP;
    IF i > 0 THEN
        chains[i] := link;
    END IF;
    IF moved <> '{}' THEN
        INSERT INTO store.event
        SELECT a_tenant[u.append], shifts[u.append] + u.n, u.stream, u.version, u.topic, u.data, u.metadata,
               a_command[u.append], u.occurred, clocks[u.append], u.hash
          FROM unnest(e_append, e_stream, e_version, e_topic, e_data, e_metadata, e_occurred, hashes)
               WITH ORDINALITY AS u (append, stream, version, topic, data, metadata, occurred, hash, n)
         WHERE results[u.append] = 'ok';
        UPDATE store.tenant_head h SET position = lasts[m], recorded_at = clocks[m], hash = chains[m]
          FROM unnest(moved) m WHERE h.tenant_id = a_tenant[m] AND NOT fresh[m];
        INSERT INTO store.tenant_head
        SELECT a_tenant[m], lasts[m], clocks[m], chains[m] FROM unnest(moved) m WHERE fresh[m];
    END IF;
    IF batch ? 'keys' THEN
        INSERT INTO store.data_key
        SELECT a_tenant[k.a], k.subject, decode(k.id, 'base64'), k.year, k.class, decode(k.tenant_key, 'base64'),
               decode(k.wrapped, 'base64')
          FROM jsonb_to_recordset(batch->'keys')
            AS k (a integer, subject uuid, class text, year smallint, id text, tenant_key text, wrapped text)
         WHERE results[k.a] = 'ok';
    END IF;
    IF batch ? 'tenant_keys' THEN
        INSERT INTO store.tenant_key
        SELECT a_tenant[k.a], decode(k.id, 'base64'), k.master, decode(k.wrapped, 'base64'), now_
          FROM jsonb_to_recordset(batch->'tenant_keys') AS k (a integer, id text, master text, wrapped text)
         WHERE results[k.a] = 'ok'
            ON CONFLICT DO NOTHING;
    END IF;
    IF batch ? 'releases' THEN
        -- What one stream gives up and another claims: nothing else that is claimed here has another holder.
        UPDATE store.claim c SET stream_id = c_stream[g] FROM generate_subscripts(c_append, 1) g
         WHERE results[c_append[g]] = 'ok' AND c.tenant_id = c_tenant[g] AND c.kind = c_kind[g]
           AND c.value_hmac = c_value[g] AND c.stream_id <> c_stream[g];
        SELECT array_agg(x.a), array_agg(x.tenant), array_agg(x.kind), array_agg(decode(x.value, 'hex')),
               array_agg(x.stream)
          INTO r_append, r_tenant, r_kind, r_value, r_stream
          FROM jsonb_to_recordset(batch->'releases') AS x (a integer, tenant uuid, kind text, value text, stream uuid);
        DELETE FROM store.claim c USING generate_subscripts(r_append, 1) g
         WHERE results[r_append[g]] = 'ok' AND c.tenant_id = r_tenant[g] AND c.kind = r_kind[g]
           AND c.value_hmac = r_value[g] AND c.stream_id = r_stream[g];
    END IF;

    -- 5. Keep the keys of what was written, and answer.
    FOR i IN 1..appends LOOP
        outcome := results[i]; detail := details[i]; at := clocks[i]; result_id := a_result[i]; status := a_status[i];
        last_position := lasts[i]; first_position := lasts[i] - counts[i] + 1;
        IF outcome = 'ok' AND a_key[i] IS NOT NULL THEN
            DELETE FROM store.command k
             WHERE k.tenant_id = a_tenant[i] AND k.key_digest = a_key[i] AND k.expires_at <= now_;
            INSERT INTO store.command VALUES (
                a_tenant[i], a_key[i], a_command[i], a_body[i], a_result[i], last_position, a_status[i], now_ + a_ttl[i],
                a_results[i]);
        ELSIF outcome = 'repeated' THEN
            SELECT min(v.position), max(v.position), max(v.recorded_at) INTO first_position, last_position, at
              FROM generate_subscripts(e_append, 1) g
              JOIN store.event v
                ON v.tenant_id = a_tenant[i] AND v.stream_id = e_stream[g] AND v.version = e_version[g]
             WHERE e_append[g] = i;
        ELSIF outcome IN ('replay', 'key_reused') THEN
            SELECT k.result_id, k.position, k.status INTO result_id, last_position, status FROM store.command k
             WHERE k.tenant_id = a_tenant[i] AND k.key_digest = a_key[i];
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION store.append_columns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.append_columns TO rapport_append;

-- The same as one JSON object: for who has no arrays, like store.record, and for processes of before.
CREATE OR REPLACE FUNCTION store.append(batch jsonb, skip_busy boolean DEFAULT false) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, at timestamptz,
    result_id uuid, status smallint, detail integer
)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.*
      FROM (SELECT array_agg(x.tenant) AS tenant, array_agg(x.command) AS command
              FROM jsonb_to_recordset(batch->'appends') AS x (tenant uuid, command uuid)) a,
           (SELECT coalesce(array_agg(x.a), '{}') AS append, array_agg(x.stream) AS stream,
                   array_agg(x.version) AS version, array_agg(x.first) AS first, array_agg(x.topic) AS topic,
                   array_agg(convert_to(x.data, 'UTF8')) AS data, array_agg(convert_to(x.metadata, 'UTF8')) AS metadata,
                   array_agg(x.occurred_at) AS occurred
              FROM jsonb_to_recordset(batch->'events')
                AS x (a integer, stream uuid, version integer, first boolean, topic text, data text, metadata text,
                      occurred_at timestamptz)) e,
           store.append_columns(a.tenant, a.command, e.append, e.stream, e.version, e.first, e.topic, e.data,
                                e.metadata, e.occurred, batch, skip_busy) r
$$;
