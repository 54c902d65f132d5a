-- What somebody is to somebody else, as either of them sees it: two rows for each pair.
CREATE TABLE contacts (
    user BLOB NOT NULL,
    other BLOB NOT NULL,
    -- 1 accepted, 2 incoming, 3 outgoing
    state INTEGER NOT NULL,
    since INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (user, other)
) STRICT, WITHOUT ROWID;

CREATE INDEX contacts_by_state ON contacts (user, state, position);

-- Whom somebody blocks.
CREATE TABLE blocks (
    user BLOB NOT NULL,
    other BLOB NOT NULL,
    since INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (user, other)
) STRICT, WITHOUT ROWID;

CREATE INDEX blocks_by_position ON blocks (user, position);
