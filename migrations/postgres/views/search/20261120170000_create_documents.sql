-- Made in the schema of a generation. Unlogged while it is being filled: a crash then leaves nothing that counts.
-- What may be found in each message that can be found: numbers, no text.
CREATE UNLOGGED TABLE documents (
    conversation UUID NOT NULL,
    seq BIGINT NOT NULL,
    sender UUID NOT NULL,
    is_text BOOLEAN NOT NULL,           -- whether its body is text that can be looked into
    fingerprints BIGINT[] NOT NULL,     -- in order; those of a conversation begin with the same 31 bits
    PRIMARY KEY (conversation, seq)
);

-- In which stretches of 4,096 messages somebody wrote, whatever is left of it: where to look when their account is closed.
CREATE UNLOGGED TABLE authors (
    sender UUID NOT NULL,
    conversation UUID NOT NULL,
    stretch BIGINT NOT NULL,
    PRIMARY KEY (sender, conversation, stretch)
);

-- Closed accounts. What arrives from one after all can never be found.
CREATE UNLOGGED TABLE closed (
    user_id UUID PRIMARY KEY
);
