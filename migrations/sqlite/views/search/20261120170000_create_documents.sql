-- What may be found in each message that can be found: numbers, no text. Eight bytes each would waste two: they are kept in six.
CREATE TABLE documents (
    conversation BLOB NOT NULL,
    seq INTEGER NOT NULL,
    sender BLOB NOT NULL,
    text INTEGER NOT NULL,              -- whether its body is text that can be looked into
    fingerprints BLOB NOT NULL,         -- of six bytes, one after the other, in order
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

-- The same the other way round. A fingerprint belongs to one conversation, so its messages stand in order. Filled when the
-- documents are, all at once.
CREATE TABLE postings (
    fingerprint INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, seq)
) STRICT, WITHOUT ROWID;

-- Closed accounts. What arrives from one after all can never be found.
CREATE TABLE closed (
    user BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
