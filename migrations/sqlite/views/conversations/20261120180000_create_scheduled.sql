-- What people want sent later, until it is sent or cancelled.
CREATE TABLE scheduled (
    id BLOB PRIMARY KEY,
    owner BLOB NOT NULL,
    conversation BLOB NOT NULL,         -- its id, for it may not be there yet
    people BLOB,                        -- ids of 16 bytes, one after the other; null where the conversation was named
    content_type TEXT,                  -- null for text/plain
    reply_seq INTEGER,
    reply_version INTEGER,
    subject TEXT,
    body TEXT,
    send_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    stage INTEGER NOT NULL,             -- 0 waits, 1 its time has come, 2 failed
    failure TEXT,
    attachments BLOB                    -- ids of 16 bytes, one after the other
) STRICT, WITHOUT ROWID;

CREATE INDEX scheduled_by_owner ON scheduled (owner, send_at, id);
CREATE INDEX scheduled_due ON scheduled (send_at) WHERE stage < 2;
