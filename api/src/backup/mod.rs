//! Backup and restore: the log as segments of lines, keys apart from it, attachments, and what was erased.
//!
//! ```text
//! DIR/manifest.json           what there is, with counts and hashes; written last
//!     log/000000000000-….ndjson   events in order, each with its leaf of the notary's tree; never changed again
//!     checkpoint.ndjson       the signed head of that tree
//!     key                     what checks it
//!     attachments/ab/…        sealed files, and their list in attachments-….ndjson
//!     erasures.ndjson         every erasure so far: for restoring an older backup
//!     keys/keys-….ndjson      the keys, wrapped under the secret, and the secret, where it is a file
//! ```
//!
//! [`take`] writes it through the port of the event store, whatever the log is kept in. [`restore`] first reads it again to its
//! last byte: each event's leaf, the tree over them, the signed head. Then it fills empty stores with it, and makes erasures again
//! that the backup does not know of. ADR 0023 says why so.

mod again;
mod attached;
mod checking;
mod erasures;
mod files;
mod gathering;
mod lines;
mod manifest;
mod restoring;
mod taking;

use std::path::PathBuf;

use tidings_event_store::Keyring;

pub use restoring::{RestoreRequest, UNFINISHED, restore};
pub use taking::{BackupRequest, take};

use crate::{
    config::{AttachmentPlace, Config, LogEngine},
    control::OperationError,
};

/// Where a backup takes what is not in the log, for whoever has the stores open.
#[derive(Clone)]
pub struct Sources {
    /// The keys.
    pub keyring: Keyring,
    /// The directory of attachments, where they are files.
    pub attachments: Option<PathBuf>,
    /// The file of the installation's secret, where it is one.
    pub secret: Option<PathBuf>,
    /// Why no backup of this log can be taken, where that is so.
    pub refused: Option<&'static str>,
}

/// KurrentDB gives events their positions and times itself: nothing could be restored into it as it was.
const KURRENTDB: &str = "a log in KurrentDB is backed up and restored by KurrentDB's own means, and its keys by PostgreSQL's: restore the \
                         keys from before the log, and the server erases again what the log says before it serves";

impl Sources {
    /// Those of this configuration.
    pub fn of(config: &Config, keyring: &Keyring) -> Self {
        let data_dir = &config.data_dir;
        Self {
            keyring: keyring.clone(),
            attachments: match &config.attachments.place {
                AttachmentPlace::Files => Some(data_dir.join(attached::ATTACHMENTS)),
                AttachmentPlace::S3(_) => None,
            },
            secret: config.secret.is_none().then(|| data_dir.join("secret")),
            refused: match &config.engines.events {
                LogEngine::Sqlite | LogEngine::Postgres(_) => None,
                LogEngine::KurrentDb(_) => Some(KURRENTDB),
            },
        }
    }
}

fn failed(error: impl std::fmt::Display) -> OperationError {
    OperationError::Failed(error.to_string())
}
