//! What went wrong in SQLite, sorted by what can be done about it.

use rusqlite::ErrorCode;

use crate::{
    queries::QueryError,
    runner::{ApplyError, ViewsError},
};

/// Why an event was not folded.
#[derive(Debug, thiserror::Error)]
pub(super) enum FoldError {
    /// The database's affair, or the event's: [`Blame`] tells.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The event does not fit what was folded before it.
    #[error("{0}")]
    Data(String),
}

impl FoldError {
    pub(super) fn data(why: impl Into<String>) -> Self {
        Self::Data(why.into())
    }
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// The event's: it will fail again, others will not.
    Event,
    /// The file's: nothing in it can be trusted.
    File,
    /// The machine's: it may pass.
    Machine,
}

pub(super) fn blame(error: &rusqlite::Error) -> Blame {
    match error.sqlite_error_code() {
        // `Unknown` is SQLITE_ERROR: a table or column that this release expects is not there
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) => Blame::File,
        // without a code it is a value that does not convert, or a row that the event expected and is not there
        None | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => Blame::Event,
        Some(_) => Blame::Machine,
    }
}

pub(super) fn apply_error(error: &rusqlite::Error) -> ApplyError {
    match blame(error) {
        Blame::File => ApplyError::Damaged(error.to_string()),
        Blame::Event | Blame::Machine => ApplyError::Unavailable(error.to_string()),
    }
}

pub(super) fn views_error(error: &rusqlite::Error) -> ViewsError {
    apply_error(error).into()
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
