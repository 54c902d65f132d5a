-- views.db: which generation of each projection serves. One row's update is the swap.
CREATE TABLE serving (
    projection TEXT PRIMARY KEY,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
