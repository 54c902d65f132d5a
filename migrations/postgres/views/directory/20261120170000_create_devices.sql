CREATE UNLOGGED TABLE devices (
    user_id UUID NOT NULL,
    -- 1, 2, 3 … within the account
    number BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    identity_key TEXT COLLATE "C" NOT NULL,
    -- How many key packages nobody has claimed.
    key_packages BIGINT NOT NULL,
    fallback BOOLEAN NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, number)
) WITH (fillfactor = 80);
