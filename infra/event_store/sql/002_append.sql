-- The only way to write events. Called in autocommit: one round trip, and the heads' locks are held
-- no longer than the commit takes to be flushed.
--
-- A call carries several appends (all tenants), sorted by tenant; each gets its own outcome, and one that is
-- refused leaves the others alone: everything is checked before anything of an append is written, so that a
-- refusal needs no savepoint. Heads are locked in tenant order and claims taken in key order (opposite orders
-- deadlock). `batch` is one JSON object, because a client encodes that in a few microseconds where 25 array parameters
-- take 100 and more:
--   appends   [{tenant, command, key?, body?, result?, status?, ttl?}]  key and body are digests in hex, ttl an interval
--   events    [{a, stream, version, topic, data, metadata, occurred_at}]  a = number of the append (from 1), in its order
--   claims    [{a, tenant, kind, value, stream}]  value = HMAC in hex
--   releases  the same, given up
-- Two appends of one call must not write the same stream or use the same idempotency key: a unique key then
-- fails the whole call, with nothing written.
--
-- Outcomes:
--   ok          appended as first_position..last_position (an append without events: last_position = the head)
--   repeated    this command_id is in the log already: an earlier try whose answer was lost
--   conflict    a stream has another version than expected; detail = number of the event that showed it
--   claimed     a unique value is taken; detail = number of the claim
--   replay      the idempotency key was used for the same body: result_id, last_position and status are of then
--   key_reused  the idempotency key was used for another body
--   busy        another transaction holds the tenant's head (only where skip_busy): try again
CREATE FUNCTION store.append(batch jsonb, skip_busy boolean DEFAULT false) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, at timestamptz,
    result_id uuid, status smallint, detail integer
)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Every statement is a look-up by primary key: one generic plan is right for all calls.
    SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_variable
DECLARE
    now_     constant timestamptz := clock_timestamp();
    appends  integer;
    events   integer;
    claims   integer;
    a_tenant uuid[]; a_command uuid[]; a_key bytea[]; a_body bytea[]; a_result uuid[]; a_status smallint[];
    a_ttl    interval[];
    e_append integer[]; e_stream uuid[]; e_version integer[]; e_topic text[]; e_data bytea[]; e_metadata bytea[];
    e_occurred timestamptz[];
    c_append integer[]; c_tenant uuid[]; c_kind text[]; c_value bytea[]; c_stream uuid[];
    r_append integer[]; r_tenant uuid[]; r_kind text[]; r_value bytea[]; r_stream uuid[];
    head     bigint;
    clock    timestamptz;
    heads    bigint[];
    clocks   timestamptz[];
    results  text[];
    details  integer[];
    firsts   integer[];
    lasts    integer[];
    mine     boolean[];
    old      record;
    version_ integer;
    e        integer := 1;
    c_       integer;
BEGIN
    SELECT array_agg(x.tenant), array_agg(x.command), array_agg(decode(x.key, 'hex')), array_agg(decode(x.body, 'hex')),
           array_agg(x.result), array_agg(x.status), array_agg(x.ttl), array_agg('ok'::text), count(*)
      INTO a_tenant, a_command, a_key, a_body, a_result, a_status, a_ttl, results, appends
      FROM jsonb_to_recordset(batch->'appends')
        AS x (tenant uuid, command uuid, key text, body text, result uuid, status smallint, ttl interval);
    SELECT array_agg(x.a), array_agg(x.stream), array_agg(x.version), array_agg(x.topic),
           array_agg(convert_to(x.data, 'UTF8')), array_agg(convert_to(x.metadata, 'UTF8')), array_agg(x.occurred_at),
           count(*)
      INTO e_append, e_stream, e_version, e_topic, e_data, e_metadata, e_occurred, events
      FROM jsonb_to_recordset(batch->'events')
        AS x (a integer, stream uuid, version integer, topic text, data text, metadata text, occurred_at timestamptz);
    IF batch ? 'claims' THEN
        SELECT array_agg(x.a), array_agg(x.tenant), array_agg(x.kind), array_agg(decode(x.value, 'hex')),
               array_agg(x.stream)
          INTO c_append, c_tenant, c_kind, c_value, c_stream
          FROM jsonb_to_recordset(batch->'claims') AS x (a integer, tenant uuid, kind text, value text, stream uuid);
    END IF;
    claims := coalesce(cardinality(c_append), 0);
    IF batch ? 'releases' THEN
        SELECT array_agg(x.a), array_agg(x.tenant), array_agg(x.kind), array_agg(decode(x.value, 'hex')),
               array_agg(x.stream)
          INTO r_append, r_tenant, r_kind, r_value, r_stream
          FROM jsonb_to_recordset(batch->'releases') AS x (a integer, tenant uuid, kind text, value text, stream uuid);
    END IF;

    -- 1. Lock the heads.
    FOR i IN 1..appends LOOP
        IF i > 1 AND a_tenant[i] = a_tenant[i - 1] THEN
            heads[i] := heads[i - 1];
            clocks[i] := clocks[i - 1];
            CONTINUE;
        END IF;
        IF skip_busy THEN
            SELECT h.position, h.recorded_at INTO head, clock
              FROM store.tenant_head h WHERE h.tenant_id = a_tenant[i] FOR UPDATE SKIP LOCKED;
            IF NOT FOUND AND EXISTS (SELECT FROM store.tenant_head h WHERE h.tenant_id = a_tenant[i]) THEN
                CONTINUE;
            END IF;
        ELSE
            SELECT h.position, h.recorded_at INTO head, clock
              FROM store.tenant_head h WHERE h.tenant_id = a_tenant[i] FOR UPDATE;
        END IF;
        heads[i] := coalesce(head, 0);
        -- As-of reads go by recorded_at, so it never goes back, whatever the clock does.
        clocks[i] := greatest(now_, clock);
    END LOOP;

    -- 2. Check keys and versions.
    FOR i IN 1..appends LOOP
        firsts[i] := e;
        WHILE e <= events AND e_append[e] = i LOOP
            e := e + 1;
        END LOOP;
        lasts[i] := e - 1;
        IF heads[i] IS NULL THEN
            results[i] := 'busy';
            CONTINUE;
        END IF;
        IF a_key[i] IS NOT NULL THEN
            SELECT k.body_digest INTO old FROM store.command k
             WHERE k.tenant_id = a_tenant[i] AND k.key_digest = a_key[i] AND k.expires_at > now_;
            IF FOUND THEN
                results[i] := CASE WHEN old.body_digest = a_body[i] THEN 'replay' ELSE 'key_reused' END;
                CONTINUE;
            END IF;
        END IF;
        FOR n IN firsts[i]..lasts[i] LOOP
            CONTINUE WHEN n > firsts[i] AND e_stream[n] = e_stream[n - 1];
            SELECT max(v.version) INTO version_ FROM store.event v
             WHERE v.tenant_id = a_tenant[i] AND v.stream_id = e_stream[n];
            IF coalesce(version_, 0) <> e_version[n] - 1 THEN
                results[i] := CASE WHEN EXISTS (
                    SELECT FROM store.event v
                     WHERE v.tenant_id = a_tenant[i] AND v.stream_id = e_stream[n] AND v.version = e_version[n]
                       AND v.command_id = a_command[i]) THEN 'repeated' ELSE 'conflict' END;
                details[i] := n;
                EXIT;
            END IF;
        END LOOP;
    END LOOP;

    -- 3. Take the claims of what is still to be written.
    IF claims > 0 THEN
        FOR c_ IN SELECT s FROM generate_subscripts(c_append, 1) s ORDER BY c_tenant[s], c_kind[s], c_value[s] LOOP
            CONTINUE WHEN results[c_append[c_]] <> 'ok';
            INSERT INTO store.claim
            VALUES (c_tenant[c_], c_kind[c_], c_value[c_], c_stream[c_], a_tenant[c_append[c_]])
            ON CONFLICT DO NOTHING;
            mine[c_] := FOUND;
            IF NOT FOUND AND NOT EXISTS (
                SELECT FROM store.claim c WHERE c.tenant_id = c_tenant[c_] AND c.kind = c_kind[c_]
                   AND c.value_hmac = c_value[c_] AND c.stream_id = c_stream[c_]) THEN
                results[c_append[c_]] := 'claimed';
                details[c_append[c_]] := c_;
            END IF;
        END LOOP;
        FOR n IN 1..claims LOOP
            IF coalesce(mine[n], false) AND results[c_append[n]] = 'claimed' THEN
                DELETE FROM store.claim c
                 WHERE c.tenant_id = c_tenant[n] AND c.kind = c_kind[n] AND c.value_hmac = c_value[n];
            END IF;
        END LOOP;
    END IF;

    -- 4. Write.
    FOR i IN 1..appends LOOP
        outcome := results[i]; detail := details[i]; at := clocks[i]; result_id := a_result[i]; status := a_status[i];
        first_position := NULL; last_position := NULL;
        IF outcome = 'ok' THEN
            head := heads[i];
            first_position := head + 1;
            last_position := head + 1 + lasts[i] - firsts[i];
            IF a_key[i] IS NOT NULL THEN
                DELETE FROM store.command k
                 WHERE k.tenant_id = a_tenant[i] AND k.key_digest = a_key[i] AND k.expires_at <= now_;
                INSERT INTO store.command VALUES (
                    a_tenant[i], a_key[i], a_command[i], a_body[i], a_result[i], last_position, a_status[i], now_ + a_ttl[i]);
            END IF;
            IF last_position > head THEN
                INSERT INTO store.event
                SELECT a_tenant[i], head + 1 + n - firsts[i], e_stream[n], e_version[n], e_topic[n], e_data[n],
                       e_metadata[n], a_command[i], e_occurred[n], clocks[i]
                  FROM generate_series(firsts[i], lasts[i]) n;
                UPDATE store.tenant_head h SET position = last_position, recorded_at = clocks[i]
                 WHERE h.tenant_id = a_tenant[i];
                IF NOT FOUND THEN
                    INSERT INTO store.tenant_head VALUES (a_tenant[i], last_position, clocks[i]);
                END IF;
                FOR n IN i + 1..appends LOOP
                    EXIT WHEN a_tenant[n] <> a_tenant[i];
                    heads[n] := last_position;
                END LOOP;
            END IF;
            IF r_append IS NOT NULL THEN
                DELETE FROM store.claim c
                 USING generate_subscripts(r_append, 1) n
                 WHERE r_append[n] = i AND c.tenant_id = r_tenant[n] AND c.kind = r_kind[n]
                   AND c.value_hmac = r_value[n] AND c.stream_id = r_stream[n];
            END IF;
        ELSIF outcome = 'repeated' THEN
            SELECT min(v.position), max(v.position), max(v.recorded_at) INTO first_position, last_position, at
              FROM generate_series(firsts[i], lasts[i]) n
              JOIN store.event v
                ON v.tenant_id = a_tenant[i] AND v.stream_id = e_stream[n] AND v.version = e_version[n];
        ELSIF outcome IN ('replay', 'key_reused') THEN
            SELECT k.result_id, k.position, k.status INTO result_id, last_position, status FROM store.command k
             WHERE k.tenant_id = a_tenant[i] AND k.key_digest = a_key[i];
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION store.append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.append TO rapport_append;
