//! What went wrong in PostgreSQL, sorted by what can be done about it.

use std::borrow::Cow;

use tidings_event_store::database::is_transient;

use crate::{
    fold::{Blame, FoldError},
    queries::QueryError,
    runner::ViewsError,
};

/// The class of an error that PostgreSQL reports.
fn state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Cow::into_owned)
}

pub(super) fn blame(error: &sqlx::Error) -> Blame {
    match state(error).as_deref() {
        _ if is_transient(error) => Blame::Machine,
        // a page of a table or of an index that is not what it should be
        Some("XX001" | "XX002") => Blame::File,
        // a value that does not fit, or a constraint that an event breaks
        Some(state) if state.starts_with("22") || state.starts_with("23") || state == "54000" => Blame::Event,
        None if matches!(error, sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {
            Blame::Event
        }
        Some(_) | None => Blame::Machine,
    }
}

/// Whether a table that was asked for is not there: its generation was dropped meanwhile.
pub(super) fn is_gone(error: &sqlx::Error) -> bool {
    matches!(state(error).as_deref(), Some("42P01" | "3F000"))
}

/// Whether a table is held by somebody else just now.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    state(error).as_deref() == Some("55P03")
}

impl From<sqlx::Error> for FoldError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store { blame: blame(&error), why: error.to_string() }
    }
}

impl From<sqlx::Error> for ViewsError {
    fn from(error: sqlx::Error) -> Self {
        FoldError::from(error).into()
    }
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
