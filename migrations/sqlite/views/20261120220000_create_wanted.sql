-- views.db: which projections are to be rebuilt. What a crash interrupts is begun again.
CREATE TABLE IF NOT EXISTS wanted (
    projection TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
