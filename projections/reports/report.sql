-- What is counted of interactions. Where one has no author or contact the nil UUID stands, and '' for no type or outcome.

-- One row an interaction: what has been counted of it, to be taken back when it changes. `contact_id` is the contact by
-- now: the survivor, where the one that it was told of was merged. `turn` is whose turn it was ('inbound', 'outbound')
-- in a conversation with that contact; NULL where it is part of none. `thread` is the thread that both sides kept to.
CREATE TABLE read.report_interaction_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    author_id  uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel    text NOT NULL,
    type       text NOT NULL,
    outcome    text NOT NULL,
    due_at     timestamptz,
    turn       text,
    thread     uuid,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON read.report_interaction_v1 (tenant_id, at);
CREATE INDEX ON read.report_interaction_v1 (tenant_id, at) WHERE due_at IS NOT NULL;
CREATE INDEX ON read.report_interaction_v1 (tenant_id, thread, turn, at, id) WHERE thread IS NOT NULL;
-- Each is in one of these: what was said to a contact in threads is not in the way of what was said outside of them.
CREATE INDEX ON read.report_interaction_v1 (tenant_id, contact_id, at, id) WHERE turn = 'inbound';
CREATE INDEX ON read.report_interaction_v1 (tenant_id, contact_id, at, id) WHERE turn = 'outbound' AND thread IS NULL;
CREATE INDEX ON read.report_interaction_v1 (tenant_id, contact_id, at, id) WHERE turn = 'outbound' AND thread IS NOT NULL;

-- One row an inbound interaction that was answered: when and of what kind it was, who answered, and after how many
-- microseconds.
CREATE TABLE read.report_response_v1 (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    author_id  uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel    text NOT NULL,
    type       text NOT NULL,
    outcome    text NOT NULL,
    lasted     bigint NOT NULL,
    answer_id  uuid NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON read.report_response_v1 (tenant_id, at);
CREATE INDEX ON read.report_response_v1 (tenant_id, contact_id, at);
CREATE INDEX ON read.report_response_v1 (tenant_id, answer_id);

-- How many there were by day, and by month (its first day), both of UTC: of each author, and of all (by_author false, the
-- nil UUID).
CREATE TABLE read.report_count_v1 (
    tenant_id    uuid NOT NULL,
    by_author    boolean NOT NULL,
    step         text NOT NULL,
    day          date NOT NULL,
    author_id    uuid NOT NULL,
    channel      text NOT NULL,
    type         text NOT NULL,
    outcome      text NOT NULL,
    interactions bigint NOT NULL,
    PRIMARY KEY (tenant_id, by_author, step, day, author_id, channel, type, outcome)
) WITH (fillfactor = 80);

-- How many there were of each contact by year (its first day, of UTC) and author.
CREATE TABLE read.report_contact_v1 (
    tenant_id    uuid NOT NULL,
    year         date NOT NULL,
    contact_id   uuid NOT NULL,
    author_id    uuid NOT NULL,
    interactions bigint NOT NULL,
    PRIMARY KEY (tenant_id, year, contact_id, author_id)
) WITH (fillfactor = 80);
