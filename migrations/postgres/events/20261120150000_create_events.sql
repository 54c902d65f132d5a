-- The log. Positions are gapless from 1 and appear in order: whoever appends holds one lock until the commit (ADR 0006),
-- so nothing here counts by itself.

CREATE TABLE tidings_events.streams (
    -- names the stream inside this database only; says nothing about order
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text COLLATE "C" NOT NULL UNIQUE,
    -- the part of the name before the first hyphen, by which readers of the whole log filter
    category text COLLATE "C" NOT NULL
);

-- `stream` is a `streams.id`. It is no foreign key: the check would lock the stream's row for each insert, and one
-- function inserts both in one transaction.
CREATE TABLE tidings_events.events (
    position bigint PRIMARY KEY,
    stream bigint NOT NULL,
    version bigint NOT NULL,
    -- milliseconds since 1970-01-01T00:00:00Z
    recorded_at bigint NOT NULL,
    id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    metadata bytea NOT NULL,
    UNIQUE (stream, version)
);
-- Most of an event is sealed, so compressing it would be work for nothing.
ALTER TABLE tidings_events.events ALTER COLUMN data SET STORAGE EXTERNAL;

-- Commands that came with a key, and the position of the first event of each.
CREATE TABLE tidings_events.commands (
    id uuid PRIMARY KEY,
    position bigint NOT NULL,
    fingerprint uuid NOT NULL
);

-- Shortcuts into long streams. Never the truth: any of them can be deleted.
CREATE TABLE tidings_events.snapshots (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    format text NOT NULL,
    data bytea NOT NULL
);
ALTER TABLE tidings_events.snapshots ALTER COLUMN data SET STORAGE EXTERNAL;
