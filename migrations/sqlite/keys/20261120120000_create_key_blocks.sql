-- Blocks of 64 random keys, wrapped under the installation's secret. A destroyed key is a slot of zeros inside its block.
CREATE TABLE key_blocks (
    id      INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT;

-- One row: something wrapped under the secret, so that a wrong secret is noticed before it does harm.
CREATE TABLE key_check (
    id      INTEGER PRIMARY KEY CHECK (id = 0),
    wrapped BLOB NOT NULL
) STRICT;

-- One row: up to where in the log the keys of what was erased are destroyed.
CREATE TABLE erased_to (
    id       INTEGER PRIMARY KEY CHECK (id = 0),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO erased_to (id, position) VALUES (0, 0);
