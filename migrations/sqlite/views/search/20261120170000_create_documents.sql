-- What may be found in each message that can be found: numbers, no text.
CREATE TABLE documents (
    conversation BLOB NOT NULL,
    seq INTEGER NOT NULL,
    sender BLOB NOT NULL,
    text INTEGER NOT NULL,              -- whether its body is text that can be looked into
    fingerprints BLOB NOT NULL,         -- their lower four bytes, in order: the upper ones are the conversation's
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

-- The same the other way round: which messages of a stretch of 4,096 have a fingerprint. Those of a conversation begin alike and lie
-- side by side. Filled when the documents are, all at once.
CREATE TABLE postings (
    fingerprint INTEGER NOT NULL,
    stretch INTEGER NOT NULL,           -- seq / 4096
    seqs BLOB NOT NULL,                 -- fewer than 256: places in the stretch, two bytes each, in order; else a bit for each of 4,096
    PRIMARY KEY (fingerprint, stretch)
) STRICT, WITHOUT ROWID;

-- In which stretches of 4,096 messages somebody wrote, whatever is left of it: where to look when their account is closed.
CREATE TABLE authors (
    sender BLOB NOT NULL,
    conversation BLOB NOT NULL,
    stretch INTEGER NOT NULL,
    PRIMARY KEY (sender, conversation, stretch)
) STRICT, WITHOUT ROWID;

-- Closed accounts. What arrives from one after all can never be found.
CREATE TABLE closed (
    user BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
