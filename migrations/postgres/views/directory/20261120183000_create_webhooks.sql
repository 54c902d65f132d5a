-- Where people are told of what happens, and how that goes. The secrets that sign are in the log alone.
CREATE UNLOGGED TABLE webhooks (
    id UUID PRIMARY KEY,
    owner UUID NOT NULL,
    url TEXT COLLATE "C",
    -- Names with a space between.
    topics TEXT COLLATE "C" NOT NULL,
    conversation UUID,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    paused TEXT COLLATE "C",
    paused_at BIGINT,
    -- All up to here is delivered, or was not for it.
    delivered BIGINT NOT NULL,
    failing_since BIGINT,
    failure_status BIGINT,
    failure TEXT COLLATE "C",
    -- Until then the secret before the present one signs too.
    overlap_until BIGINT,
    -- The last deliveries, JSON.
    recent TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX webhooks_by_owner ON webhooks (owner, id);
