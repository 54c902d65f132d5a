//! Keeping all others from a file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// A lock on a file of its own (`flock`), which ends when this is dropped, or with the process.
///
/// It is given back by name, not by closing the file alone: while this process starts another program, that one has a copy
/// of every open file until it has begun, and a lock lives as long as the last copy.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Takes the lock, or tells with `None` that somebody has it. Makes the file when it is not there.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a lock could not be given back before its file is closed");
        }
    }
}
