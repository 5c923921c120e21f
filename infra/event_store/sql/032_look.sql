-- The first question of every request.

-- The events that say who may do what (store.event_access has the same topics) after a position, from the one partition
-- that has the tenant: see store.stream_events. It takes the tenant as an argument, so it is nobody's but the owner's.
-- Strict: without a position it is not even called.
DO $make$
DECLARE
    branches text;
BEGIN
    SELECT string_agg(format($branch$
        WHEN %s THEN
            RETURN QUERY SELECT v.position, v.stream_id, v.topic, v.data FROM store.event_%1$s v
             WHERE v.tenant_id = tenant AND v.position > after AND v.topic IN (
    'user.registered.v1', 'user.invited.v1', 'user.joined.v1', 'user.roles_changed.v1', 'user.suspended.v1', 'user.restored.v1', 'user.signed_out.v1',
    'role.defined.v1', 'role.changed.v1', 'role.deleted.v1', 'admin.removed.v1',
    'team.founded.v1', 'team.members_changed.v1', 'api_key.issued.v1', 'api_key.revoked.v1', 'tenant.suspended.v1', 'tenant.restored.v1',
    'settings.changed.v1',
    'custom_field.defined.v1', 'custom_field.changed.v1', 'custom_field.change_begun.v1', 'custom_field.change_dropped.v1',
    'custom_field.deleted.v1')
             ORDER BY v.position;$branch$, i), '' ORDER BY i)
      INTO branches FROM generate_series(0, 15) i;
    EXECUTE format($function$
CREATE FUNCTION store.access_after(tenant uuid, after bigint)
    RETURNS TABLE ("position" bigint, stream_id uuid, topic text, data bytea)
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    CASE store.partition_of(tenant) %s
    END CASE;
END
$body$
    $function$, branches);
END $make$;

-- What requests ask first, those of a moment together: whether the session lasts, and what was said of access after the
-- position that the process knows (NULL where another of the same call asks for that), and how far the tenant's log goes:
-- what a process has read of a log that has not moved needs no reading again. Whether it has, its hash tells: one that was
-- set back and went on otherwise has another. asks is a list of {n, tenant, session, member, epoch, after, hash}. It takes
-- tenants as arguments, so it is not for the query pool.
DROP FUNCTION IF EXISTS store.look(jsonb);  -- as it was before it told hashes
CREATE FUNCTION store.look(asks jsonb)
    RETURNS TABLE (
        n integer, lasts boolean, head bigint, hash bytea, "position" bigint, stream_id uuid, topic text, data bytea
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.n, EXISTS (
           SELECT FROM store.session s
            WHERE s.tenant_id = a.tenant AND s.id = a.session AND s.user_id = a.member AND s.epoch = a.epoch
              AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()),
           h.position, h.hash, e.*
      FROM jsonb_to_recordset(asks)
        AS a (n integer, tenant uuid, session uuid, member uuid, epoch integer, after bigint, hash bytea)
      LEFT JOIN LATERAL (
           SELECT t.position, t.hash FROM store.tenant_head t
            WHERE t.tenant_id = a.tenant AND a.after IS NOT NULL OFFSET 0) h ON true
      LEFT JOIN LATERAL store.access_after(a.tenant, CASE WHEN h.hash IS DISTINCT FROM a.hash THEN a.after END) e ON true
     ORDER BY a.n, e.position
$$;

REVOKE EXECUTE ON FUNCTION store.access_after, store.look FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.look TO rapport_append;
