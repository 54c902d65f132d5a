//! What went wrong in SQLite, sorted by what can be done about it.

use rusqlite::ErrorCode;

use crate::{
    fold::{Blame, FoldError},
    queries::QueryError,
    runner::ViewsError,
};

pub(super) fn blame(error: &rusqlite::Error) -> Blame {
    match error.sqlite_error_code() {
        // `Unknown` is SQLITE_ERROR: a table or column that this release expects is not there
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) => Blame::File,
        // without a code it is a value that does not convert, or a row that the event expected and is not there
        None | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => Blame::Event,
        Some(_) => Blame::Machine,
    }
}

impl From<rusqlite::Error> for FoldError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store { blame: blame(&error), why: error.to_string() }
    }
}

pub(super) fn views_error(error: &rusqlite::Error) -> ViewsError {
    FoldError::Store { blame: blame(error), why: error.to_string() }.into()
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
