-- views.db: under which start of the machine the views are written without waiting for the disk. Empty once they are closed and
-- synced. One that finds another start's name here cannot trust the views: the machine stopped before all was written.
CREATE TABLE IF NOT EXISTS unsynced (
    boot TEXT NOT NULL
) STRICT;
