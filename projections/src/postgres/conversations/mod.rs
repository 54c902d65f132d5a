//! The rows of conversations in PostgreSQL: a few statements for a whole batch.

mod accesses;
pub(in crate::postgres) mod attachments;
mod erasures;
mod reactions;
mod read;
mod schedules;
mod write;

pub(super) use schedules::row as scheduled_row;
pub(super) use write::column;
