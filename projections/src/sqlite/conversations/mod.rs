//! The rows of conversations in SQLite: row by row, by cached statements.

mod accesses;
pub(in crate::sqlite) mod attachments;
mod erasures;
mod read;
mod schedules;
mod write;

pub(super) use schedules::{COLUMNS as SCHEDULED_COLUMNS, row as scheduled_row};
