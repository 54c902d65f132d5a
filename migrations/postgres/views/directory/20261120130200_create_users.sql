-- Made in the schema of a generation. Unlogged while it is being filled: a crash then leaves nothing that counts.
CREATE UNLOGGED TABLE users (
    id UUID PRIMARY KEY,
    username TEXT COLLATE "C",
    email TEXT COLLATE "C",
    phone_number TEXT COLLATE "C",
    first_name TEXT COLLATE "C",
    last_name TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    credential BIGINT NOT NULL,
    kept_session UUID,
    imported BOOLEAN NOT NULL,
    suspended BOOLEAN NOT NULL,
    mfa BOOLEAN NOT NULL,
    closed_at BIGINT
) WITH (fillfactor = 80);

-- Each word of a username, first or last name, in lower case.
CREATE UNLOGGED TABLE name_terms (
    term TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (term, username)
);

CREATE INDEX name_terms_by_user ON name_terms (user_id, term);

-- Open sessions only.
CREATE UNLOGGED TABLE sessions (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL,
    credential BIGINT NOT NULL,
    device_name TEXT COLLATE "C",
    opened_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX sessions_by_user ON sessions (user_id);
