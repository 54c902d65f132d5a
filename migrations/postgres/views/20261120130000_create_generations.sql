-- Which generations of each projection there are, and which of them serves. The tables of a generation lie in a schema of
-- their own, `tidings_views_<projection>_<number>`.
CREATE TABLE tidings_views.generations (
    projection TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,  -- which release's shape it has
    complete BOOLEAN NOT NULL DEFAULT FALSE, -- its filling was finished
    position BIGINT NOT NULL DEFAULT 0,     -- the checkpoint: moves in the transaction that changes the view
    moves BIGINT NOT NULL DEFAULT 0,        -- how often anybody has changed the view: what compare-and-set compares
    PRIMARY KEY (projection, number)
) WITH (fillfactor = 50);                   -- a row is updated with every batch: in place, not at the table's end

-- One row's update is the swap, for all nodes at once.
CREATE TABLE tidings_views.serving (
    projection TEXT COLLATE "C" PRIMARY KEY,
    number INTEGER NOT NULL,
    FOREIGN KEY (projection, number) REFERENCES tidings_views.generations DEFERRABLE INITIALLY DEFERRED
);

-- Events that could not be applied, and those behind them in their streams. `ordinal` is the number that a parked
-- start of a conversation keeps reserved.
CREATE TABLE tidings_views.parked (
    projection TEXT COLLATE "C" NOT NULL,
    generation INTEGER NOT NULL,
    position BIGINT NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    error TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT,
    PRIMARY KEY (projection, generation, position),
    FOREIGN KEY (projection, generation) REFERENCES tidings_views.generations (projection, number) ON DELETE CASCADE
);
