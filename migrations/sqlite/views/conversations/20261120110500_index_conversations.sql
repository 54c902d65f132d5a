CREATE INDEX messages_deleted ON messages (key) WHERE deleted_at IS NOT NULL;
CREATE INDEX messages_pinned ON messages (key) WHERE pinned_at IS NOT NULL;
CREATE INDEX members_by_joining ON members (conversation, joined);
