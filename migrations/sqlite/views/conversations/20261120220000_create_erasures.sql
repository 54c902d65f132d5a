-- What was to be erased, and when that was done.
CREATE TABLE erasures (
    position INTEGER PRIMARY KEY,       -- of the event that asks for it
    message INTEGER,                    -- the key of the message; null for an account
    version INTEGER,                    -- the same message's
    user BLOB NOT NULL,                 -- who wrote it, or whose account it was
    asked_by BLOB,                      -- null for a rule
    reason INTEGER NOT NULL,            -- 0 deleted by its sender, 1 a rule, 2 the account was closed
    asked_at INTEGER NOT NULL,
    done_at INTEGER,                    -- null while it waits
    receipt INTEGER                     -- the position of the event that says so
) STRICT;

CREATE INDEX erasures_by_user ON erasures (user, position);
CREATE INDEX erasures_by_message ON erasures (message) WHERE message IS NOT NULL;
CREATE INDEX erasures_waiting ON erasures (position) WHERE done_at IS NULL;

-- Conversations that keep messages for a time, or of which a rule has deleted some.
CREATE TABLE retained (
    conversation INTEGER PRIMARY KEY,   -- its number
    seconds INTEGER,                    -- how long by its own rule; null for ever
    expired_seq INTEGER NOT NULL        -- the last message that a rule has deleted
) STRICT;
