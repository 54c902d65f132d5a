-- What auditors were shown, once for each whom it concerned.
CREATE UNLOGGED TABLE accesses (
    subject UUID NOT NULL,              -- a person, a conversation, or the nil UUID for everybody
    position BIGINT NOT NULL,
    auditor UUID NOT NULL,
    at BIGINT NOT NULL,
    shown TEXT COLLATE "C" NOT NULL,
    conversation UUID,
    seq BIGINT,                         -- of the one message, where it was one
    version BIGINT,
    as_of BIGINT,                       -- the position as of which, where not as of the moment
    PRIMARY KEY (subject, position)
);
