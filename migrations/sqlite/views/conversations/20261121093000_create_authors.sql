-- In which stretches of 256 messages somebody wrote, whatever is left of it: an index of all messages by their senders would be touched
-- in another place by nearly each of them.
CREATE TABLE authors (
    user BLOB NOT NULL,
    stretch INTEGER NOT NULL,           -- messages.key / 256
    PRIMARY KEY (user, stretch)
) STRICT, WITHOUT ROWID;
