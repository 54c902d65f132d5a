//! Whether the views' files are what was written (ADR 0009).
//!
//! Views are functions of the log, so nothing waits for the disk while they are written: the write-ahead log is not synced, and
//! its pages mostly never reach the disk at all before they are written again. The operating system keeps what a killed
//! process wrote; only when the machine itself stops may a view be torn. So it is noted under which start of the machine the
//! views are written. Who finds another start noted builds them anew; a clean close syncs them and takes the note away.

use std::fs;

use rusqlite::{Connection, OptionalExtension};

/// Which start of the machine this is; none where the system does not tell (Linux does).
pub(super) fn this_start() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Notes the present start. `false` when the views cannot be trusted: that they serve is forgotten, and they are built from
/// the log.
pub(super) fn begin(index: &mut Connection, now: Option<&str>) -> rusqlite::Result<bool> {
    let change = index.transaction()?;
    let before: Option<String> = change.query_row("SELECT boot FROM unsynced", [], |row| row.get(0)).optional()?;
    if before.is_some() && before.as_deref() == now {
        return Ok(true);
    }
    let trusted = before.is_none();
    if !trusted {
        tracing::warn!("the machine stopped before the views were on its disk: they are built from the log");
        change.execute("DELETE FROM serving", [])?;
    }
    change.execute("DELETE FROM unsynced", [])?;
    if let Some(now) = now {
        change.execute("INSERT INTO unsynced VALUES (?)", [now])?;
    }
    change.commit()?;
    Ok(trusted)
}

/// All files are on the disk: they can be trusted whatever happens to the machine.
pub(super) fn end(index: &Connection) -> rusqlite::Result<()> {
    index.execute("DELETE FROM unsynced", []).map(drop)
}
