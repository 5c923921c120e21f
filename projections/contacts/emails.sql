
-- A contact's e-mails as two of them are compared: without case.
CREATE FUNCTION read.emails_compared_v1(emails jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT lower(e ->> 'value') FROM jsonb_array_elements(emails) e);
REVOKE EXECUTE ON FUNCTION read.emails_compared_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.emails_compared_v1 TO rapport_projector;  -- who writes what the index is of

CREATE INDEX ON read.contact_v1 USING gin (tenant_id, read.emails_compared_v1(emails)) WITH (fastupdate = off)
 WHERE deleted_at IS NULL;

-- The contacts with some e-mails, at most so many of each. Array operators are not leakproof: under row level security
-- the index is out of reach. So this runs as the owner, and takes the tenant from the transaction.
CREATE FUNCTION read.contacts_by_email_v1(asked text[], most integer)
    RETURNS TABLE (email text, contact_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.email, f.id
      FROM unnest(asked) AS a (email)
     CROSS JOIN LATERAL (
           SELECT c.id FROM read.contact_v1 c
            WHERE c.tenant_id = store.current_tenant() AND c.deleted_at IS NULL
              AND read.emails_compared_v1(c.emails) @> ARRAY[lower(a.email)]
            LIMIT most) f
$$;
REVOKE EXECUTE ON FUNCTION read.contacts_by_email_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.contacts_by_email_v1 TO rapport_service;
