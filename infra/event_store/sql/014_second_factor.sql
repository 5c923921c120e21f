-- The time step of the last one-time password that each user gave: it and those before it are good no more. That must hold
-- at once in every process, for something that happens with every sign-in and is no fact worth an event. All else of a
-- second factor is in the log (domain/second_factor.py).
CREATE TABLE store.totp_step (
    tenant_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    step      bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) WITH (fillfactor = 50);
ALTER TABLE store.totp_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.totp_step USING (tenant_id = store.current_tenant());

-- Uses up a step; false when it, or a later one, was used before.
CREATE FUNCTION store.take_totp_step(of_user uuid, taken bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH used AS (
        INSERT INTO store.totp_step AS s VALUES (store.current_tenant(), of_user, taken)
            ON CONFLICT (tenant_id, user_id) DO UPDATE SET step = excluded.step WHERE s.step < excluded.step
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM used)
$$;
REVOKE EXECUTE ON FUNCTION store.take_totp_step FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.take_totp_step TO rapport_service;
