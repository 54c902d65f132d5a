-- The numbers of blocks: each is given to one node, once. What a crash leaves of them is thrown away.
CREATE SEQUENCE tidings_keys.block_numbers;

-- Blocks of 64 random keys, wrapped under the installation's secret. A destroyed key is a slot of zeros inside its block.
CREATE TABLE tidings_keys.key_blocks (
    id bigint PRIMARY KEY,
    wrapped bytea NOT NULL
);
-- Random bytes: compressing them or putting them elsewhere would only cost.
ALTER TABLE tidings_keys.key_blocks ALTER COLUMN wrapped SET STORAGE PLAIN;

-- One row: something wrapped under the secret, so that a wrong secret is noticed before it does harm.
CREATE TABLE tidings_keys.key_check (
    id integer PRIMARY KEY CHECK (id = 0),
    wrapped bytea NOT NULL
);

-- One row: up to where in the log the keys of what was erased are destroyed.
CREATE TABLE tidings_keys.erased_to (
    id integer PRIMARY KEY CHECK (id = 0),
    position bigint NOT NULL
);
INSERT INTO tidings_keys.erased_to (id, position) VALUES (0, 0);
