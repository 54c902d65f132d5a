//! Which problem each failure inside is. Clients learn the kind alone; the sentence is for the operator's log.

use tidings_attachments::{BlobError, ReadError, VaultError};
use tidings_commands::Error as CommandError;
use tidings_event_store::{CodecError, KeyError, Seldom, StoreError};
use tidings_notary::ProofError;
use tidings_projections::{ApplyError, PastError, QueryError, ViewsError};

use super::{Problem, status::Kind};
use crate::notary::NoProof;

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let kind = match error {
            CommandError::Refused(refusal) => return refusal.into(),
            CommandError::Store(error) => return error.into(),
            CommandError::Keys(error) => return error.into(),
            CommandError::Attachment { refusal, .. } => return refusal.into(),
            CommandError::Codec(error) => return error.into(),
            CommandError::WrongCredentials => Kind::WrongCredentials,
            CommandError::WrongPassword => Kind::WrongPassword,
            CommandError::OtpRequired => Kind::OtpRequired,
            CommandError::TooManyAttempts { millis } => {
                let wait = u64::try_from(millis).unwrap_or_default();
                return Self::new(Kind::TooManyAttempts, error.to_string()).retry_after(wait / 1000 + 1);
            }
            CommandError::NoSuchUser(_) => Kind::NoSuchUser,
            CommandError::NoSuchMessage => Kind::NoSuchMessage,
            CommandError::KeyReused => Kind::KeyReused,
            CommandError::Forgotten => Kind::SessionEnded,
            CommandError::HashingBusy | CommandError::Contended => Kind::Overloaded,
            CommandError::Internal(_) => return failed(&error, Kind::Internal),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Key(error) => error.into(),
            CodecError::Event(_) | CodecError::Stream(_) | CodecError::Newer { .. } | CodecError::Seal { .. } => {
                failed(&error, Kind::Internal)
            }
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::NotReady => Kind::ViewsNotReady.into(),
            QueryError::Unavailable(_) => failed(&error, Kind::Unavailable),
        }
    }
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        let kind = match &error {
            ViewsError::Busy(_) => return Self::new(Kind::Busy, error.to_string()),
            ViewsError::Stopped => Kind::ShuttingDown,
            ViewsError::Unavailable(_) | ViewsError::Log(_) | ViewsError::Apply(ApplyError::Unavailable(_)) => {
                Kind::Unavailable
            }
            ViewsError::Foreign(_)
            | ViewsError::Apply(ApplyError::Conflict { .. } | ApplyError::Poisoned(_) | ApplyError::Damaged(_)) => {
                Kind::Internal
            }
        };
        failed(&error, kind)
    }
}

impl From<PastError> for Problem {
    fn from(error: PastError) -> Self {
        let kind = match error {
            PastError::TooMuch { .. } => Kind::TooMuchHistory,
            PastError::Busy => Kind::Overloaded,
            PastError::Store(error) => return error.into(),
            PastError::Keys(error) => return error.into(),
            PastError::Views(error) => return error.into(),
            PastError::Query(error) => return error.into(),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Overloaded => Kind::Overloaded,
            StoreError::Unavailable(_) => Kind::Unavailable,
            StoreError::Corrupt(_) => Kind::Internal,
        };
        failed(&error, kind)
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let kind = match &error {
            KeyError::Unavailable(_) => Kind::Unavailable,
            KeyError::Refused(_) | KeyError::WrongSecret | KeyError::Damaged(_) => Kind::Internal,
        };
        failed(&error, kind)
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Key(error) => error.into(),
            VaultError::Forgotten(_) => Kind::SessionEnded.into(),
            VaultError::Io(_) | VaultError::Blob(_) => failed(&error, Kind::Unavailable),
        }
    }
}

impl From<NoProof> for Problem {
    fn from(error: NoProof) -> Self {
        match &error {
            NoProof::NoSuchEntry(_) | NoProof::Tree(ProofError::OutOfRange(_)) => {
                Self::new(Kind::NoSuchEntry, error.to_string())
            }
            NoProof::Tree(ProofError::Tile(_)) | NoProof::Positions(_) => failed(&error, Kind::Unavailable),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Key(error) => error.into(),
            ReadError::Forgotten(_) => Kind::NoSuchAttachment.into(),
            ReadError::Blob(BlobError::Unavailable(_)) => failed(&error, Kind::Unavailable),
            // the log says that it is there, and what it is
            ReadError::Damaged { .. } | ReadError::Blob(BlobError::Missing(_)) => failed(&error, Kind::Internal),
        }
    }
}

/// A failure inside: its sentence is for the operator's log, clients learn the kind alone. While a database is gone, every
/// request fails in the same way: the log says so once a second, the measurements count them all.
fn failed(error: &dyn std::error::Error, kind: Kind) -> Problem {
    static SAID: [Seldom; Kind::ALL.len()] = [const { Seldom::new() }; Kind::ALL.len()];
    metrics::counter!("tidings_failures_total", "problem" => kind.uri()).increment(1);
    let said = Kind::ALL.iter().position(|known| *known == kind).and_then(|nth| SAID.get(nth));
    if let Some(left_out) = said.and_then(Seldom::due) {
        tracing::error!(problem = kind.uri(), left_out, "{error}");
    }
    kind.into()
}
