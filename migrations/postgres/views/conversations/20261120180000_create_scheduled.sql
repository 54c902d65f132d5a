-- What people want sent later, until it is sent or cancelled.
CREATE UNLOGGED TABLE scheduled (
    id UUID PRIMARY KEY,
    owner UUID NOT NULL,
    conversation UUID NOT NULL,         -- its id, for it may not be there yet
    people BYTEA,                       -- ids of 16 bytes, one after the other; null where the conversation was named
    content_type TEXT COLLATE "C",      -- null for text/plain
    reply_seq BIGINT,
    reply_version BIGINT,
    subject TEXT COLLATE "C",
    body TEXT COLLATE "C",
    send_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    stage BIGINT NOT NULL,              -- 0 waits, 1 its time has come, 2 failed
    failure TEXT COLLATE "C",
    attachments BYTEA                   -- ids of 16 bytes, one after the other
);

CREATE INDEX scheduled_by_owner ON scheduled (owner, send_at, id);
CREATE INDEX scheduled_due ON scheduled (send_at) WHERE stage < 2;
