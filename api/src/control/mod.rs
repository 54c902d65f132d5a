//! What operators do from the command line, wherever the stores are open.
//!
//! An [`Operation`] runs in the process that holds the data directory. While a server does, the command line hands the
//! operation over through a socket in that directory (mode 0600); else it opens the stores and runs the operation itself.
//! Either way the same function runs and tells what it does as [`Report`]s.
//!
//! On the socket: one line of JSON with the operation, then the input up to the end of the sender's half; in answer one
//! [`Report`] a line, the last of them [`Report::Done`].

mod accounts;
mod audit;
mod events;
mod import;
mod line;
mod replay;
mod seed;
mod socket;

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use tidings_commands::Commands;
use tidings_domain::values::Role;
use tidings_event_store::EventStore;
use tidings_notary::Tiles;
use tidings_projections::{Views, runner::Pace};
use tokio::{io::AsyncBufRead, sync::mpsc};

use crate::{
    backup::{self, BackupRequest, Sources},
    notary::Notary,
};

pub use audit::{Against, AuditOperation, Source, run as audit, verify_lines};
pub use seed::Plan;
pub use socket::{SOCKET, connect, is_served, listen, unlink};

/// Something to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Give an account a role.
    Grant {
        /// Its username or id.
        user: String,
        /// Which.
        role: Role,
    },
    /// Give an account a password: the first line of the input.
    SetPassword {
        /// Its username or id.
        user: String,
    },
    /// Turn an account's second factor off.
    ForgetSecondFactor {
        /// Its username or id.
        user: String,
    },
    /// Print the log.
    Events {
        /// Begin after this position.
        after: u64,
        /// Go on when new events come.
        follow: bool,
    },
    /// Build views anew from the log, or compare them with it.
    Replay {
        /// Which; all when empty.
        projections: Vec<String>,
        /// Compare instead.
        verify: bool,
        /// Only so many conversations and people.
        sample: Option<usize>,
    },
    /// Check a chat log (the input) and find out how much of it is there already: the summary is that number of lines.
    Survey,
    /// Make demonstration data.
    Seed(Plan),
    /// Bring in a chat log (the input) after so many lines.
    Import {
        /// Lines that are there already.
        skip: u64,
    },
    /// Verify, export or prove the log.
    Audit(AuditOperation),
    /// Take a backup.
    Backup(BackupRequest),
}

/// What an operation tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// How far it is.
    Progress {
        /// What is counted.
        what: String,
        /// So many are done.
        done: u64,
        /// Of so many, where that is known.
        total: Option<u64>,
    },
    /// A line of its result.
    Line(String),
    /// It has ended.
    Done {
        /// The exit code: 0 done, 1 found a difference or failed.
        code: u8,
        /// What came of it, in one sentence.
        summary: String,
    },
}

/// Where reports go. When nobody listens any more, the operation stops.
pub type Reports = mpsc::Sender<Report>;

/// Why an operation stopped.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// In one sentence, for whoever asked for it.
    #[error("{0}")]
    Failed(String),
    /// Whoever asked for it has gone.
    #[error("nobody waits for the result any more")]
    Gone,
}

impl From<tidings_commands::Error> for OperationError {
    fn from(error: tidings_commands::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The open stores, for operations.
#[derive(Clone)]
pub struct Operator {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// The write side.
    pub commands: Commands,
    /// The read side.
    pub views: Arc<Views>,
    /// The notary, where it is at work in this process.
    pub notary: Option<Notary>,
    /// What it keeps.
    pub tiles: Tiles,
    /// The log's file, where it has one.
    pub log_file: Option<PathBuf>,
    /// How fast views are rebuilt and compared: beside a server's traffic, or with nothing to leave room for.
    pub pace: Pace,
    /// What a backup takes beside the log.
    pub sources: Sources,
}

impl Operator {
    /// Runs an operation to its end, which is always reported.
    pub async fn run(&self, operation: Operation, input: impl AsyncBufRead + Unpin + Send, reports: Reports) {
        let outcome = match operation {
            Operation::Grant { user, role } => self.grant(&user, role).await,
            Operation::SetPassword { user } => self.set_password(&user, input).await,
            Operation::ForgetSecondFactor { user } => self.forget_second_factor(&user).await,
            Operation::Events { after, follow } => self.print_events(after, follow, &reports).await,
            Operation::Replay { projections, verify: false, sample: _ } => self.replay(&projections, &reports).await,
            Operation::Replay { projections, verify: true, sample } => {
                self.verify(&projections, sample, &reports).await
            }
            Operation::Survey => self.survey(input).await,
            Operation::Seed(plan) => self.seed(&plan, &reports).await,
            Operation::Import { skip } => self.import(input, skip, &reports).await,
            Operation::Audit(operation) => self.audit(operation, &reports).await,
            Operation::Backup(request) => backup::take(self, &request, &reports).await.map(|summary| (0, summary)),
        };
        let done = match outcome {
            Ok((code, summary)) => Report::Done { code, summary },
            Err(OperationError::Failed(summary)) => Report::Done { code: 1, summary },
            Err(OperationError::Gone) => return,
        };
        if reports.send(done).await.is_err() {
            tracing::debug!("the outcome of an operation was not waited for");
        }
    }
}

/// Exit code and summary.
type Ended = Result<(u8, String), OperationError>;

pub(crate) async fn report(reports: &Reports, report: Report) -> Result<(), OperationError> {
    reports.send(report).await.map_err(|_| OperationError::Gone)
}
