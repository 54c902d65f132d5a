-- The log. Positions are gapless from 1; the writer gives them out, so nothing here counts by itself.

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- the part of the name before the first hyphen, by which readers of the whole log filter
    category TEXT NOT NULL
) STRICT;

-- `stream` is a `streams.id`. It is no foreign key: the check would cost each insert a lookup, and the one writer
-- inserts both in one transaction.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    -- milliseconds since 1970-01-01T00:00:00Z
    recorded_at INTEGER NOT NULL,
    data BLOB NOT NULL,
    metadata BLOB NOT NULL,
    UNIQUE (stream, version)
) STRICT;

-- Commands that came with a key, and the position of the first event of each.
CREATE TABLE commands (
    id BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    fingerprint BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Shortcuts into long streams. Never the truth: any of them can be deleted.
CREATE TABLE snapshots (
    stream TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    format TEXT NOT NULL,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;
