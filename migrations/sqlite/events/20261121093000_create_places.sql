-- Where the events of each stream are, as a table of its own: as an index of `events` it was touched in another place by nearly each
-- event of a batch. Events come into it later, in the order of its key (ADR 0027).
ALTER TABLE events RENAME TO events_before;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    -- milliseconds since 1970-01-01T00:00:00Z
    recorded_at INTEGER NOT NULL,
    data BLOB NOT NULL,
    metadata BLOB NOT NULL
) STRICT;

INSERT INTO events SELECT * FROM events_before ORDER BY position;

CREATE TABLE places (
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;

INSERT INTO places SELECT stream, version, position FROM events_before ORDER BY stream, version;

DROP TABLE events_before;

-- All events up to this position are in `places`, and some behind it.
CREATE TABLE placed (
    position INTEGER NOT NULL
) STRICT;

INSERT INTO placed SELECT coalesce(max(position), 0) FROM events;
