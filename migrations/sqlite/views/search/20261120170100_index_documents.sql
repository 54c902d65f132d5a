CREATE INDEX IF NOT EXISTS documents_by_sender ON documents (sender);
