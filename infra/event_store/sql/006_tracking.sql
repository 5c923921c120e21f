-- What programs written with the `eventsourcing` library need beside the log (docs/eventsourcing.md): how far they
-- have followed a sequence of notifications, and their snapshots. Their role acts for the tenant of its connection only.
GRANT USAGE ON SCHEMA store TO rapport_recorder;

-- `tracker` is who follows (a projection), `application` whom. One row each: ids only ever rise.
CREATE TABLE store.tracking (
    tenant_id       uuid NOT NULL,
    tracker         text NOT NULL,
    application     text NOT NULL,
    notification_id bigint NOT NULL,
    command_id      uuid NOT NULL,
    PRIMARY KEY (tenant_id, tracker, application)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- Snapshots of the library, as it gives them (sealed where it was told to encrypt).
CREATE TABLE store.recorder_snapshot (
    tenant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    version   integer NOT NULL,
    topic     text NOT NULL,
    state     bytea NOT NULL,
    PRIMARY KEY (tenant_id, stream_id, version)
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tracking', 'recorder_snapshot'] LOOP
        EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON store.%I USING (tenant_id = store.current_tenant())', name);
    END LOOP;
END $$;
GRANT SELECT ON store.event, store.tenant_head, store.tracking, store.recorder_snapshot TO rapport_recorder;

-- Notes that a notification was dealt with. An id that is not above the last one is refused, unless it is the same
-- command asking again because its answer was lost.
CREATE FUNCTION store.track(tracker text, application text, notification_id bigint, command uuid)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO store.tracking AS t
    VALUES (store.current_tenant(), track.tracker, track.application, track.notification_id, track.command)
    ON CONFLICT ON CONSTRAINT tracking_pkey DO UPDATE
       SET notification_id = excluded.notification_id, command_id = excluded.command_id
     WHERE t.notification_id < excluded.notification_id
        OR (t.notification_id = excluded.notification_id AND t.command_id = excluded.command_id);
    IF NOT FOUND THEN
        RAISE integrity_constraint_violation
            USING MESSAGE = format('%s has tracked %s up to %s or further', track.tracker, track.application,
                                   track.notification_id);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION store.track FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.track TO rapport_recorder;

-- store.append for the tenant of the connection and no other: `events` as there. All of it or nothing: what append
-- answers with an outcome is an error here. With `application`, the notification is tracked in the same transaction.
CREATE FUNCTION store.record(
    command uuid, events jsonb,
    tracker text DEFAULT NULL, application text DEFAULT NULL, notification_id bigint DEFAULT NULL
) RETURNS TABLE (first_position bigint, last_position bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    tenant   constant uuid := store.current_tenant();
    appended record;
BEGIN
    IF tenant IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'no tenant is set on this connection (app.tenant)';
    END IF;
    IF jsonb_array_length(events) > 0 THEN
        -- Two first appends of a tenant have no head to wait at, and would meet in the log's keys.
        IF NOT EXISTS (SELECT FROM store.tenant_head h WHERE h.tenant_id = tenant) THEN
            PERFORM pg_advisory_xact_lock(hashtextextended(tenant::text, 0));
        END IF;
        SELECT * INTO STRICT appended FROM store.append(jsonb_build_object(
            'appends', jsonb_build_array(jsonb_build_object('tenant', tenant, 'command', command)), 'events', events));
        IF appended.outcome = 'repeated' THEN
            -- It was tracked then, too.
            application := NULL;
        ELSIF appended.outcome <> 'ok' THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = format('%s: %s', appended.outcome, events -> (appended.detail - 1) ->> 'stream');
        END IF;
        first_position := appended.first_position;
        last_position := appended.last_position;
    END IF;
    IF application IS NOT NULL THEN
        PERFORM store.track(tracker, application, notification_id, command);
    END IF;
    RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION store.record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.record TO rapport_recorder;

-- A snapshot of a version that has one already is refused, and its neighbours with it.
CREATE FUNCTION store.record_snapshots(streams uuid[], versions integer[], topics text[], states bytea[])
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO store.recorder_snapshot
    SELECT store.current_tenant(), s.* FROM unnest(streams, versions, topics, states) s
$$;
REVOKE EXECUTE ON FUNCTION store.record_snapshots FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.record_snapshots TO rapport_recorder;
