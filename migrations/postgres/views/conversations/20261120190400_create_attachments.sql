-- Uploaded files until they are removed. What they are is none once that is erased; then only the row waits for its end.
CREATE UNLOGGED TABLE attachments (
    id UUID PRIMARY KEY,
    uploader UUID NOT NULL,
    uploaded_at BIGINT,                 -- null where only its message is known yet
    message BIGINT,                     -- the key of the message that has it
    name TEXT COLLATE "C",
    media_type TEXT COLLATE "C",        -- null when erased
    size BIGINT NOT NULL,
    width BIGINT,
    height BIGINT,
    thumbnail_width BIGINT,
    thumbnail_height BIGINT
);

CREATE INDEX attachments_by_uploader ON attachments (uploader);
CREATE INDEX attachments_unused ON attachments (uploaded_at) WHERE message IS NULL;
