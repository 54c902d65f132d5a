-- What waits to be sorted into the index is gone through by every search: little may.
CREATE INDEX documents_by_fingerprint ON documents USING gin (fingerprints) WITH (gin_pending_list_limit = 128);
