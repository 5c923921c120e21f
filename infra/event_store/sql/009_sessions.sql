-- Sessions: one narrow row each, for what changes with every refresh. That one began or ended is an event too; which
-- refresh token is the last one of its family is known here alone, and no token is stored (commands/identity/sessions.py).
CREATE TABLE store.session (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    user_id    uuid NOT NULL,
    epoch      integer NOT NULL,        -- of the user, when the credentials were checked
    generation integer NOT NULL,        -- of the refresh token that is good now
    started_at timestamptz NOT NULL,
    rotated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    client     text,
    address    text,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX ON store.session (tenant_id, user_id);
ALTER TABLE store.session ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.session USING (tenant_id = store.current_tenant());
GRANT SELECT ON store.session TO rapport_service;

-- A session without a row is no session: what has expired may go, and goes when its user signs in again.
CREATE FUNCTION store.start_session(session uuid, of_user uuid, at_epoch integer, lives interval, client text, address text)
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM store.session s
     WHERE s.tenant_id = store.current_tenant() AND s.user_id = of_user AND s.expires_at < clock_timestamp();
    INSERT INTO store.session
    SELECT store.current_tenant(), session, of_user, at_epoch, 1, t.now, t.now, t.now + lives, NULL, client, address
      FROM (SELECT clock_timestamp() AS now) t
$$;

-- Rotates: `presented` is the generation of the refresh token that came. Outcomes:
--   rotated   it was the last one; `generation` is its successor's
--   repeated  its successor was given no longer than `grace` ago, and is given again
--   reused    it was used before: the session has ended, now or earlier (`fresh` tells)
--   ended     the session has ended or expired
--   unknown   there is no such session, or it never had such a token
CREATE FUNCTION store.refresh_session(session uuid, presented integer, grace interval, lives interval)
    RETURNS TABLE (outcome text, generation integer, user_id uuid, epoch integer, fresh boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    found_ store.session;
    now_   timestamptz;
BEGIN
    SELECT * INTO found_ FROM store.session s
     WHERE s.tenant_id = store.current_tenant() AND s.id = session FOR UPDATE;
    now_ := clock_timestamp();  -- after the wait for the row: whoever was faster has rotated before
    fresh := false;
    IF NOT FOUND OR presented > found_.generation OR presented < 1 THEN
        outcome := 'unknown';
    ELSIF found_.ended_at IS NULL AND found_.expires_at > now_ AND presented = found_.generation THEN
        UPDATE store.session s SET generation = s.generation + 1, rotated_at = now_, expires_at = now_ + lives
         WHERE s.tenant_id = found_.tenant_id AND s.id = session;
        found_.generation := found_.generation + 1;
        outcome := 'rotated';
    ELSIF found_.ended_at IS NULL AND presented = found_.generation - 1 AND now_ <= found_.rotated_at + grace THEN
        outcome := 'repeated';
    ELSIF presented < found_.generation THEN
        fresh := found_.ended_at IS NULL;
        UPDATE store.session s SET ended_at = now_
         WHERE s.tenant_id = found_.tenant_id AND s.id = session AND s.ended_at IS NULL;
        outcome := 'reused';
    ELSE
        outcome := 'ended';
    END IF;
    generation := found_.generation;
    user_id := found_.user_id;
    epoch := found_.epoch;
    RETURN NEXT;
END $$;

-- Ends one session of a user: 'ended' now, or 'over' already; 'unknown' when it is none of theirs.
CREATE FUNCTION store.end_session(session uuid, of_user uuid) RETURNS text
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH ended AS (
        UPDATE store.session s SET ended_at = clock_timestamp()
         WHERE s.tenant_id = store.current_tenant() AND s.id = session AND s.user_id = of_user
           AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
        RETURNING 1
    )
    SELECT CASE
        WHEN EXISTS (SELECT FROM ended) THEN 'ended'
        WHEN EXISTS (SELECT FROM store.session s WHERE s.tenant_id = store.current_tenant() AND s.id = session
                        AND s.user_id = of_user) THEN 'over'
        ELSE 'unknown' END
$$;

REVOKE EXECUTE ON FUNCTION store.start_session, store.refresh_session, store.end_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.start_session, store.refresh_session, store.end_session TO rapport_service;

-- The events that say who may do what (domain/authorization.py has the same topics): every request reads those that came
-- since the last one. Appends of other events pay nothing for it.
CREATE INDEX event_access ON store.event (tenant_id, position)
 WHERE topic IN (
    'user.registered.v1', 'user.invited.v1', 'user.joined.v1', 'user.roles_changed.v1', 'user.suspended.v1', 'user.restored.v1', 'user.signed_out.v1',
    'role.defined.v1', 'role.changed.v1', 'role.deleted.v1', 'admin.removed.v1',
    'team.founded.v1', 'team.members_changed.v1', 'api_key.issued.v1', 'api_key.revoked.v1', 'tenant.suspended.v1', 'tenant.restored.v1',
    'settings.changed.v1',
    'custom_field.defined.v1', 'custom_field.changed.v1', 'custom_field.change_begun.v1', 'custom_field.change_dropped.v1',
    'custom_field.deleted.v1');

-- These events up to a position, for who might do what then. Runs as its caller: row level security stays as it is.
CREATE FUNCTION store.access_until(last bigint)
    RETURNS TABLE ("position" bigint, stream_id uuid, topic text, data bytea)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.position, v.stream_id, v.topic, v.data FROM store.event v
     WHERE v.tenant_id = store.current_tenant() AND v.position <= last
       AND v.topic IN (
    'user.registered.v1', 'user.invited.v1', 'user.joined.v1', 'user.roles_changed.v1', 'user.suspended.v1', 'user.restored.v1', 'user.signed_out.v1',
    'role.defined.v1', 'role.changed.v1', 'role.deleted.v1', 'admin.removed.v1',
    'team.founded.v1', 'team.members_changed.v1', 'api_key.issued.v1', 'api_key.revoked.v1', 'tenant.suspended.v1', 'tenant.restored.v1',
    'settings.changed.v1',
    'custom_field.defined.v1', 'custom_field.changed.v1', 'custom_field.change_begun.v1', 'custom_field.change_dropped.v1',
    'custom_field.deleted.v1')
     ORDER BY v.position
$$;

REVOKE EXECUTE ON FUNCTION store.access_until FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.access_until TO rapport_service;

-- Sign-ins that failed of late, by what they have in common: the e-mail that was named together with the address, the
-- e-mail, the address; each as an HMAC. Who is asked for need not exist, so this belongs to the platform tenant.
CREATE TABLE store.sign_in_attempt (
    tenant_id uuid NOT NULL,
    key       bytea NOT NULL,
    failures  integer NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
) WITH (fillfactor = 70);
ALTER TABLE store.sign_in_attempt ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.sign_in_attempt USING (tenant_id = store.current_tenant());

-- Seconds until an attempt may be made; 0 when it may be made now, and then it counts as a failure until it is known not
-- to be one, so that guesses at the same time don't slip through together. `free` failures of each key cost nothing, each
-- further one doubles the wait, up to `longest` seconds; after `forgotten` without any, all is as if none had been.
CREATE FUNCTION store.attempt_sign_in(keys bytea[], free integer[], longest integer[], forgotten interval)
    RETURNS double precision
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
    now_   timestamptz;
    wait   double precision;
BEGIN
    -- Whoever asks about the same key at the same time waits here; in the order of keys, so that nobody waits in a ring.
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(k, 'hex'), 0)) FROM (SELECT unnest(keys) AS k ORDER BY 1) o;
    now_ := clock_timestamp();
    DELETE FROM store.sign_in_attempt a
     WHERE a.tenant_id = tenant AND a.key = ANY (keys) AND a.last_at < now_ - forgotten;
    SELECT max(extract(epoch FROM a.last_at - now_) + least(k.longest, 2.0 ^ least(a.failures - k.free, 30)))
      INTO wait
      FROM unnest(keys, free, longest) k (key, free, longest)
      JOIN store.sign_in_attempt a ON a.tenant_id = tenant AND a.key = k.key
     WHERE a.failures >= k.free;
    IF wait > 0 THEN
        RETURN wait;
    END IF;
    INSERT INTO store.sign_in_attempt AS a
    SELECT tenant, k, 1, now_ FROM unnest(keys) k
        ON CONFLICT (tenant_id, key) DO UPDATE SET failures = a.failures + 1, last_at = now_;
    RETURN 0;
END $$;

-- It was no failure: what it counted for is taken back, and what `forgiven` names is as if there had been none.
CREATE FUNCTION store.signed_in(keys bytea[], forgiven bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    -- As attempts do, so that nobody waits in a ring.
    SELECT pg_advisory_xact_lock(hashtextextended(encode(k, 'hex'), 0))
      FROM (SELECT unnest(keys || forgiven) AS k ORDER BY 1) o WHERE k IS NOT NULL;
    DELETE FROM store.sign_in_attempt a WHERE a.tenant_id = store.current_tenant() AND a.key = forgiven;
    UPDATE store.sign_in_attempt a SET failures = greatest(a.failures - 1, 0)
     WHERE a.tenant_id = store.current_tenant() AND a.key = ANY (keys);
$$;

-- Counts that are forgotten: anybody can make rows here, by naming e-mails that don't exist.
CREATE FUNCTION store.purge_attempts(most integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH old AS (
        SELECT tenant_id, key FROM store.sign_in_attempt WHERE last_at < now() - interval '1 hour' LIMIT most
           FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM store.sign_in_attempt a USING old
         WHERE a.tenant_id = old.tenant_id AND a.key = old.key RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION store.purge_attempts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.purge_attempts TO rapport_relay;

REVOKE EXECUTE ON FUNCTION store.attempt_sign_in, store.signed_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.attempt_sign_in, store.signed_in TO rapport_service;
