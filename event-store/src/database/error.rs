//! What PostgreSQL's errors mean to those who have to do something about them.

use std::{borrow::Cow, io::ErrorKind};

use super::Place;

/// Why a database cannot be used: one sentence each that says what is wrong and what to do. None of them holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The setting holds something else.
    #[error("{setting} is not a PostgreSQL URL: {why}; write postgres://user:password@host:5432/database")]
    NotAUrl {
        /// The name of the setting.
        setting: &'static str,
        /// What is wrong with it, without repeating it.
        why: String,
    },
    /// Nobody answers there.
    #[error("PostgreSQL cannot be reached at {place} ({reason}): check host and port, and that it is running")]
    Unreachable {
        /// Where.
        place: Place,
        /// Why.
        reason: String,
    },
    /// No protected connection can be made.
    #[error(
        "no TLS connection can be made to {place} ({reason}): check sslmode, sslrootcert and the server's certificate"
    )]
    Tls {
        /// Where.
        place: Place,
        /// Why.
        reason: String,
    },
    /// User or password are wrong.
    #[error("PostgreSQL refused the login {place} ({reason}): check user and password")]
    Login {
        /// Where.
        place: Place,
        /// What PostgreSQL says.
        reason: String,
    },
    /// There is no such database.
    #[error("there is no database for {place}: create it, or correct the name")]
    NoDatabase {
        /// Where.
        place: Place,
    },
    /// The login may not do what is needed.
    #[error("{place} lacks a right ({reason}): grant it, or use a login that has it")]
    MissingRight {
        /// Where.
        place: Place,
        /// What PostgreSQL says.
        reason: String,
    },
    /// What is stored there has an older shape, and this login or server cannot bring it to the present one.
    #[error(
        "the {part} at {place} has an older schema that cannot be migrated here ({reason}): start this version once with \
         a login that owns it, on the primary"
    )]
    OlderSchema {
        /// Log, keys or views.
        part: &'static str,
        /// Where.
        place: Place,
        /// Why it cannot be migrated.
        reason: String,
    },
    /// A later version of this program was here.
    #[error(
        "the {part} at {place} was migrated by a newer version of tidings (migration {version}) and was not touched: start \
         that version"
    )]
    NewerSchema {
        /// Log, keys or views.
        part: &'static str,
        /// Where.
        place: Place,
        /// The first migration that is not known here.
        version: i64,
    },
    /// The server is on its way up or down.
    #[error("PostgreSQL at {place} is starting or stopping ({reason}): try again in a moment")]
    Starting {
        /// Where.
        place: Place,
        /// What it says.
        reason: String,
    },
    /// It would work at another time or on another server.
    #[error("PostgreSQL at {place} does not answer as it should now ({reason}): try again")]
    Transient {
        /// Where.
        place: Place,
        /// What happened.
        reason: String,
    },
    /// Anything else.
    #[error("PostgreSQL at {place} cannot be used: {reason}")]
    Other {
        /// Where.
        place: Place,
        /// What happened.
        reason: String,
    },
}

impl DatabaseError {
    pub(super) fn of(place: &Place, error: &sqlx::Error) -> Self {
        let (place, reason) = (place.clone(), reason(error));
        if let Some(state) = state(error) {
            return match &*state {
                "28000" | "28P01" => Self::Login { place, reason },
                "3D000" => Self::NoDatabase { place },
                "42501" => Self::MissingRight { place, reason },
                "57P03" | "57P01" | "57P02" => Self::Starting { place, reason },
                _ if is_transient(error) => Self::Transient { place, reason },
                _ => Self::Other { place, reason },
            };
        }
        if matches!(error, sqlx::Error::Tls(_)) {
            Self::Tls { place, reason }
        } else if matches!(error, sqlx::Error::Io(io) if cannot_be_reached(io)) {
            Self::Unreachable { place, reason }
        } else if is_transient(error) {
            Self::Transient { place, reason }
        } else {
            Self::Other { place, reason }
        }
    }

    /// Whether the same may work in a moment, with nobody doing anything about it.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Starting { .. } | Self::Transient { .. } => true,
            Self::NotAUrl { .. }
            | Self::Tls { .. }
            | Self::Login { .. }
            | Self::NoDatabase { .. }
            | Self::MissingRight { .. }
            | Self::OlderSchema { .. }
            | Self::NewerSchema { .. }
            | Self::Other { .. } => false,
        }
    }
}

/// Nobody there, or no such host: a name that cannot be resolved has no kind of its own.
fn cannot_be_reached(error: &std::io::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}

/// The five characters that PostgreSQL's errors are told apart by.
pub(super) fn state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Cow::into_owned)
}

/// What happened, on one line.
fn reason(error: &sqlx::Error) -> String {
    let text = error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the connection is gone and with it the answer: what was asked may have been done or not.
pub fn is_lost(error: &sqlx::Error) -> bool {
    match state(error) {
        Some(state) => state.starts_with("08") || matches!(&*state, "57P01" | "57P02" | "57P03" | "57P05"),
        None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed),
    }
}

/// Whether the same may work in a moment: the connection was lost, the server is on its way up or down or out of
/// connections, another transaction was in the way, or this is a standby now.
pub fn is_transient(error: &sqlx::Error) -> bool {
    if is_lost(error) {
        return true;
    }
    match state(error) {
        Some(state) => {
            state.starts_with("53")
                || state.starts_with("40")
                || matches!(&*state, "25006" | "55P03" | "57014" | "55006" | "58030")
        }
        None => matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed),
    }
}

/// Whether PostgreSQL itself rolled the transaction back for the sake of another one.
pub fn is_rolled_back(error: &sqlx::Error) -> bool {
    matches!(state(error).as_deref(), Some("40001" | "40P01"))
}
