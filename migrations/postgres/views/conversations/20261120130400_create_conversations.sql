-- Made in the schema of a generation. Unlogged while it is being filled: a crash then leaves nothing that counts.
-- `number` counts the conversations in the order of the log. It makes the keys of messages small: see `messages`.
CREATE UNLOGGED TABLE conversations (
    number BIGINT PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    is_group BOOLEAN NOT NULL,
    name TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    started BIGINT NOT NULL,            -- position of the start
    joined BIGINT NOT NULL,             -- how often somebody joined: orders the members
    members BIGINT NOT NULL,            -- how many are in it now
    last_seq BIGINT NOT NULL,
    last_deleted_seq BIGINT NOT NULL,   -- above it nothing is deleted
    activity BIGINT NOT NULL,           -- position of the last message, or of the start
    latest_at BIGINT NOT NULL           -- the greatest time of any message
) WITH (fillfactor = 50);

-- Who is or was in a conversation, and how far they have read: member and reader are one row.
--   unread = last_seq - mark - (deleted above the mark) + adjust
CREATE UNLOGGED TABLE members (
    user_id UUID NOT NULL,
    conversation BIGINT NOT NULL,
    role BIGINT NOT NULL,               -- 0 member, 1 admin, 2 owner
    joined BIGINT NOT NULL,             -- the so-manieth to join
    joined_at BIGINT NOT NULL,
    joined_seq BIGINT NOT NULL,
    left_seq BIGINT,                    -- null while in it
    left_position BIGINT,
    sent_seq BIGINT NOT NULL,           -- their last message
    mark BIGINT NOT NULL,               -- all up to here is read, but for exceptions
    delivered BIGINT NOT NULL,
    exceptions BIGINT NOT NULL,         -- how many rows in `exceptions`
    adjust BIGINT NOT NULL,             -- the sum of their `counts`
    muted BOOLEAN NOT NULL,
    archived BOOLEAN NOT NULL,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 50);

-- `key` = number << 32 | seq: a conversation's messages lie side by side in the index, in order.
CREATE UNLOGGED TABLE messages (
    key BIGINT PRIMARY KEY,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    sender UUID NOT NULL,
    at BIGINT NOT NULL,
    latest_at BIGINT NOT NULL,          -- the greatest `at` in the conversation up to here: never falls with `key`
    content_type TEXT COLLATE "C",      -- null for text/plain
    reply_to BIGINT,
    mentions BYTEA,                     -- ids of 16 bytes, one after the other
    attachments BYTEA,                  -- the same
    subject TEXT COLLATE "C",
    body TEXT COLLATE "C",
    edited_at BIGINT,
    deleted_at BIGINT,
    pinned_at BIGINT,
    reactions BIGINT NOT NULL           -- how many rows in `reactions`
);

-- What an edited message said at each time, the first included. Nothing for a message never edited.
CREATE UNLOGGED TABLE message_versions (
    key BIGINT NOT NULL,
    edit BIGINT NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT COLLATE "C",
    body TEXT COLLATE "C",
    PRIMARY KEY (key, edit)
);

CREATE UNLOGGED TABLE reactions (
    key BIGINT NOT NULL,
    emoji TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (key, emoji, user_id)
);

-- `first` is the position of the reaction that brought the emoji: the order in which they are shown.
CREATE UNLOGGED TABLE reaction_counts (
    key BIGINT NOT NULL,
    emoji TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (key, emoji)
);

-- Messages that one reader sees otherwise than their mark says.
CREATE UNLOGGED TABLE exceptions (
    user_id UUID NOT NULL,
    key BIGINT NOT NULL,
    hidden BOOLEAN NOT NULL,
    mark BIGINT NOT NULL,               -- 0 none, 1 read above the mark, 2 unread at or below it
    counts BIGINT NOT NULL,             -- -1, 0 or 1: what it changes in the unread count
    PRIMARY KEY (user_id, key)
);

CREATE INDEX exceptions_by_message ON exceptions (key);

CREATE UNLOGGED TABLE mentions (
    user_id UUID NOT NULL,
    key BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);

-- When marks moved, and single messages were marked read. What is implied by one's own messages is found in `messages`.
CREATE UNLOGGED TABLE receipts (
    user_id UUID NOT NULL,
    kind BIGINT NOT NULL,               -- 0 read up to, 1 delivered up to, 2 this one read
    key BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (user_id, kind, key)
);

-- Closed accounts. What arrives from one after all is erased at once.
CREATE UNLOGGED TABLE closed (
    user_id UUID PRIMARY KEY,
    at BIGINT NOT NULL
);

-- The `seq` of the newest message at or before a position; 0 for none. Positions rise with `seq`, and `seq` has no gaps, so
-- a few probes find it. What is parked leaves a gap at the end only.
CREATE FUNCTION seq_at(number BIGINT, last_seq BIGINT, bound BIGINT) RETURNS BIGINT
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    low BIGINT := 1;
    high BIGINT := last_seq + 1;
    middle BIGINT;
BEGIN
    WHILE low < high LOOP
        middle := (low + high) / 2;
        IF coalesce((SELECT m.position > bound FROM messages m WHERE m.key = (number << 32 | middle)), TRUE) THEN
            high := middle;
        ELSE
            low := middle + 1;
        END IF;
    END LOOP;
    RETURN low - 1;
END $$;

-- The first `seq` at or before which there is a message from `bound` or later; `last_seq + 1` for none.
CREATE FUNCTION seq_since(number BIGINT, last_seq BIGINT, bound BIGINT) RETURNS BIGINT
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    low BIGINT := 1;
    high BIGINT := last_seq + 1;
    middle BIGINT;
BEGIN
    WHILE low < high LOOP
        middle := (low + high) / 2;
        IF coalesce((SELECT m.latest_at >= bound FROM messages m WHERE m.key = (number << 32 | middle)), TRUE) THEN
            high := middle;
        ELSE
            low := middle + 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;
