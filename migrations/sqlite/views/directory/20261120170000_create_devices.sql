CREATE TABLE devices (
    user BLOB NOT NULL,
    -- 1, 2, 3 … within the account
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    identity_key TEXT NOT NULL,
    -- How many key packages nobody has claimed.
    key_packages INTEGER NOT NULL,
    fallback INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    PRIMARY KEY (user, number)
) STRICT, WITHOUT ROWID;
