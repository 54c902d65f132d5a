-- In every generation of every projection. The checkpoint moves in the transaction that changes the view.
CREATE TABLE checkpoint (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO checkpoint VALUES (1, 0);

-- Which projection this is and which release's shape it has; `complete` when its filling was finished.
CREATE TABLE about (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that could not be applied, and those behind them in their streams. `ordinal` is the number that a parked
-- start of a conversation keeps reserved.
CREATE TABLE parked (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    error TEXT NOT NULL,
    ordinal INTEGER
) STRICT;
