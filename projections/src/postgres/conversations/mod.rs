//! The rows of conversations in PostgreSQL: a few statements for a whole batch.

mod read;
mod write;
