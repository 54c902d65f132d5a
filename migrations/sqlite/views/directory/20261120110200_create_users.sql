CREATE TABLE users (
    id BLOB PRIMARY KEY,
    username TEXT,
    email TEXT,
    phone_number TEXT,
    first_name TEXT,
    last_name TEXT,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    roles TEXT NOT NULL DEFAULT '',
    credential INTEGER NOT NULL DEFAULT 1,
    kept_session BLOB,
    imported INTEGER NOT NULL,
    suspended INTEGER NOT NULL DEFAULT 0,
    mfa INTEGER NOT NULL DEFAULT 0,
    closed_at INTEGER
) STRICT, WITHOUT ROWID;

-- Each word of a username, first or last name, in lower case.
CREATE TABLE name_terms (
    term TEXT NOT NULL,
    user BLOB NOT NULL,
    username TEXT NOT NULL,
    PRIMARY KEY (term, username)
) STRICT, WITHOUT ROWID;

CREATE INDEX name_terms_by_user ON name_terms (user, term);

-- Open sessions only.
CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    user BLOB NOT NULL,
    credential INTEGER NOT NULL,
    device_name TEXT,
    opened_at INTEGER NOT NULL,
    refreshed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user);
