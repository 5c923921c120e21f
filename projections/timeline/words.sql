-- Words of entries, for records so crowded that a walk through their entries would take long: of those all rows of
-- read.timeline_v1, of others some (see words.py). So an index that is dear to write has the words of few.
CREATE TABLE read.timeline_word_v1 (
    tenant_id uuid NOT NULL,
    record_id uuid NOT NULL,
    since     bigint NOT NULL,
    id        uuid NOT NULL,
    words     tsvector NOT NULL,
    PRIMARY KEY (tenant_id, record_id, since, id)
);
-- Each word stands after a tag of the record, as does a beginning that is looked for: a range of this index, which holds
-- words of this record and nobody else's. What is filtered by stands among them.
CREATE INDEX ON read.timeline_word_v1 USING gin (words) WITH (gin_pending_list_limit = 1024);
