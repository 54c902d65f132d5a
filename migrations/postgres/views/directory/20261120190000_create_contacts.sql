-- What somebody is to somebody else, as either of them sees it: two rows for each pair.
CREATE UNLOGGED TABLE contacts (
    user_id UUID NOT NULL,
    other_id UUID NOT NULL,
    -- 1 accepted, 2 incoming, 3 outgoing
    state BIGINT NOT NULL,
    since BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (user_id, other_id)
);

CREATE INDEX contacts_by_state ON contacts (user_id, state, position);

-- Whom somebody blocks.
CREATE UNLOGGED TABLE blocks (
    user_id UUID NOT NULL,
    other_id UUID NOT NULL,
    since BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (user_id, other_id)
);

CREATE INDEX blocks_by_position ON blocks (user_id, position);
