-- What leads are worth by the tenant's rules, and of which events: one row for each lead that any rule says something of.
-- `parts` are [{rule, position, at, points, decay_days?}], points as the rule gives them, before they are worth less.
CREATE TABLE read.lead_score_v1 (
    tenant_id uuid NOT NULL,
    id        uuid NOT NULL,
    score     integer NOT NULL,
    decays    boolean NOT NULL,     -- another day makes another score
    parts     jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX ON read.lead_score_v1 (tenant_id, score, id) WHERE score <> 0;
CREATE INDEX ON read.lead_score_v1 (tenant_id, id) WHERE decays;

-- By which version of the rules, and as of which day (UTC), a tenant's scores are. While `next_rules` is set, those of leads
-- up to `after` are by the next ones, those of leads behind it as before.
CREATE TABLE read.scoring_pass_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,       -- of the rules' stream
    rules      integer NOT NULL,
    day        date NOT NULL,
    next_rules integer,
    next_day   date,
    after      uuid,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 50);

-- Tenants with a pass to go on with, with newer rules, or with scores that are less by now.
CREATE FUNCTION read.lead_scoring_due_v1(today date)
    RETURNS TABLE (tenant_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.tenant_id
      FROM read.scoring_pass_v1 p
     WHERE p.next_rules IS NOT NULL
        OR p.rules < (SELECT max(r.version) FROM read.scoring_rules_v1 r WHERE r.tenant_id = p.tenant_id)
        OR (p.day < today AND EXISTS (
               SELECT FROM read.lead_score_v1 s WHERE s.tenant_id = p.tenant_id AND s.decays))
$$;
REVOKE EXECUTE ON FUNCTION read.lead_scoring_due_v1 FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.lead_scoring_due_v1 TO rapport_projector;
