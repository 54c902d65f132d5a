//! Views in SQLite files: the embedded backend.

mod applying;
mod compare;
mod conversations;
mod directory;
mod error;
mod files;
mod fold;
mod generation;
mod ids;
mod parked;
mod pool;
mod queries;
mod store;

pub use store::SqliteViews;

/// A number as SQLite keeps it. Positions, versions and ordinals never reach the sign bit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The most rows of a statement.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A stored number that is never negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
