//! `tidings audit`: through the server that holds the data directory, or on a copy of it with nothing but its files.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use tidings_notary::VerifierKey;
use tokio::{
    fs::File,
    io::{BufReader, empty},
};

use super::operate::{Ended, perform, tell, watched};
use crate::{
    config::Config,
    control::{self, Against, AuditOperation, Operation, OperationError, Source},
    notary,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What may be asked of the notary.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Compares the log with its signed heads; exit code 1 on a difference, whose place is printed
    Verify {
        /// The verifier key, or a file that holds it [default: the data directory's own, which proves less]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// A signed head that was kept elsewhere; may be given several times
        #[arg(long = "checkpoint", value_name = "FILE")]
        checkpoints: Vec<PathBuf>,
        /// Compares an export instead of the log itself
        #[arg(long, value_name = "FILE", requires = "key")]
        export: Option<PathBuf>,
    },
    /// Prints the log with everything a verifier needs, one event a line
    Export,
    /// Proves that the event at a position is in the tree, or that the tree has grown from an earlier one
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Prove {
        /// Where in the log the event is
        #[arg(group = "what", value_name = "POSITION")]
        position: Option<u64>,
        /// In the tree of this size [default: the newest]
        #[arg(long, requires = "position", value_name = "SIZE")]
        size: Option<u64>,
        /// The size of the earlier tree
        #[arg(long, group = "what", value_name = "SIZE")]
        from: Option<u64>,
        /// The size of the later tree [default: the newest]
        #[arg(long, requires = "from", value_name = "SIZE")]
        to: Option<u64>,
    },
    /// Prints the verifier key
    Key,
}

/// Does what is asked.
pub(super) async fn run(config: &Config, command: AuditCommand) -> Result<ExitCode, Failure> {
    let operation = match command {
        AuditCommand::Verify { key, checkpoints, export } => {
            let key = key.map(|key| key_or_file(&key)).transpose()?;
            let notes = checkpoints.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
            let against = Against { key, notes };
            if let Some(export) = export {
                return tell(&verify_export(export, against).await?);
            }
            AuditOperation::Verify(against)
        }
        AuditCommand::Export => AuditOperation::Export,
        AuditCommand::Key => AuditOperation::Key,
        AuditCommand::Prove { position: Some(position), size, .. } => AuditOperation::Inclusion { position, size },
        AuditCommand::Prove { from, to, .. } => AuditOperation::Consistency { from: from.unwrap_or_default(), to },
    };
    tell(&perform_anywhere(config, operation).await?)
}

/// Where no server holds the data directory and the log is a file of it, neither secret nor keys nor views are needed, and
/// nothing is changed.
async fn perform_anywhere(config: &Config, operation: AuditOperation) -> Result<Ended, Failure> {
    let file = match config.log_file() {
        Some(file) if !control::is_served(&config.data_dir).await? => file,
        Some(_) | None => {
            return perform(config, Operation::Audit(operation), None, BufReader::new(empty())).await;
        }
    };
    let tiles = notary::tiles(&config.data_dir);
    watched(async move |reports| control::audit(operation, &Source::file(&file)?, &tiles, reports).await).await
}

async fn verify_export(export: PathBuf, against: Against) -> Result<Ended, Failure> {
    watched(async move |reports| {
        let open = async || {
            let file = File::open(&export).await;
            let file = file.map_err(|error| OperationError::Failed(format!("{}: {error}", export.display())))?;
            Ok(BufReader::with_capacity(1 << 16, file))
        };
        control::verify_lines(open, against, reports).await
    })
    .await
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// A key as text, or the name of a file that holds it.
pub(super) fn key_or_file(text: &str) -> Result<String, Failure> {
    if text.parse::<VerifierKey>().is_ok() { Ok(text.to_owned()) } else { read(Path::new(text)) }
}
