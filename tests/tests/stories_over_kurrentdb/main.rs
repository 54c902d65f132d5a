//! The stories of several nodes with the log in KurrentDB, keys and views in PostgreSQL.

#[path = "../stories_over_postgres/main.rs"]
mod stories;
