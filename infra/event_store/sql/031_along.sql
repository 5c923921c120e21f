-- As before, and read models that want none of the events come along. They are not waited for: one that is elsewhere, has
-- something parked or is being moved by a turn of its own stays where it is.
DROP FUNCTION read.advance(text[], text[], bigint, bigint);
CREATE FUNCTION read.advance(projections text[], followed text[], along text[], before bigint, after bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant uuid := store.current_tenant();
    moved bigint;
BEGIN
    UPDATE read.checkpoint SET position = after
     WHERE tenant_id = tenant AND projection = ANY (projections) AND position = before AND parked = 0;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(projections) THEN
        RAISE EXCEPTION 'the checkpoints are not at %', before USING ERRCODE = 'RP001';
    END IF;
    -- A projector that saw them there may have seen a commit that a crash has taken back since.
    IF cardinality(followed) > 0 THEN
        PERFORM FROM read.checkpoint
          WHERE tenant_id = tenant AND projection = ANY (followed) AND position >= after
         HAVING count(*) = cardinality(followed);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'those that are followed are not at %', after USING ERRCODE = 'RP001';
        END IF;
    END IF;
    IF cardinality(along) > 0 THEN
        UPDATE read.checkpoint SET position = after
         WHERE tenant_id = tenant AND projection IN (
               SELECT projection FROM read.checkpoint
                WHERE tenant_id = tenant AND projection = ANY (along) AND position = before AND parked = 0
                  FOR UPDATE SKIP LOCKED);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION read.advance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.advance TO rapport_projector;
