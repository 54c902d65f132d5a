-- `number` counts the conversations in the order of the log. It makes the keys of messages small: see `messages`.
CREATE TABLE conversations (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,              -- 0 direct, 1 group
    name TEXT,
    created_at INTEGER NOT NULL,
    started INTEGER NOT NULL,           -- position of the start
    joined INTEGER NOT NULL,            -- how often somebody joined: orders the members
    members INTEGER NOT NULL,           -- how many are in it now
    last_seq INTEGER NOT NULL,
    last_deleted_seq INTEGER NOT NULL,  -- above it nothing is deleted
    activity INTEGER NOT NULL,          -- position of the last message, or of the start
    latest_at INTEGER NOT NULL          -- the greatest time of any message
) STRICT;

-- Who is or was in a conversation, and how far they have read: member and reader are one row.
--   unread = last_seq - mark - (deleted above the mark) + adjust
CREATE TABLE members (
    user BLOB NOT NULL,
    conversation INTEGER NOT NULL,
    role INTEGER NOT NULL,              -- 0 member, 1 admin, 2 owner
    joined INTEGER NOT NULL,            -- the so-manieth to join
    joined_at INTEGER NOT NULL,
    joined_seq INTEGER NOT NULL,
    left_seq INTEGER,                   -- null while in it
    left_position INTEGER,
    sent_seq INTEGER NOT NULL,          -- their last message
    mark INTEGER NOT NULL,              -- all up to here is read, but for exceptions
    delivered INTEGER NOT NULL,
    exceptions INTEGER NOT NULL,        -- how many rows in `exceptions`
    adjust INTEGER NOT NULL,            -- the sum of their `counts`
    muted INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    PRIMARY KEY (user, conversation)
) STRICT, WITHOUT ROWID;

-- `key` = number << 32 | seq: a conversation's messages lie side by side, in order, with no second index.
CREATE TABLE messages (
    key INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sender BLOB NOT NULL,
    at INTEGER NOT NULL,
    latest_at INTEGER NOT NULL,         -- the greatest `at` in the conversation up to here: never falls with `key`
    content_type TEXT,                  -- null for text/plain
    reply_to INTEGER,
    mentions BLOB,                      -- ids of 16 bytes, one after the other
    attachments BLOB,                   -- the same
    subject TEXT,
    body TEXT,
    edited_at INTEGER,
    deleted_at INTEGER,
    pinned_at INTEGER,
    reactions INTEGER NOT NULL          -- how many rows in `reactions`
) STRICT;

-- What an edited message said at each time, the first included. Nothing for a message never edited.
CREATE TABLE message_versions (
    key INTEGER NOT NULL,
    edit INTEGER NOT NULL,
    at INTEGER NOT NULL,
    subject TEXT,
    body TEXT,
    PRIMARY KEY (key, edit)
) STRICT, WITHOUT ROWID;

CREATE TABLE reactions (
    key INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    user BLOB NOT NULL,
    PRIMARY KEY (key, emoji, user)
) STRICT, WITHOUT ROWID;

-- `first` is the position of the reaction that brought the emoji: the order in which they are shown.
CREATE TABLE reaction_counts (
    key INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (key, emoji)
) STRICT, WITHOUT ROWID;

-- Messages that one reader sees otherwise than their mark says.
CREATE TABLE exceptions (
    user BLOB NOT NULL,
    key INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    mark INTEGER NOT NULL,              -- 0 none, 1 read above the mark, 2 unread at or below it
    counts INTEGER NOT NULL,            -- -1, 0 or 1: what it changes in the unread count
    PRIMARY KEY (user, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX exceptions_by_message ON exceptions (key);

CREATE TABLE mentions (
    user BLOB NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (user, key)
) STRICT, WITHOUT ROWID;

-- When marks moved, and single messages were marked read. What is implied by one's own messages is found in `messages`.
CREATE TABLE receipts (
    user BLOB NOT NULL,
    kind INTEGER NOT NULL,              -- 0 read up to, 1 delivered up to, 2 this one read
    key INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user, kind, key)
) STRICT, WITHOUT ROWID;

-- Closed accounts. What arrives from one after all is erased at once.
CREATE TABLE closed (
    user BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
