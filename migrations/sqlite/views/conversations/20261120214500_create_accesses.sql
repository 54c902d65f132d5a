-- What auditors were shown, once for each whom it concerned.
CREATE TABLE accesses (
    subject BLOB NOT NULL,              -- a person, a conversation, or sixteen zeros for everybody
    position INTEGER NOT NULL,
    auditor BLOB NOT NULL,
    at INTEGER NOT NULL,
    shown TEXT NOT NULL,
    conversation BLOB,
    seq INTEGER,                        -- of the one message, where it was one
    version INTEGER,
    as_of INTEGER,                      -- the position as of which, where not as of the moment
    PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;
