//! What went wrong in folding, sorted by what can be done about it.

use crate::runner::{ApplyError, ViewsError};

/// Why an event was not folded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    /// The database's affair, or the event's: [`Blame`] tells.
    #[error("{why}")]
    Store {
        /// Whose fault it is.
        blame: Blame,
        /// In the database's words.
        why: String,
    },
    /// The event does not fit what was folded before it.
    #[error("{0}")]
    Data(String),
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The event's: it will fail again, others will not.
    Event,
    /// The file's, or the tables': nothing in them can be trusted.
    File,
    /// The machine's: it may pass.
    Machine,
}

impl FoldError {
    pub(crate) fn data(why: impl Into<String>) -> Self {
        Self::Data(why.into())
    }

    /// The same, where no event can be blamed.
    pub(crate) fn apply_error(self) -> ApplyError {
        match self {
            Self::Store { blame: Blame::File, why } => ApplyError::Damaged(why),
            Self::Store { blame: Blame::Event | Blame::Machine, why } | Self::Data(why) => ApplyError::Unavailable(why),
        }
    }
}

impl From<FoldError> for ViewsError {
    fn from(error: FoldError) -> Self {
        error.apply_error().into()
    }
}
