//! The rows of conversations in SQLite: row by row, by cached statements.

mod read;
mod write;
