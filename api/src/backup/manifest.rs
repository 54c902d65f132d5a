//! What a backup says of itself.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{failed, files};
use crate::control::OperationError;

/// The form of the backup.
const FORM: u32 = 1;
/// The whole backup.
const MANIFEST: &str = "manifest.json";
/// What a backup that is under way, or was cut off, has of the log beside that.
const UNDER_WAY: &str = "manifest.under-way.json";

/// Two lines of a file: this as JSON, then the hash of that line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) form: u32,
    /// Which program wrote it.
    pub(super) tidings: String,
    /// When, as RFC 3339.
    pub(super) made_at: String,
    /// How many events, which is the size of the signed tree.
    pub(super) entries: u64,
    /// The position of the last of them.
    pub(super) position: u64,
    /// The root of the tree over them: base64.
    pub(super) root: String,
    /// What checks the signed head.
    pub(super) key: String,
    /// The signed head over exactly these events.
    pub(super) checkpoint: String,
    pub(super) segments: Vec<Segment>,
    pub(super) keys: Option<Part>,
    /// None where attachments are kept in an object store, which has backups of its own.
    pub(super) attachments: Option<Part>,
}

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    /// Below the directory of the backup.
    pub(super) file: String,
    /// The index of its first event, from 0.
    pub(super) first: u64,
    pub(super) entries: u64,
    /// The position of its last event.
    pub(super) position: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A file with many lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// Below the directory of the backup, or of the keys.
    pub(super) file: String,
    /// How many blocks of keys, or sealed files.
    pub(super) count: u64,
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    sha256: String,
}

fn sealed(line: &str) -> Seal {
    let mut hashing = files::Hashing::new();
    hashing.add(line.as_bytes());
    Seal { sha256: hashing.end() }
}

impl Manifest {
    /// Of a backup that is about to begin.
    pub(super) fn begin() -> Self {
        Self { form: FORM, tidings: env!("CARGO_PKG_VERSION").to_owned(), ..Self::default() }
    }

    /// That of the whole backup in this directory; none when there is none.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, OperationError> {
        Self::at(&directory.join(MANIFEST))
    }

    /// Where to go on: what was under way when it was cut off, else the whole backup.
    pub(super) fn newest(directory: &Path) -> Result<Option<Self>, OperationError> {
        match Self::at(&directory.join(UNDER_WAY))? {
            Some(under_way) => Ok(Some(under_way)),
            None => Self::read(directory),
        }
    }

    fn at(path: &Path) -> Result<Option<Self>, OperationError> {
        let wrong = |why: &str| OperationError::Failed(format!("{} {why}", path.display()));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(&format!("cannot be read: {error}"))),
        };
        let mut lines = text.lines();
        let (Some(line), Some(seal), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(wrong("is not whole"));
        };
        let seal: Seal = serde_json::from_str(seal).map_err(|_| wrong("is not what was written"))?;
        if seal.sha256 != sealed(line).sha256 {
            return Err(wrong("is not what was written: its hash is another"));
        }
        let manifest: Self = serde_json::from_str(line).map_err(|_| wrong("is of another version of Tidings"))?;
        if manifest.form == FORM { Ok(Some(manifest)) } else { Err(wrong("is of another version of Tidings")) }
    }

    fn put(&self, path: &Path) -> Result<(), OperationError> {
        let line = serde_json::to_string(self).map_err(failed)?;
        let seal = serde_json::to_string(&sealed(&line)).map_err(failed)?;
        files::put(path, format!("{line}\n{seal}\n").as_bytes()).map(drop).map_err(failed)
    }

    /// Keeps how far a backup is that is under way.
    pub(super) fn put_under_way(&self, directory: &Path) -> Result<(), OperationError> {
        self.put(&directory.join(UNDER_WAY))
    }

    /// Makes the backup what this says: from here on it is whole.
    pub(super) fn put_whole(&self, directory: &Path) -> Result<(), OperationError> {
        self.put(&directory.join(MANIFEST))?;
        match std::fs::remove_file(directory.join(UNDER_WAY)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn add(&mut self, segment: Segment) {
        self.entries = segment.first + segment.entries;
        self.position = segment.position;
        self.segments.push(segment);
    }
}

/// The name of a file that is written anew for each state of the log.
pub(super) fn numbered(what: &str, entries: u64) -> PathBuf {
    PathBuf::from(format!("{what}-{entries:012}.ndjson"))
}
