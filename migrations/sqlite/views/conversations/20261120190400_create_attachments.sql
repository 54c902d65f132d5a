-- Uploaded files until they are removed. What they are is none once that is erased; then only the row waits for its end.
CREATE TABLE attachments (
    id BLOB PRIMARY KEY,
    uploader BLOB NOT NULL,
    uploaded_at INTEGER,                -- null where only its message is known yet
    message INTEGER,                    -- the key of the message that has it
    name TEXT,
    media_type TEXT,                    -- null when erased
    size INTEGER NOT NULL,
    width INTEGER,
    height INTEGER,
    thumbnail_width INTEGER,
    thumbnail_height INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX attachments_by_uploader ON attachments (uploader);
CREATE INDEX attachments_unused ON attachments (uploaded_at) WHERE message IS NULL;
