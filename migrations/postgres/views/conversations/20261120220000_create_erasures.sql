-- What was to be erased, and when that was done.
CREATE UNLOGGED TABLE erasures (
    position BIGINT PRIMARY KEY,        -- of the event that asks for it
    message BIGINT,                     -- the key of the message; null for an account
    version BIGINT,                     -- the same message's
    user_id UUID NOT NULL,              -- who wrote it, or whose account it was
    asked_by UUID,                      -- null for a rule
    reason BIGINT NOT NULL,             -- 0 deleted by its sender, 1 a rule, 2 the account was closed
    asked_at BIGINT NOT NULL,
    done_at BIGINT,                     -- null while it waits
    receipt BIGINT                      -- the position of the event that says so
);

CREATE INDEX erasures_by_user ON erasures (user_id, position);
CREATE INDEX erasures_by_message ON erasures (message) WHERE message IS NOT NULL;
CREATE INDEX erasures_waiting ON erasures (position) WHERE done_at IS NULL;

-- Conversations that keep messages for a time, or of which a rule has deleted some.
CREATE UNLOGGED TABLE retained (
    conversation BIGINT PRIMARY KEY,    -- its number
    seconds BIGINT,                     -- how long by its own rule; null for ever
    expired_seq BIGINT NOT NULL         -- the last message that a rule has deleted
);
