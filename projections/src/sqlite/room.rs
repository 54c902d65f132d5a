//! Whether the disk has room for one more generation: one that has not would take the last of it from the log.

use std::{fs, path::Path};

use crate::runner::ViewsError;

/// What is to be left for everything else while a view is built, in bytes.
const TO_SPARE: u64 = 4 << 20;

/// Looks whether a copy of the serving generation would fit beside it.
pub(super) fn check(serving: &Path) -> Result<(), ViewsError> {
    let failed = |error: std::io::Error| ViewsError::Unavailable(error.to_string());
    // what is not copied into the file yet lies beside it, and is part of the next one too
    let beside = serving.with_extension("db-wal");
    let size = fs::metadata(serving).map_err(failed)?.len() + fs::metadata(beside).map_or(0, |found| found.len());
    let needed = size + size / 8 + TO_SPARE;
    let disk = rustix::fs::statvfs(serving).map_err(|error| failed(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= needed {
        return Ok(());
    }
    Err(ViewsError::Unavailable(format!(
        "the disk has {} MiB left, and building the view anew beside the one that serves takes {} MiB",
        free >> 20,
        needed.div_ceil(1 << 20)
    )))
}
