-- Run once, on an empty primary, by the image's entry point. Passwords come from files and never stand on a command line.
SET log_min_error_statement = panic;

\set password `cat /run/secrets/postgres_tidings`
CREATE ROLE tidings LOGIN PASSWORD :'password';
-- log, keys and views over PostgreSQL
CREATE DATABASE tidings OWNER tidings;
-- keys and views of the installation whose log is in KurrentDB: two installations need two databases
CREATE DATABASE tidings_views OWNER tidings;
REVOKE ALL ON DATABASE tidings, tidings_views FROM PUBLIC;

\set password `cat /run/secrets/postgres_replication`
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
SELECT pg_create_physical_replication_slot('replica_1');
