//! `tidings backup`, through the server that holds the data directory or without one, and `tidings restore`, only without.

use std::{
    path::{PathBuf, absolute},
    process::ExitCode,
};

use super::operate::{self, tell, watched};
use crate::{
    backup::{self, BackupRequest, RestoreRequest},
    config::Config,
    control::Operation,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where keys are in a backup, unless another place is named.
pub(super) const KEYS: &str = "keys";

/// Takes a backup.
pub(super) async fn take(config: &Config, directory: PathBuf, keys: Option<PathBuf>) -> Result<ExitCode, Failure> {
    // the server has a working directory of its own
    let directory = absolute(directory)?;
    let keys = keys.map(absolute).transpose()?.unwrap_or_else(|| directory.join(KEYS));
    operate::run(config, Operation::Backup(BackupRequest { directory, keys })).await
}

/// Restores one.
pub(super) async fn restore(config: &Config, request: RestoreRequest) -> Result<ExitCode, Failure> {
    let work = async |reports: &_| backup::restore(config, &request, reports).await.map(|summary| (0, summary));
    tell(&watched(work).await?)
}
