-- What users are told by mail: a row each, from when it is known until some days after it was sent. A user has one digest
-- for one time, whoever makes it and however often. How far notifications have been looked at is in the tenant's turn.
CREATE TABLE store.mail (
    tenant_id    uuid NOT NULL,
    user_id      uuid NOT NULL,
    digest       boolean NOT NULL,
    due_at       timestamptz NOT NULL,
    ids          uuid[] NOT NULL,           -- of notifications
    attempts     integer NOT NULL DEFAULT 0,
    not_before   timestamptz NOT NULL DEFAULT '-infinity',
    error        text,
    holder       uuid,
    leased_until timestamptz,
    sent_at      timestamptz,               -- or given up, where there is an error
    PRIMARY KEY (tenant_id, user_id, digest, due_at)
) WITH (fillfactor = 80);
CREATE INDEX mail_waits ON store.mail (tenant_id, due_at) WHERE sent_at IS NULL;
ALTER TABLE store.mail ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.mail USING (tenant_id = store.current_tenant());

CREATE TABLE store.mail_turn (
    tenant_id uuid PRIMARY KEY,
    position  bigint NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE store.mail_turn ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON store.mail_turn USING (tenant_id = store.current_tenant());
GRANT SELECT ON store.mail_turn TO rapport_service;

-- Keeps the mails that notifications of the transaction's tenant make, {user_id, digest, due_at, else_at, ids}, and moves
-- its turn on with them; false when somebody else has done so. A digest that is sent, or about to be, takes no more: then
-- it is the one of `else_at`.
CREATE FUNCTION store.keep_mails(before bigint, after bigint, mails jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant constant uuid := store.current_tenant();
BEGIN
    INSERT INTO store.mail_turn VALUES (tenant, 0) ON CONFLICT DO NOTHING;
    UPDATE store.mail_turn t SET position = after WHERE t.tenant_id = tenant AND t.position = before;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO store.mail AS m (tenant_id, user_id, digest, due_at, ids)
    SELECT tenant, r.user_id, r.digest,
           CASE WHEN EXISTS (SELECT FROM store.mail o
                              WHERE o.tenant_id = tenant AND o.user_id = r.user_id AND o.digest = r.digest
                                AND o.due_at = r.due_at AND (o.sent_at IS NOT NULL OR o.holder IS NOT NULL))
                THEN r.else_at ELSE r.due_at END, r.ids
      FROM jsonb_to_recordset(mails) AS r (user_id uuid, digest boolean, due_at timestamptz, else_at timestamptz, ids uuid[])
        ON CONFLICT (tenant_id, user_id, digest, due_at) DO UPDATE SET ids = m.ids || excluded.ids;
    RETURN true;
END $$;

-- Mails that are due, for a while one worker's. One that is due in days was made by a clock that was ahead.
CREATE FUNCTION store.take_mails(worker uuid, lease interval, at timestamptz, most integer)
    RETURNS TABLE (tenant_id uuid, user_id uuid, digest boolean, due_at timestamptz, ids uuid[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    now_ constant timestamptz := clock_timestamp();
BEGIN
    RETURN QUERY
    UPDATE store.mail m SET holder = worker, leased_until = now_ + lease
      FROM (SELECT c.tenant_id, c.user_id, c.digest, c.due_at FROM store.mail c
             WHERE c.sent_at IS NULL AND (c.due_at <= at OR c.due_at > at + interval '2 days')
               AND c.not_before NOT BETWEEN now_ AND now_ + interval '2 hours'
               AND (c.leased_until IS NULL OR c.leased_until NOT BETWEEN now_ AND now_ + lease)
             ORDER BY c.due_at LIMIT most FOR UPDATE SKIP LOCKED) d
     WHERE m.tenant_id = d.tenant_id AND m.user_id = d.user_id AND m.digest = d.digest AND m.due_at = d.due_at
    RETURNING m.tenant_id, m.user_id, m.digest, m.due_at, m.ids;
END $$;

-- A mail was sent (`why` NULL), or could not be: then it is tried again after 2 s, 4 s, up to an hour, `most` times.
-- What was done with a week ago is forgotten.
CREATE FUNCTION store.leave_mail(
    worker uuid, tenant uuid, of_user uuid, is_digest boolean, due timestamptz, why text, most integer
)
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE store.mail m
       SET attempts = m.attempts + 1, error = why, holder = NULL, leased_until = NULL,
           not_before = clock_timestamp() + least(interval '1 hour', interval '1 second' * 2 ^ least(m.attempts + 1, 20)),
           sent_at = CASE WHEN why IS NULL OR m.attempts + 1 >= most THEN clock_timestamp() END
     WHERE m.tenant_id = tenant AND m.user_id = of_user AND m.digest = is_digest AND m.due_at = due AND m.holder = worker;
    DELETE FROM store.mail m
     WHERE m.tenant_id = tenant AND m.user_id = of_user AND m.sent_at < clock_timestamp() - interval '7 days';
$$;

REVOKE EXECUTE ON FUNCTION store.keep_mails, store.take_mails, store.leave_mail FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.keep_mails TO rapport_service;
GRANT EXECUTE ON FUNCTION store.take_mails, store.leave_mail TO rapport_append;
