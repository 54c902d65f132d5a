//! Taking hold of a SQLite file: one process at a time, and never a file that is not ours.
//!
//! Everything is checked before anything is written, so a file that is refused stays as it was, byte for byte.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::lock::FileLock;

/// Why a file was refused. Each says in one sentence what is wrong and what to do; the file was not touched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process (or another store in this one) has it.
    #[error("{0} is in use by another process: stop that one, or give this one a data directory of its own")]
    InUse(PathBuf),
    /// Something else than a SQLite database.
    #[error("{0} is not a SQLite database: move it away, or name another data directory")]
    NotSqlite(PathBuf),
    /// A SQLite database, but not of this kind.
    #[error("{path} is not the {kind} of Tidings: move it away, or name another data directory")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What it should have been.
        kind: &'static str,
    },
    /// Written by a newer version of this program.
    #[error("{path} has schema {found} and this version of Tidings knows {known}: start the newer version again")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest schema this program knows.
        known: usize,
    },
    /// Ours once, but no longer whole.
    #[error("{path} is damaged ({reason}): move it away and restore a backup")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file or its directory cannot be used.
    #[error("{path} cannot be opened ({reason}): see that its directory is there, writable and not full")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

impl OpenError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), reason: error.to_string() }
    }

    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        if super::error::is_damage(error) { Self::Damaged { path, reason } } else { Self::Unusable { path, reason } }
    }
}

/// A kind of SQLite file that this program keeps.
#[derive(Debug, Clone, Copy)]
pub struct FileKind {
    /// What messages call it: "event store".
    pub name: &'static str,
    /// SQLite's `application_id`, which tells our files from others.
    pub application_id: i32,
    /// The newest schema (`user_version`) this program knows.
    pub schema: usize,
    /// A query over the tables that every schema of it has, to find damage before anything is written.
    pub probe: &'static str,
}

/// A file held for this process alone until this is dropped.
#[derive(Debug)]
pub struct HeldFile {
    path: PathBuf,
    _lock: FileLock,
}

impl HeldFile {
    /// Locks the file and looks whether it is of this kind. A file that is not there, or is empty, is fine.
    ///
    /// The lock is on a sibling, `<file>.lock`: closing any handle of the database itself would drop SQLite's own locks.
    pub fn take(path: &Path, kind: FileKind) -> Result<Self, OpenError> {
        let lock_path = with_suffix(path, ".lock");
        let was_there = lock_path.exists();
        let lock = hold(path)?;
        check(path, kind).inspect_err(|_| {
            if !was_there {
                // Leave nothing of ours beside a file that is not ours. If it stays, it harms nobody.
                std::fs::remove_file(&lock_path).ok();
            }
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Keeps all others from a file, whatever it is and whether it is there, for as long as what this returns is kept.
pub fn hold(path: &Path) -> Result<FileLock, OpenError> {
    FileLock::take(&with_suffix(path, ".lock"))
        .map_err(|error| OpenError::io(path, &error))?
        .ok_or_else(|| OpenError::InUse(path.to_owned()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

fn check(path: &Path, kind: FileKind) -> Result<(), OpenError> {
    let mut header = Vec::with_capacity(100);
    match File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header).map_err(|error| OpenError::io(path, &error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OpenError::io(path, &error)),
    };
    if header.is_empty() {
        return Ok(());
    }
    if header.len() < 100 || !header.starts_with(MAGIC) {
        return Err(OpenError::NotSqlite(path.to_owned()));
    }
    check_version(path, kind, number_at(&header, 68), number_at(&header, 60))?;
    // The newest header may still be in the write-ahead log: ask SQLite too.
    probe(path, kind)
}

/// A big-endian number of SQLite's file header (<https://sqlite.org/fileformat2.html#the_database_header>).
fn number_at(header: &[u8], offset: usize) -> i32 {
    header[offset..offset + 4].iter().fold(0, |number: i32, byte| number << 8 | i32::from(*byte))
}

fn check_version(path: &Path, kind: FileKind, application_id: i32, schema: i32) -> Result<(), OpenError> {
    if application_id != kind.application_id {
        return Err(OpenError::Foreign { path: path.to_owned(), kind: kind.name });
    }
    if usize::try_from(schema).is_ok_and(|found| found > kind.schema) {
        return Err(OpenError::Newer { path: path.to_owned(), found: schema, known: kind.schema });
    }
    Ok(())
}

/// Asks SQLite alone whether a file is of this kind: a store in this process keeps the locks it has on it.
pub(super) fn probe(path: &Path, kind: FileKind) -> Result<(), OpenError> {
    let damage = |error| OpenError::sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(damage)?;
    let pragma = |name| connection.pragma_query_value::<i32, _>(None, name, |row| row.get(0)).map_err(damage);
    let schema = pragma("user_version")?;
    check_version(path, kind, pragma("application_id")?, schema)?;
    if schema > 0 {
        // SQLite also compares the file's length with what its header says.
        connection.query_row(kind.probe, [], |_| Ok(())).map_err(damage)?;
    }
    Ok(())
}
