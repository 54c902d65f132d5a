-- Where people are told of what happens, and how that goes. The secrets that sign are in the log alone.
CREATE TABLE webhooks (
    id BLOB PRIMARY KEY,
    owner BLOB NOT NULL,
    url TEXT,
    -- Names with a space between.
    topics TEXT NOT NULL,
    conversation BLOB,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    paused TEXT,
    paused_at INTEGER,
    -- All up to here is delivered, or was not for it.
    delivered INTEGER NOT NULL,
    failing_since INTEGER,
    failure_status INTEGER,
    failure TEXT,
    -- Until then the secret before the present one signs too.
    overlap_until INTEGER,
    -- The last deliveries, JSON.
    recent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_by_owner ON webhooks (owner, id);
